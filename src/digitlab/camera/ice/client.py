"""A JdeRobot camera, read over Ice."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from digitlab.camera.ice.answers import complaint_in, picture_in, question, texts_in
from digitlab.camera.ice.pixels import choose_format, rgb
from digitlab.camera.ice.runtime import communicator, ice
from digitlab.camera.source import Source
from digitlab.errors import SourceError, WrongSourceError
from digitlab.values import Frame

if TYPE_CHECKING:
    from digitlab.camera.ice.answers import Picture

__all__ = ["IceCamera"]

_PATIENCE = 4.0  # timeout in s, for connecting and per response: with two requests before the first picture, below 10
_LARGEST_ANSWER = 64 * 1024  # KiB: a picture of 4096 by 5461 pixels; more is rejected before it is read
_SHORTEST = 1.0 / 60.0  # minimum seconds between two requests, for servers that always respond at once
_EXAMPLE = 'expected e.g. "cameraA:tcp -h localhost -p 9999"'
_INTERFACE = "::jderobot::ImageProvider"


class IceCamera(Source):
    """A camera of a JdeRobot server, such as its `cameraserver` or `digitlab camera-server`.

    proxy: name and endpoint in Ice's syntax, e.g. "cameraA:tcp -h localhost -p 9999"

    Requests the next picture when the last one has arrived. JdeRobot's servers respond when they have a new one;
    repeated pictures from other servers are skipped. Frames are RGB whatever the camera sends. Ice's encodings 1.0
    (`cameraA -e 1.0:tcp …`) and 1.1, and servers with and without md5sum, are supported.

    Raises:
        MissingExtraError: when ZeroC Ice is not installed.
    """

    rate = None  # the protocol does not say
    realtime = True
    live = True

    def __init__(self, proxy: str) -> None:
        ice()
        self.proxy = proxy
        self._connection: _Connection | None = None
        self._opened = False

    def open(self) -> None:
        """Connect, and request the list of formats.

        Raises:
            WrongSourceError: for an invalid proxy, or if something else responds there.
            SourceError: when no camera responds within some seconds.
        """
        if self._connection is None:
            self._opened = True
            self._connection = connection = _Connection(self.proxy)
            try:
                connection.begin()
            except SourceError:
                self._let_go(connection)
                raise

    def read(self) -> Frame | None:
        """Wait for the next picture; return None when closed.

        Raises:
            SourceError: when it was never opened, the server is lost, or reports an error or sends an invalid picture.
        """
        connection = self._connection
        if connection is not None:
            return connection.next_frame()
        if not self._opened:
            raise SourceError("the camera was read before it was opened; use it in a `with` statement")
        return None

    def close(self) -> None:
        """Disconnect; a waiting `read` returns None."""
        if (connection := self._connection) is not None:
            self._let_go(connection)

    def _let_go(self, connection: _Connection) -> None:
        if self._connection is connection:
            self._connection = None
        connection.close()


class _Connection:
    """One connection to a server."""

    def __init__(self, proxy: str) -> None:
        self._text = proxy
        self._changed = threading.Condition()
        self._closed = False
        self._communicator: Any = None
        self._proxy: Any = None
        self._format = "RGB8"
        self._count = 0
        self._asked = 0.0
        self._last: Picture | None = None

    def begin(self) -> None:
        """Connect; a `close` during this call is noticed by later requests."""
        running = communicator(
            Ice_MessageSizeMax=_LARGEST_ANSWER,
            Ice_Override_ConnectTimeout=round(_PATIENCE * 1000),
            Ice_RetryIntervals=-1,  # the caller retries, and reports it
        )
        with self._changed:
            closed, self._communicator = self._closed, running
        if closed:  # before there was anything to end
            self.close()
            return
        self._proxy = self._proxy_of(running, self._text)
        if self._wait_for(self._call(self._proxy.ice_isAAsync, _INTERFACE)) is False:
            raise WrongSourceError(
                f"{self._text}: responds, but is not a camera of JdeRobot (it has another interface)"
            )
        self._format = self._chosen_format()

    def _proxy_of(self, running: Any, text: str) -> Any:
        module = ice()
        try:
            proxy = running.stringToProxy(text)
            if proxy is not None and proxy.ice_getEndpoints():
                return proxy.ice_twoway().ice_invocationTimeout(round(_PATIENCE * 1000))
        except module.LocalException as error:
            reason = getattr(error, "str", "") or type(error).__name__
            raise WrongSourceError(f"{text!r} is not a proxy ({' '.join(reason.split())}); {_EXAMPLE}") from error
        raise WrongSourceError(f"{text!r} has no endpoint; {_EXAMPLE}")

    def _chosen_format(self) -> str:
        try:
            answer = self._ask("getImageFormat")
        except _NoSuchOperationError:
            return "RGB8"
        return "RGB8" if answer is None else choose_format(texts_in(answer))

    def next_frame(self) -> Frame | None:
        """Return the next new picture; None when closed."""
        while not self._rests_until(self._asked + _SHORTEST):
            self._asked = time.monotonic()
            answer = self._ask("getImageData", self._format)
            if answer is None:
                break
            picture = picture_in(answer)
            if not self._seen(picture):
                self._last = picture
                frame = Frame(rgb(picture, self._format), captured=time.monotonic(), number=self._count)
                self._count += 1
                return frame
        return None

    def _seen(self, picture: Picture) -> bool:
        last = self._last
        return last is not None and any(last.taken) and last.taken == picture.taken and last.pixels == picture.pixels

    def _rests_until(self, moment: float) -> bool:
        """Wait until `moment`; return True if closed by then."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, max(0.0, moment - time.monotonic()))

    def _ask(self, operation: str, *texts: str) -> bytes | None:
        """Send a request and return the encoded response; None when closed meanwhile."""
        encoding = self._proxy.ice_getEncodingVersion()
        packed = question(texts, (encoding.major, encoding.minor))
        mode = ice().OperationMode.Idempotent
        result = self._wait_for(self._call(self._proxy.ice_invokeAsync, operation, mode, packed))
        if result is None:
            return None
        well, answer = result
        if not well:
            raise SourceError(f"{self._text}: {_error_text(*complaint_in(answer))}")
        return bytes(answer)

    def _call(self, function: Any, *arguments: Any) -> Any:
        """Start a request; immediate errors are converted like those raised later, in `_wait_for`."""
        try:
            return function(*arguments)
        except ice().LocalException as error:
            if self._closed:
                return None
            raise self._lost(error) from error

    def _wait_for(self, future: Any) -> Any:
        """Return the future's result; None if closed first."""
        if future is None:
            return None
        future.add_done_callback(self._tell)
        with self._changed:
            self._changed.wait_for(lambda: self._closed or future.done())
            if self._closed:
                return None
        try:
            return future.result()
        except ice().LocalException as error:
            raise self._lost(error) from error

    def _tell(self, *_: Any) -> None:
        with self._changed:
            self._changed.notify_all()

    def _lost(self, error: Exception) -> SourceError:
        """Convert Ice's error into one with a one-line message."""
        module = ice()
        if isinstance(error, module.OperationNotExistException):
            return _NoSuchOperationError(
                f"{self._text}: responds, but is not a camera of JdeRobot (it lacks {error.operation})"
            )
        for kind, meaning in (
            ("ConnectionRefusedException", "connection refused; is the camera server running?"),
            ("ObjectNotExistException", "the server has no camera with this name"),
            ("FacetNotExistException", "the server has no camera with this name"),
            ("NoEndpointException", f"has no endpoint; {_EXAMPLE}"),
            ("DNSException", "there is no host with this name"),
            ("MemoryLimitException", f"sends more than {_LARGEST_ANSWER // 1024} MB at once"),
            ("ConnectTimeoutException", f"no connection within {_PATIENCE:g} s"),
            ("TimeoutException", f"no response within {_PATIENCE:g} s"),
            ("ConnectionLostException", "the connection was interrupted"),
            ("CloseConnectionException", "the camera server has ended"),
            ("ProtocolException", "the server there does not speak Ice"),
            ("UnknownException", "the camera server failed"),
            ("SocketException", "the connection was interrupted, or cannot be made"),
        ):
            if isinstance(error, getattr(module, kind)):
                return SourceError(f"{self._text}: {meaning}")
        return SourceError(f"{self._text}: {type(error).__name__}")

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            running, self._communicator = self._communicator, None
        if running is not None:
            # Ice blocks here until its pending work is done, e.g. a DNS look-up; the caller need not wait.
            ending = threading.Thread(target=_end, args=(running,), name="digitlab-ice-closing", daemon=True)
            ending.start()
            ending.join(0.5)


class _NoSuchOperationError(SourceError):
    """The server does not have the operation."""


def _end(running: Any) -> None:
    with contextlib.suppress(ice().LocalException):
        running.destroy()


def _error_text(kind: str, what: str) -> str:
    meaning = {
        "DataNotExistException": "the camera has no pictures of this format",
        "HardwareFailedException": "the camera server has no picture from its camera",
    }.get(kind, f"the camera server answers with {kind[:60]}")
    return f"{meaning} ({what})" if what else meaning
