"""A line for each request: when, who, what, the answer's status, and how long it took.

Never what a secret may stand in: no query (a browser brings the token in it once), no header, no body.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["AccessLog"]

_LONGEST = 200  # signs of a path


class AccessLog:
    """Writes the lines.

    write: takes a line, without its end
    token: what must not be shown, should it stand in a path by mistake
    clients: whether addresses are noted; of a class none is
    """

    def __init__(self, write: Callable[[str], None], token: str | None = None, *, clients: bool = True) -> None:
        self._write, self._token, self._clients = write, token, clients

    def add(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """A request (or the whole life of a WebSocket) is over; status 0 is an answer that never began."""
        client = scope.get("client") if self._clients else None
        method = scope.get("method", "WS")
        self._write(
            f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {_plain(client[0]) if client else '-'} "
            f"{_plain(method)} {self._path(scope['path'])} {status or '-'} {1000 * seconds:.1f} ms"
        )

    def _path(self, path: str) -> str:
        if self._token is not None and self._token in unquote(path):
            return "(a path with the token in it)"
        return _plain(path)


def _plain(text: str) -> str:
    r"""One word of printable ASCII, so that nobody writes lines of their own into the log.

    >>> print(_plain("/v1/read"), _plain("/a b\n2026 é"))
    /v1/read /a\x20b\n2026\x20\xe9
    """
    return text[:_LONGEST].encode("unicode_escape").decode("ascii").replace(" ", "\\x20")
