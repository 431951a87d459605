"""A connection to rosbridge, the gateway of ROS 1 and ROS 2 for programs without ROS: JSON over a WebSocket.

It uses `websockets` rather than roslibpy, which runs Twisted's reactor: one per process, in a thread that cannot be
restarted, so that a session would either leave a thread behind or be the last one.
"""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from digitlab.camera.address import without_password
from digitlab.errors import MissingExtraError, SourceError, UsageError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

__all__ = ["Rosbridge", "bridge_address"]

_PORT = 9090
_LARGEST = 64 << 20  # maximum bytes of a message: a raw 4K picture in base64 has 33 MB
_CONNECT_TIMEOUT = 5.0  # seconds
_CLOSE_TIMEOUT = 0.5  # seconds for the closing handshake


def bridge_address(text: str) -> str:
    """Normalise the address of a rosbridge to ws://host:port (or wss); the port is 9090 unless given.

    >>> bridge_address("ws://robot")
    'ws://robot:9090'

    Raises:
        UsageError: when it is not such an address.
    """
    try:
        parts = urlsplit(text)
        port = parts.port or _PORT
        (parts.hostname or "").encode("idna")  # no host can have another name
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.username is not None:
        raise UsageError(f"{without_password(text)!r}: not the address of a rosbridge; expected ws://host:{_PORT}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


class Rosbridge:
    """A connection to rosbridge. A context manager: connects and closes. `close` may be called from another thread."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._connection: ClientConnection | None = None
        self._closing = contextlib.ExitStack()

    @staticmethod
    def check() -> None:
        """Check that `websockets` is installed.

        Raises:
            MissingExtraError: when it is not.
        """
        try:
            import websockets.sync.client  # noqa: F401
        except ModuleNotFoundError as error:
            raise MissingExtraError("ros", needed_for="rosbridge") from error

    def open(self) -> None:
        """Connect.

        Raises:
            MissingExtraError: when websockets is not installed.
            SourceError: when no rosbridge responds there.
        """
        self.check()
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        # The library would log what our errors already report.
        quiet = logging.getLogger("digitlab.rosbridge")
        quiet.setLevel(logging.CRITICAL)
        try:
            connection = connect(
                self.address,
                open_timeout=_CONNECT_TIMEOUT,
                close_timeout=_CLOSE_TIMEOUT,
                max_size=_LARGEST,
                compression=None,  # pictures are compressed already, and robots have slow processors
                proxy=None,
                logger=quiet,
            )
            self._connection = self._closing.enter_context(connection)
        except (OSError, WebSocketException, ValueError) as error:
            raise SourceError(f"{self.address}: no rosbridge answers ({_reason(error)})") from error

    def send(self, message: dict[str, Any]) -> None:
        """Send one message.

        Raises:
            SourceError: when the connection is lost.
        """
        from websockets.exceptions import WebSocketException

        try:
            self._connected().send(json.dumps(message))
        except (OSError, WebSocketException) as error:
            raise SourceError(f"{self.address}: rosbridge was lost ({_reason(error)})") from error

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """Return the next message, or None after `timeout` seconds. Anything but a JSON object counts as an empty one.

        Raises:
            SourceError: when the connection is lost.
        """
        from websockets.exceptions import WebSocketException

        try:
            content = json.loads(self._connected().recv(timeout))
        except TimeoutError:
            return None
        except (OSError, WebSocketException) as error:
            raise SourceError(f"{self.address}: rosbridge was lost ({_reason(error)})") from error
        except (ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def close(self) -> None:
        """Close the connection, within half a second."""
        self._connection = None
        with contextlib.suppress(Exception):  # errors of a closing connection are irrelevant
            self._closing.pop_all().close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connected(self) -> ClientConnection:
        if self._connection is None:
            raise SourceError(f"{self.address}: the connection is closed")
        return self._connection


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200] or type(error).__name__
