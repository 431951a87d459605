"""A byte stream over HTTP that any thread can close at any time."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import selectors
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from digitlab.camera.address import Address
from digitlab.camera.source import FIRST_FRAME_WITHIN
from digitlab.errors import SourceError, WrongSourceError

if TYPE_CHECKING:
    from http.client import HTTPResponse

__all__ = ["HttpStream"]

_MOST_REDIRECTS = 3
_STEP = 0.1  # polling interval in seconds: a pending connection checks whether it was closed
_SILENT_FOR = 3.0 * FIRST_FRAME_WITHIN  # seconds without a byte; `NewestFrame` gives up sooner
_BLOCK = 65_536  # bytes per read

_IN_PROGRESS = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR)
_REDIRECTS = (301, 302, 303, 307, 308)
_EXPECTED = "expected an MJPEG stream (multipart/x-mixed-replace)"


class HttpStream:
    """The multipart response to one GET. Read by one thread; `close` may be called from any thread."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._closed = threading.Event()
        self._socket: socket.socket | None = None
        self._response: HTTPResponse | None = None

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed.is_set()

    def open(self, within: float) -> None:
        """Send the request, follow up to three redirects, and check the headers.

        within: timeout in seconds for the whole procedure (except the DNS look-up, which cannot be interrupted)

        Raises:
            SourceError: when there is no such stream; the message begins with the address and gives the reason.
        """
        deadline = time.monotonic() + within
        address = self.address
        try:
            for _ in range(1 + _MOST_REDIRECTS):
                response = self._ask(address, deadline)
                if response.status not in _REDIRECTS:
                    break
                address = self._redirected(address, response)
            else:
                raise SourceError(f"{self.address}: redirects more than {_MOST_REDIRECTS} times")
            self._check(response)
            self._limit(_SILENT_FOR)
        except TimeoutError as error:
            raise SourceError(f"{self.address}: did not answer within {within:g} s") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SourceError(f"{self.address}: {_reason(error)}") from error

    def read(self) -> bytes:
        """Return bytes received so far, or wait for the next ones; b"" at the end of the stream and when closed.

        Raises:
            SourceError: after a timeout, or when the connection failed.
        """
        response = self._response
        if response is None or self.closed:
            return b""
        try:
            # Content-Length is ignored: it can be wrong, and a stream has none.
            return response.read1(_BLOCK) if response.chunked else response.fp.read1(_BLOCK)
        except TimeoutError as error:
            raise SourceError(f"{self.address}: sent nothing for {_SILENT_FOR:g} s") from error
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            if self.closed:
                return b""
            reason = f" ({_reason(error)})" if isinstance(error, OSError) else ""
            raise SourceError(f"{self.address}: the stream was interrupted{reason}") from error

    def more_came(self) -> bool:
        """Return whether `read` would return without waiting."""
        waiting = self._socket
        if waiting is None or self.closed:
            return False
        try:
            if isinstance(waiting, ssl.SSLSocket) and waiting.pending():
                return True
            return _ready(waiting, selectors.EVENT_READ, 0.0)
        except (OSError, ValueError):  # closed concurrently
            return False

    def close(self) -> None:
        """Unblock the other thread and close the connection."""
        self._closed.set()
        if (connection := self._socket) is not None:
            with contextlib.suppress(OSError):  # it may be closed already
                # Not SSLSocket.shutdown, which would drop the TLS state while the other thread reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        if (response := self._response) is not None:
            response.close()
        if connection is not None:
            connection.close()

    def _ask(self, address: Address, deadline: float) -> HTTPResponse:
        self._socket = connection = self._connected(address, deadline)
        self._limit(_left(deadline))
        if address.scheme == "https":
            # In two steps, so that `close` finds the socket during the TLS handshake.
            self._socket = connection = ssl.create_default_context().wrap_socket(
                connection, server_hostname=address.host, do_handshake_on_connect=False
            )
            connection.do_handshake()
        asking = http.client.HTTPConnection(address.host, address.port)
        asking.sock = connection
        headers = {"User-Agent": "digitlab", "Accept": "multipart/x-mixed-replace, */*;q=0.1", "Connection": "close"}
        if address.basic:
            headers["Authorization"] = address.basic
        asking.request("GET", address.path, headers=headers)
        self._limit(_left(deadline))
        self._response = asking.getresponse()
        return self._response

    def _connected(self, address: Address, deadline: float) -> socket.socket:
        """Connect to the first of the host's addresses that accepts a connection."""
        failure: OSError = TimeoutError()
        places = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, place) in enumerate(places):
            # Reserve time for the remaining addresses: often IPv6 is unreachable and IPv4 works.
            until = time.monotonic() + _left(deadline) / (len(places) - number)
            connection = socket.socket(family, kind, protocol)
            try:
                connection.setblocking(False)
                code = connection.connect_ex(place)
                if code not in _IN_PROGRESS:
                    raise OSError(code, os.strerror(code))
                while not _ready(connection, selectors.EVENT_WRITE, min(_STEP, _left(until))):
                    if self.closed:
                        raise ConnectionAbortedError("closed")
                if code := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(code, os.strerror(code))
            except OSError as error:
                connection.close()
                failure = error
            else:
                return connection
        raise failure

    def _limit(self, seconds: float) -> None:
        if self._socket is not None:
            self._socket.settimeout(seconds)
        if self.closed:  # `close` was called between two sockets
            raise ConnectionAbortedError("closed")

    def _redirected(self, address: Address, response: HTTPResponse) -> Address:
        place = response.getheader("Location", "")
        self._let_go()
        if not place:
            raise SourceError(f"{self.address}: redirects without a target")
        target = urljoin(f"{address.scheme}://{_in_brackets(address.host)}:{address.port}{address.path}", place)
        if not target.lower().startswith(("http://", "https://")):
            raise SourceError(f"{self.address}: redirects to {place[:100]!r}, which is not a stream; {_EXPECTED}")
        there = Address.parse(target)
        if there.origin == address.origin and not there.user:  # credentials are sent to their own server only
            there = Address(
                there.text, there.scheme, there.host, there.port, there.path, address.user, address.password
            )
        return there

    def _let_go(self) -> None:
        if self._response is not None:
            self._response.close()
        if self._socket is not None:
            self._socket.close()

    def _check(self, response: HTTPResponse) -> None:
        """Reject a response that is not a stream; the error message says what it is instead.

        A page may be replaced by the stream (DroidCam shows one while it has another viewer), and a path may be missing
        until a camera's program has started; neither a password nor the kind of a file is corrected by waiting.

        Raises:
            SourceError: with the status, or the content type.
            WrongSourceError: if another attempt is useless.
        """
        status, kind = response.status, response.headers.get_content_type()
        if status == http.HTTPStatus.UNAUTHORIZED:
            raise WrongSourceError(f"{self.address}: {_asks_for_password(response, bool(self.address.user))}")
        if status != http.HTTPStatus.OK:
            phrase = "".join(character for character in response.reason[:60] if character.isprintable())
            raise SourceError(f"{self.address}: answers {status} {phrase}; check the path of the address")
        if kind.startswith("multipart/"):
            return
        if kind == "text/html":
            hint = "a page, not a stream; DroidCam's stream is at /video, and takes one viewer at a time"
            raise SourceError(f"{self.address}: is {hint}")
        if kind.startswith("image/"):
            hint = f"a single picture ({kind}); {_EXPECTED}"
        else:
            hint = f"a file ({kind}), not a stream; download it and give its path, or {_EXPECTED}"
        raise WrongSourceError(f"{self.address}: is {hint}")


def _asks_for_password(response: HTTPResponse, given: bool) -> str:
    wanted = (response.getheader("WWW-Authenticate") or "Basic").split(None, 1)[0].lower()
    if wanted != "basic":
        return f"asks for {wanted.title()[:20]} authentication; only Basic is supported (try its rtsp:// address)"
    if given:
        return "rejects this name and password"
    return "asks for a name and password; write them into the address: http://NAME:PASSWORD@HOST/…"


def _ready(connection: socket.socket, event: int, timeout: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(connection, event)
        return bool(selector.select(timeout))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0.0:
        raise TimeoutError
    return left


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _reason(error: Exception) -> str:
    """Describe the cause of an error in one line."""
    if isinstance(error, socket.gaierror):
        return "there is no host with this name, or no network"
    if isinstance(error, ConnectionRefusedError):
        return "refuses the connection; is the camera switched on, and the port right?"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, http.client.HTTPException | ValueError):
        return f"does not speak HTTP ({type(error).__name__})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return " ".join(str(error).split()) or type(error).__name__
