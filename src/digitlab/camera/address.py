"""Addresses of cameras in a network."""

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
    """An http, https, rtsp or rtsps address, taken apart.

    text: as it was written, password and all; never shown
    host: without brackets; path: with its question, percent-encoded
    user, password: decoded; empty where there is none
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
        """Take an address apart.

        Raises:
            SourceError: when it is none.
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
        """`parse`, for an address that the user gives.

        Where it names a user and no password, that is taken from ``$DIGITLAB_CAMERA_PASSWORD``: other users see command
        lines. (Not so for an address that a camera gives, which may be anybody's.)

        Raises:
            SourceError: when it is none.
        """
        address = cls.parse(text)
        password = os.environ.get(_PASSWORD)
        if not password or not address.user or address.password:
            return address
        user, _, host = (place := urlsplit(address.text).netloc).rpartition("@")
        whole = address.text.replace(place, f"{user.rstrip(':')}:{quote(password, safe='')}@{host}", 1)
        return replace(address, text=whole, password=password)

    def __str__(self) -> str:
        """The address for messages: without the password."""
        return _harmless(self.text)

    @property
    def basic(self) -> str | None:
        """The value of an `Authorization` header, where the address holds a user."""
        if not self.user:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")

    @property
    def origin(self) -> tuple[str, str, int]:
        """Whom a password was meant for."""
        return self.scheme, self.host, self.port


def _harmless(text: str) -> str:
    """The text without what stands between `//` and `@`, cut to a length for one line, and without control signs."""
    scheme, separator, rest = text.strip().partition("://")
    authority, slash, path = rest.partition("/")
    shown = f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}" if separator else scheme
    shown = "".join(sign if sign.isprintable() else "?" for sign in shown)
    return shown if len(shown) <= 200 else shown[:200] + "…"
