"""Access control: the token and its cookie, the host names of the server, and the origin of a page's requests."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from digitlab.apps.web.problems import ProblemError
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Access", "is_for_pupils", "is_loopback"]

_COOKIE = "digitlab"
_SHORTEST = 8
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")  # of a host; addresses are parsed by ipaddress
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]*)?")
_OPEN = frozenset({"/healthz"})  # needs no token: reveals only that the server is running
_PUPILS = ("/class", "/v1/pupil")  # in a class: their page, and the paths that need their own key


def is_for_pupils(path: str) -> bool:
    """Return whether a path is one that pupils of a class may request.

    >>> [is_for_pupils(path) for path in ("/class", "/v1/pupil/sketch", "/v1/pupils", "/v1/class", "/wall")]
    [True, True, False, False, False]
    """
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in _PUPILS)


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on can be reached only from this machine.

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
    """The access rules of one server.

    host: the address that it listens on
    token: the secret that a request must bring, or None
    allowed_hosts: host names, besides this machine's own, that requests may use, for instance through a proxy; if there
        are any, all other names are refused
    pupils: whether a class is served: its pupils' page and paths need no token, but the teacher does
    """

    def __init__(
        self,
        host: str,
        token: str | None,
        *,
        no_token: bool = False,
        allowed_hosts: Iterable[str] = (),
        pupils: bool = False,
    ) -> None:
        """Check and store the rules.

        Raises:
            UsageError: for an address or name that others can reach without either a token or --no-token; for both; for
                a token that is too short or not valid in a header; or for an invalid host name.
        """
        if pupils and token is None:
            raise UsageError("a class needs a token, which only the teacher knows; give --token-file, not --no-token")
        if token is not None and no_token:
            raise UsageError("a token and --no-token were both given; expected one of them")
        if token is not None and (len(token) < _SHORTEST or not token.isascii() or not token.isprintable()):
            raise UsageError(f"the token must have {_SHORTEST} or more ASCII letters, digits or - . _ ~")
        if token is not None and any(character in token for character in ' ";,\\&#+%'):
            raise UsageError(
                'the token contains a space or one of " ; , \\ & # + %; expected letters, digits and - . _ ~'
            )
        self._names = frozenset(map(_allowed, allowed_hosts))
        self.loopback = is_loopback(host)
        self._for_others = not self.loopback or bool(self._names)
        if self._for_others and token is None and not no_token:
            option = f"--host {host}" if not self.loopback else f"--allowed-host {min(self._names)}"
            raise UsageError(
                f"{option} lets other machines connect: give --token-file FILE with a secret that they must know "
                "(made if there is no such file), or --no-token if everyone may use the server"
            )
        self.token, self.pupils = token, pupils
        self._cookie = None if token is None else hashlib.sha256(b"digitlab cookie " + token.encode()).hexdigest()
        self._ticket: str | None = None

    @property
    def trusts_its_callers(self) -> bool:
        """Whether every caller that is let in may start expensive work, such as a training."""
        return not self._for_others or self.token is not None

    def ticket(self) -> str | None:
        """Create a one-time ticket that opens the page in place of the token; None without a token.

        It is for the command line of a browser, which all users of the machine can see.
        """
        self._ticket = None if self.token is None else secrets.token_urlsafe(24)
        return self._ticket

    def check(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Refuse requests that are not allowed; ``headers`` by lower-case name.

        Raises:
            ProblemError: 421 for an unknown Host, 403 for a page of another server, 401 without the token.
        """
        self._check_host(headers)
        if method not in ("GET", "HEAD", "OPTIONS"):
            self.check_origin(headers)
        if path not in _OPEN and not self._lets_pupils(path) and not self._knows_token(headers):
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
            origin_url = urlsplit(text)
        except ValueError:
            origin_url = urlsplit("")
        own = headers.get(b"host", b"").decode("latin-1").lower()
        if origin_url.scheme not in ("http", "https") or not own or origin_url.netloc.lower() != own:
            raise ProblemError(403, "origin", f"the request comes from a page of {text[:100]!r}, not of this server")

    def cookie_for(self, headers: Mapping[bytes, bytes], query: bytes, *, encrypted: bool = False) -> str | None:
        """Return the Set-Cookie for a page opened with ``?token=``; None if that is neither the token nor the ticket.

        encrypted: whether the browser uses https

        Raises:
            ProblemError: 421 for an unknown Host.
        """
        if self.token is None:
            return None
        secret = _fields(query).get("token", [""])[0].encode("utf-8", "replace")
        by_ticket = self._ticket is not None and hmac.compare_digest(secret, self._ticket.encode())
        if not by_ticket and not hmac.compare_digest(secret, self.token.encode()):
            return None
        self._check_host(headers)
        if by_ticket:
            self._ticket = None
        cookie = f"{_cookie_name(headers)}={self._cookie}; HttpOnly; SameSite=Lax; Path=/"
        return f"{cookie}; Secure" if encrypted else cookie

    def _lets_pupils(self, path: str) -> bool:
        """Return whether pupils may request a path: their page, scripts, styles, and the paths that need their key."""
        return self.pupils and (is_for_pupils(path) or (path.startswith("/static/") and not path.endswith(".html")))

    def _check_host(self, headers: Mapping[bytes, bytes]) -> None:
        host = headers.get(b"host", b"").decode("latin-1")
        if not self.loopback and not self._names:
            return
        name = _name_in(host)
        if name is None or not (is_loopback(name) or name.rstrip(".") in self._names):
            raise ProblemError(
                421, "host",
                f"the Host header is {host[:100]!r}, which is not a name of this server; "
                "`digitlab serve --allowed-host NAME` allows another name",
            )  # fmt: skip

    def _knows_token(self, headers: Mapping[bytes, bytes]) -> bool:
        if self.token is None or self._cookie is None:
            return True
        kind, _, credentials = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() == b"bearer" and hmac.compare_digest(credentials.strip(), self.token.encode()):
            return True
        name, own = _cookie_name(headers), self._cookie.encode()
        return any(hmac.compare_digest(value, own) for value in _cookies_in(headers.get(b"cookie", b""), name))


