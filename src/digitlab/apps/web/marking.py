"""The page on which the fields of a blank form are marked: a separate server, for one form, until it is done."""

from __future__ import annotations

import hashlib
import io
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from digitlab.apps.web.config import Budget, Limits
from digitlab.apps.web.files import PageFile
from digitlab.apps.web.guard import BODY, Guard
from digitlab.apps.web.metrics import Metrics
from digitlab.apps.web.problems import ProblemError
from digitlab.jobs.sheet_marking import keep_marking

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.apps.web.access import Access
    from digitlab.jobs.sheet_marking import Marking

__all__ = ["make_marking"]

_SIDE = 2000  # pixels at which the blank is shown
_PATHS = {"/": ("index.html", "text/html; charset=utf-8"), "/mark.css": ("mark.css", "text/css; charset=utf-8"),
          "/mark.js": ("mark.js", "text/javascript; charset=utf-8")}  # fmt: skip


def make_marking(marking: Marking, access: Access, done: Callable[[], None], limits: Limits | None = None) -> Guard:
    """Build the page as an ASGI application. done: called when the user has finished.

    Raises:
        ImageError: when the blank cannot be opened.
    """
    limits, app = limits or Limits(), _MarkingApp(marking, done)
    paths = frozenset({*app.files, "/form", "/done"})
    return Guard(
        app, access, limits, Metrics(), Budget(limits.all_bytes), lambda path: path if path in paths else "other"
    )


class _MarkingApp:
    """Serves the page's files and the current form, and receives the edited one."""

    def __init__(self, marking: Marking, done: Callable[[], None]) -> None:
        self._marking, self._done = marking, done
        folder = resources.files("digitlab.apps.web") / "marking_page"
        self.files = {path: _file((folder / name).read_bytes(), kind) for path, (name, kind) in _PATHS.items()}
        self.files["/blank.jpg"] = _file(_picture(marking), "image/jpeg")
        self._title, self._fields = marking.title, [_field_content(each) for each in marking.fields]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        path, method = scope["path"], scope["method"]
        if path in self.files and method in ("GET", "HEAD"):
            file = self.files[path]
            body = b"" if method == "HEAD" else file.content
            await _answer(send, 200, file.media_type, body)
        elif path == "/form" and method == "GET":
            await _answer(send, 200, "application/json", json.dumps(self._content()).encode())
        elif path == "/form" and method == "POST":
            await _answer(send, 200, "application/json", json.dumps(self._keep(scope[BODY])).encode())
        elif path == "/done" and method == "POST":
            await _answer(send, 200, "application/json", b"{}")
            self._done()
        else:
            raise ProblemError(404, "path", f"there is no {method} {path[:60]}")

    def _content(self) -> dict[str, Any]:
        marking = self._marking
        size = {"pixels": list(marking.size), "width": marking.width}
        return {"out": str(marking.out), "known": marking.known, "title": self._title, "fields": self._fields, **size}

    def _keep(self, body: bytes) -> dict[str, Any]:
        try:
            content = json.loads(body)
            title, fields = content["title"], content["fields"]
            if not isinstance(title, str) or not isinstance(fields, list):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ProblemError(400, "body", "expected a form as JSON: title and fields") from error
        count = keep_marking(self._marking, title, fields)
        self._title, self._fields = title, fields
        return {"fields": count, "out": str(self._marking.out)}


def _field_content(field: Any) -> dict[str, Any]:
    return {name: getattr(field, name) for name in
            ("name", "label", "kind", "shape", "at", "full", "among", "one_to_one", "check")}  # fmt: skip


def _picture(marking: Marking) -> bytes:
    from PIL import Image

    from digitlab.reading.images import load_reduced

    picture = Image.fromarray(load_reduced(marking.blank, None)[0])
    picture.thumbnail((_SIDE, _SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()


def _file(content: bytes, kind: str) -> PageFile:
    return PageFile(content, None, kind, hashlib.sha256(content).hexdigest()[:16])


async def _answer(send: Any, status: int, kind: str, body: bytes) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Any, send: Any) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
