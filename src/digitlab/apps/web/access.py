"""Who may ask: the token and its cookie, the names that the server goes by, and where a page's requests come from."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from digitlab.apps.web.problems import ProblemError
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Access", "is_loopback"]

_COOKIE = "digitlab"
_SHORTEST = 8
_OPEN = frozenset({"/healthz"})  # says nothing but that the server is there


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "192.168.1.5")]
    [True, True, True, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Access:
    """The rules of one server.

    host: the address that it listens on
    token: what a request must bring, or None
    """

    def __init__(self, host: str, token: str | None, *, no_token: bool = False) -> None:
        """Settle the rules.

        Raises:
            UsageError: another address than this machine's without a decision about the token; both decisions; or a
                token that is too short or cannot stand in a header.
        """
        if token is not None and no_token:
            raise UsageError("--token and --no-token contradict each other; expected one of them")
        if token is not None and (len(token) < _SHORTEST or not token.isascii() or not token.isprintable()):
            raise UsageError(f"the token must have {_SHORTEST} or more letters, digits or signs of ASCII")
        if token is not None and any(sign in token for sign in ' ";,\\&#+%'):
            raise UsageError('the token holds a space or one of " ; , \\ & # + %; expected letters, digits and - . _ ~')
        self.loopback = is_loopback(host)
        if not self.loopback and token is None and not no_token:
            raise UsageError(
                f"--host {host} can be reached from other machines: give --token with a secret that they must know, "
                "or --no-token if everyone may use the server"
            )
        self.token = token
        self._cookie = None if token is None else hashlib.sha256(b"digitlab cookie " + token.encode()).hexdigest()

    @property
    def trusts_its_callers(self) -> bool:
        """Whether whoever is let in may start what costs much, as a training does."""
        return self.loopback or self.token is not None

    def check(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Refuse what may not be asked; ``headers`` by lower-case name.

        Raises:
            ProblemError: 421 for a foreign Host, 403 for a foreign page, 401 without the token.
        """
        self._check_host(headers)
        if method not in ("GET", "HEAD", "OPTIONS"):
            self.check_origin(headers)
        if path not in _OPEN and not self._knows_token(headers):
            raise ProblemError(
                401, "token", "expected the header Authorization: Bearer TOKEN, or the page opened with ?token=TOKEN",
                {"WWW-Authenticate": 'Bearer realm="digitlab"'},
            )  # fmt: skip

    @staticmethod
    def check_origin(headers: Mapping[bytes, bytes]) -> None:
        """Refuse requests that a page of another server makes; programs send no Origin.

        Raises:
            ProblemError: 403, naming the origin.
        """
        origin = headers.get(b"origin")
        if origin is None:
            if headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site"):
                raise ProblemError(403, "origin", "the request comes from a page of another server")
            return
        text = origin.decode("latin-1")
        try:
            place = urlsplit(text)
        except ValueError:
            place = urlsplit("")
        own = headers.get(b"host", b"").decode("latin-1").lower()
        if place.scheme not in ("http", "https") or not own or place.netloc.lower() != own:
            raise ProblemError(403, "origin", f"the request comes from a page of {text[:100]!r}, not of this server")

    def cookie_for(self, headers: Mapping[bytes, bytes], query: bytes) -> str | None:
        """The Set-Cookie for a page opened with ``?token=``; None where that is not the token.

        Raises:
            ProblemError: 421 for a foreign Host.
        """
        given = _fields(query).get("token", [""])[0]
        if self.token is None or not hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode()):
            return None
        self._check_host(headers)
        return f"{_COOKIE}={self._cookie}; HttpOnly; SameSite=Lax; Path=/"

    def _check_host(self, headers: Mapping[bytes, bytes]) -> None:
        host = headers.get(b"host", b"").decode("latin-1")
        if self.loopback and not _names_this_machine(host):
            raise ProblemError(
                421, "host", f"the Host header is {host[:100]!r}; this server listens on this machine alone"
            )

    def _knows_token(self, headers: Mapping[bytes, bytes]) -> bool:
        if self.token is None or self._cookie is None:
            return True
        kind, _, given = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() == b"bearer" and hmac.compare_digest(given.strip(), self.token.encode()):
            return True
        try:
            cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            return False
        cookie = cookies.get(_COOKIE)
        return cookie is not None and hmac.compare_digest(cookie.value.encode(), self._cookie.encode())


def _names_this_machine(host: str) -> bool:
    """Whether a Host header names this machine: else a foreign page may have turned its own name to our address."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name)


def _fields(query: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(query.decode("latin-1"), max_num_fields=8)
    except ValueError:  # more fields than any page of ours has
        return {}