def _cookie_name(headers: Mapping[bytes, bytes]) -> str:
    """Return the name of the cookie: of each port another one, since browsers send a host's cookies to all its ports.

    >>> _cookie_name({b"host": b"127.0.0.1:8321"}), _cookie_name({b"host": b"digits.example.org"})
    ('digitlab-8321', 'digitlab')
    """
    host = _HOST.fullmatch(headers.get(b"host", b"").decode("latin-1"))
    port = "" if host is None else (host[2] or "")[1:]
    return f"{_COOKIE}-{port}" if port else _COOKIE


def _cookies_in(header: bytes, name: str) -> list[bytes]:
    """Return the values of the cookies of this name, whatever form those of this host's other servers have.

    >>> _cookies_in(b'theme={"dark": 1}; digitlab-8321=abc; a b', "digitlab-8321")
    [b'abc']
    """
    parts = (part.strip().partition(b"=") for part in header.split(b";"))
    return [value for key, _, value in parts if key == name.encode()]


def _name_in(host: str) -> str | None:
    r"""Return the name in a Host header, without the port: a foreign page may have pointed its own name at our address.

    >>> _name_in("localhost:8321"), _name_in("[::1]:80"), _name_in(r"evil.example\@localhost")
    ('localhost', '::1', None)
    """
    if not _HOST.fullmatch(host):  # urlsplit would take the end of "evil@localhost" for the name
        return None
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _allowed(text: str) -> str:
    """Normalise an allowed host name, as `_name_in` returns it."""
    name = text.strip().lower()
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(name.strip("[]")))
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--allowed-host is {text!r}; expected a name or an address alone, such as digits.example.org, "
            "without http:// and port"
        )
    return name.rstrip(".")


def _fields(query: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(query.decode("latin-1"), max_num_fields=8)
    except ValueError:  # more fields than any page of ours has
        return {}
