"""In front of FastAPI: the page's files, and the route that is called a thousand times a second, answered by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from digitlab.apps.web.files import PageFile, page_files
from digitlab.apps.web.guard import BODY
from digitlab.errors import UsageError
from digitlab.picture_files.pages import MOST_PAGES

if TYPE_CHECKING:
    from fastapi import FastAPI

    from digitlab.apps.web.classifying import Classifying
    from digitlab.apps.web.models import Models

__all__ = ["Front", "route_of"]


class Front:
    """In front of FastAPI: answers the page's files, and /v1/classify without FastAPI's overhead."""

    def __init__(self, api: FastAPI, models: Models, classifying: Classifying) -> None:
        self._api, self._models, self._classifying = api, models, classifying
        self._files = page_files()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, or pass it on to FastAPI."""
        if scope["type"] == "http":
            path, method = scope["path"], scope["method"]
            if path == "/v1/classify" and method == "POST":
                await self._classify(scope, send)
                return
            file = self._files.get(path)
            if file is not None and method in ("GET", "HEAD"):
                await _send_file(file, scope, send)
                return
        await self._api(scope, receive, send)

    async def _classify(self, scope: Any, send: Any) -> None:
        kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
        model, threshold, page = _query_parameters(scope["query_string"])
        served = self._models.get(model)
        answer = await self._classifying.answer(scope[BODY], kind, served, threshold, page)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


def _query_parameters(query: bytes) -> tuple[str | None, float | None, int | None]:
    """Parse model, threshold and page from a query."""
    if not query:
        return None, None, None
    parameters = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=None))
    return parameters.get("model"), _threshold_in(parameters.get("threshold")), _page_in(parameters.get("page"))


def _threshold_in(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise UsageError(f"threshold is {text[:40]!r}; expected a number from 0 to 1")
    return value


def _page_in(text: str | None) -> int | None:
    if text is None:
        return None
    page = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= page <= MOST_PAGES:
        raise UsageError(f"page is {text[:40]!r}; expected a whole number from 1 to {MOST_PAGES:,}")
    return page


async def _send_file(file: PageFile, scope: Any, send: Any) -> None:
    request_headers = dict(scope["headers"])
    packed = file.packed is not None and b"gzip" in request_headers.get(b"accept-encoding", b"")
    content = file.packed if packed and file.packed is not None else file.content
    unchanged = request_headers.get(b"if-none-match", b"").decode("latin-1") == file.tag
    headers = [
        (b"content-type", file.media_type.encode()),
        (b"etag", file.tag.encode()),
        (b"cache-control", b"no-cache"),
        (b"vary", b"Accept-Encoding"),
    ]
    if packed and not unchanged:
        headers.append((b"content-encoding", b"gzip"))
    if not unchanged:
        headers.append((b"content-length", b"%d" % len(content)))
    await send({"type": "http.response.start", "status": 304 if unchanged else 200, "headers": headers})
    body = b"" if unchanged or scope["method"] == "HEAD" else content
    await send({"type": "http.response.body", "body": body})


def route_of(path: str, routes: frozenset[str]) -> str:
    """Return a path's pattern, for the metrics."""
    if path in routes or path == "/":
        return path
    if path.startswith("/v1/models/") and path.endswith("/mistakes"):
        return "/v1/models/{name}/mistakes"
    for prefix, pattern in (
        ("/static/", "/static"), ("/v1/models/", "/v1/models/{name}"),
        ("/v1/class/", "/v1/class/{part}"), ("/v1/pupil/", "/v1/pupil/{part}"),
    ):  # fmt: skip
        if path.startswith(prefix):
            return pattern
    return "/v1/trainings/{id}" if path.startswith("/v1/trainings/") else "other"
