"""Access log, one line per request: time, client, method and path, status, and duration.

It never contains parts that may hold a secret: no query (a browser sends the token in it once), no header, no body.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["AccessLog"]

_LONGEST = 200  # characters of a path


class AccessLog:
    """Writes the lines.

    write: called with each line, without its line ending
    token: the secret that must not be logged, even if it is in a path by mistake
    clients: whether client addresses are logged; for a class they are not
    """

    def __init__(self, write: Callable[[str], None], token: str | None = None, *, clients: bool = True) -> None:
        self._write, self._token, self._clients = write, token, clients

    def add(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """Log a request (or the whole life of a WebSocket) that has ended; status 0: no answer was begun."""
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
    r"""Escape a text to one word of printable ASCII, so that nobody can inject lines into the log.

    >>> print(_plain("/v1/read"), _plain("/a b\n2026 é"))
    /v1/read /a\x20b\n2026\x20\xe9
    """
    return text[:_LONGEST].encode("unicode_escape").decode("ascii").replace(" ", "\\x20")
