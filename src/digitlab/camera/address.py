"""Addresses of network cameras."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from digitlab.errors import SourceError

__all__ = ["Address", "reason_of", "without_password"]

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
            raise SourceError(f"{without_password(text)}: not an address{reason_of(error, text)}") from None
        scheme = parts.scheme.lower()
        if scheme not in _PORTS or not host or port == 0:
            example = "rtsp://HOST:PORT/PATH" if scheme.startswith("rtsp") else "http://HOST:PORT/video"
            raise SourceError(f"{without_password(text)}: not an address; expected one such as {example}")
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
    return _shown(f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}" if separator else scheme)


def without_password(text: str) -> str:
    """Return an invalid address for messages: all before its last @ may be a password, with a / or # in it.

    >>> without_password("http://me:se/cret@camera/1"), without_password("http://camera:x/1")
    ('http://camera/1', 'http://camera:x/1')
    """
    scheme, separator, rest = text.strip().partition("://")
    return _shown(f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else scheme.rpartition("@")[2])


def reason_of(error: ValueError, text: str) -> str:
    """Return in brackets why an address is invalid; nothing if the reason may quote a part of its password."""
    return "" if "@" in text else f" ({error})"


def _shown(text: str) -> str:
    """Replace control characters, and shorten to one line."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= 200 else shown[:200] + "…"
