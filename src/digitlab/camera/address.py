"""Addresses of network cameras."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from digitlab.errors import SourceError

__all__ = ["Address"]

_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
_PASSWORD = "DIGITLAB_CAMERA_PASSWORD"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed http, https, rtsp or rtsps address.

    text: as written, including the password; never displayed
    host: without brackets; path: with its query, percent-encoded
    user, password: decoded; empty where missing
    """

    text: str
    scheme: str
    host: str
    port: int
    path: str
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Parse an address.

        Raises:
            SourceError: when it is invalid.
        """
        try:
            parts = urlsplit(text.strip())
            port, host = parts.port, (parts.hostname or "").encode("idna").decode("ascii")
        except ValueError as error:  # UnicodeError is one
            raise SourceError(f"{_harmless(text)}: not an address ({error})") from error
        scheme = parts.scheme.lower()
        if scheme not in _PORTS or not host or port == 0:
            raise SourceError(f"{_harmless(text)}: not an address; expected one such as http://HOST:PORT/video")
        path = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*[]") + (
            "?" + quote(parts.query, safe="/%:=&?~+!$,;'@()*[]") if parts.query else ""
        )
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(text.strip(), scheme, host, port or _PORTS[scheme], path, user, password)

    @classmethod
    def given(cls, text: str) -> Address:
        """Parse an address given by the user.

        If it has a user name but no password, the password is taken from ``$DIGITLAB_CAMERA_PASSWORD``, because other
        users can see command lines. (Not used for redirects, which may lead to any host.)

        Raises:
            SourceError: when it is invalid.
        """
        address = cls.parse(text)
        password = os.environ.get(_PASSWORD)
        if not password or not address.user or address.password:
            return address
        user, _, host = (place := urlsplit(address.text).netloc).rpartition("@")
        whole = address.text.replace(place, f"{user.rstrip(':')}:{quote(password, safe='')}@{host}", 1)
        return replace(address, text=whole, password=password)

    def __str__(self) -> str:
        """Return the address for messages, without user and password."""
        return _harmless(self.text)

    @property
    def basic(self) -> str | None:
        """The value of the `Authorization` header; None without a user name."""
        if not self.user:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port of the server for which the credentials are meant."""
        return self.scheme, self.host, self.port


def _harmless(text: str) -> str:
    """Remove the credentials between `//` and `@`, replace control characters, and shorten to one line."""
    scheme, separator, rest = text.strip().partition("://")
    authority, slash, path = rest.partition("/")
    shown = f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}" if separator else scheme
    shown = "".join(character if character.isprintable() else "?" for character in shown)
    return shown if len(shown) <= 200 else shown[:200] + "…"
