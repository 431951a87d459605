"""Cameras read through OpenCV, whose calls may hang."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import cv2

from digitlab.camera.address import Address
from digitlab.camera.colours import rgb_from_opencv
from digitlab.camera.source import Source
from digitlab.camera.stream_clock import StreamClock
from digitlab.errors import SourceError
from digitlab.values import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LiveCapture", "RtspStream", "quiet_opencv", "sensible_rate"]

_HIGHEST_RATE = 1000.0  # frames/s; from here on, a container's header gives its clock rate instead
_BEHIND = 0.1  # seconds by which a stream is late from which pictures that wait are passed over
_DRAINS_FOR = 0.5  # maximum seconds spent passing over them: decoding them takes time, too


class LiveCapture(Source):
    """A camera that OpenCV reads. Subclasses start the capture in `_start`.

    Neither opening nor reading can be interrupted: OpenCV has its own timeouts, if any. `close` returns at once, and
    the blocked thread releases the capture when OpenCV returns. (A subclass of `cv2.VideoCapture` would crash the
    process in OpenCV 5, so the capture is a member.)

    passed: number of pictures of a stream that were passed over to get to the newest
    """

    realtime = True
    live = True
    _clock: StreamClock | None = None  # of a stream that is queued when it is not read in time; drivers do not queue

    def __init__(self) -> None:
        self._connection: _Connection | None = None
        self._lock = threading.Lock()
        self._rate: float | None = None
        self._asked = False
        self.passed = 0

    @property
    def rate(self) -> float | None:
        """Frames per second, as reported by the driver or the stream; None while unknown."""
        return self._rate

    @abstractmethod
    def _start(self) -> cv2.VideoCapture:
        """Open the capture and return it.

        Raises:
            SourceError: when the camera cannot be opened.
        """

    @abstractmethod
    def _lost(self) -> str:
        """Return the error message for a capture that yields no more frames."""

    def open(self) -> None:
        """Start the capture.

        Raises:
            SourceError: when the camera cannot be opened.
        """
        with self._lock:
            if self._connection is not None:
                return
            connection = self._connection = _Connection(self._clock)
            self._asked = True
        try:
            capture = self._start()
        except BaseException:
            self._let_go(connection)
            raise
        self._rate = sensible_rate(capture.get(cv2.CAP_PROP_FPS))
        connection.begin(capture, self._rate)

    def read(self) -> Frame | None:
        """Wait for the next frame; None when closed.

        Raises:
            SourceError: when it was never opened, or no more frames arrive.
        """
        if not self._asked:
            raise SourceError("the source was read before it was opened; use it in a `with` statement")
        connection = self._connection
        if connection is None:
            return None
        image = connection.read()
        if image is None:
            if connection.closed:
                return None
            raise SourceError(self._lost())
        self.passed += connection.passed
        if (clock := self._clock) is not None and clock.is_too_late:
            clock.tolerate_more()
            raise SourceError(
                f"{self}: its pictures are {clock.behind:.1f} s old, since they arrive or are decoded more slowly than "
                "they are taken; a smaller size or a lower frame rate helps"
            )
        number, connection.frames = connection.frames, connection.frames + 1
        return Frame(image, captured=time.monotonic(), number=number)

    def close(self) -> None:
        """Stop the capture; return at once, even while another thread is reading it."""
        if (connection := self._connection) is not None:
            self._let_go(connection)

    def _let_go(self, connection: _Connection) -> None:
        with self._lock:
            if self._connection is connection:
                self._connection = None
        connection.close()


class _Connection:
    """One capture, from opening to closing: read by one thread; any thread may close it.

    passed: number of pictures passed over by the last `read`
    """

    def __init__(self, clock: StreamClock | None) -> None:
        self.frames = 0
        self.passed = 0
        self._clock = clock
        self._interval = 0.0  # nominal seconds between two pictures; 0.0 while unknown
        self.closed = False
        self._capture: cv2.VideoCapture | None = None
        self._busy = threading.Lock()  # held while the capture is used

    def begin(self, capture: cv2.VideoCapture, rate: float | None) -> None:
        """Take over an open capture; release it at once if `close` was called meanwhile."""
        with self._busy:
            self._interval = 1.0 / rate if rate else 0.0
            if self._clock is not None:
                self._clock.restart()
            self._capture = capture
        self._release_if_closed()

    def read(self) -> NDArray[np.uint8] | None:
        """Return the newest frame, uint8 (H, W, 3) RGB; None when closed, or when there is none."""
        try:
            with self._busy:
                if self.closed or self._capture is None:
                    return None
                decoded, image = self._newest(self._capture)
        except cv2.error as error:
            raise SourceError(f"OpenCV cannot continue reading: {' '.join(str(error).split())}") from error
        finally:
            self._release_if_closed()
        return rgb_from_opencv(image) if decoded and image is not None and not self.closed else None

    def _newest(self, capture: cv2.VideoCapture) -> tuple[bool, NDArray[Any] | None]:
        """Return what `capture.read` does; of a stream that is late, pass over what has arrived before the newest.

        `grab` waits for the next picture. If it returned in less than half the time between two pictures, that one had
        been waiting, and there may be others. At the beginning, FFmpeg has those from which it determined the format.
        """
        self.passed = 0
        if self._clock is None:
            return capture.read()
        enough = time.monotonic() + _DRAINS_FOR
        while not self.closed:
            begun = time.monotonic()
            if not capture.grab():
                return False, None
            arrived = time.monotonic()
            step = self._clock.add(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0, arrived)
            late = self._clock.behind > _BEHIND or not self.frames
            if not late or arrived - begun >= (step or self._interval) / 2.0 or arrived >= enough:
                return capture.retrieve()
            self.passed += 1
        return False, None

    def close(self) -> None:
        """Release the capture, now or when the current read returns."""
        self.closed = True
        self._release_if_closed()

    def _release_if_closed(self) -> None:
        # Either we get the lock, or its holder calls this method later: one of us sees both `closed` and the capture.
        if self.closed and self._busy.acquire(blocking=False):
            try:
                if self._capture is not None:
                    self._capture.release()
                    self._capture = None
            finally:
                self._busy.release()


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV and FFmpeg from writing to stderr: our own messages report their errors.

    FFmpeg reads its log level once per process: if other code used it before, that level stays.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)


def sensible_rate(rate: float) -> float | None:
    """Return the rate given by a header or driver, or None if it is implausible.

    >>> sensible_rate(29.97), sensible_rate(90_000.0), sensible_rate(float("nan"))
    (29.97, None, None)
    """
    return rate if 0.0 < rate < _HIGHEST_RATE else None


_OPENS_WITHIN = 8_000  # timeout in milliseconds; FFmpeg decodes some frames before the stream counts as open
_SILENT_FOR = 4_000


class RtspStream(LiveCapture):
    """An IP camera at an rtsp:// or rtsps:// address, which may contain a user name and password.

    If pictures arrive faster than they are read, older ones are passed over. If they are late by their time stamps
    although none is waiting, `read` fails: a new connection begins with the newest.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self._clock = StreamClock()
        self.address = Address.given(address)
        if self.address.scheme not in ("rtsp", "rtsps"):
            raise SourceError(f"{self.address}: not an rtsp address")

    def _start(self) -> cv2.VideoCapture:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPENS_WITHIN, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _SILENT_FOR]
        with quiet_opencv():
            capture = cv2.VideoCapture(self.address.text, cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            # FFmpeg does not report the reason.
            raise SourceError(
                f"{self}: sent no stream within {_OPENS_WITHIN / 1000:g} s; check host, port, path, name and password"
            )
        return capture

    def _lost(self) -> str:
        return f"{self}: the stream was interrupted"

    def __str__(self) -> str:
        """Return the address for messages, without the password."""
        return str(self.address)
