"""OpenCV's captures, which may hang."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from abc import abstractmethod
from typing import TYPE_CHECKING

import cv2

from digitlab.camera.colours import rgb_from_opencv
from digitlab.camera.source import Source
from digitlab.errors import SourceError
from digitlab.values import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LiveCapture", "quiet_opencv", "sensible_rate"]

_HIGHEST_RATE = 1000.0  # at and above it stand containers whose header gives their clock instead of their frame rate


class LiveCapture(Source):
    """A camera that OpenCV reads. Subclasses start the capture in `_start`.

    Neither opening nor reading can be ended from outside: OpenCV's waits have their own limits, if any. Whoever closes
    meanwhile goes on at once, and the hanging thread lets go of the capture when it comes back. (A class of our own
    derived from `cv2.VideoCapture` would crash the process in OpenCV 5, so it is held, not inherited from.)
    """

    realtime = True
    live = True

    def __init__(self) -> None:
        self._connection: _Connection | None = None
        self._lock = threading.Lock()
        self._rate: float | None = None
        self._asked = False

    @property
    def rate(self) -> float | None:
        """Frames a second as the driver or the stream says; None while unknown."""
        return self._rate

    @abstractmethod
    def _start(self) -> cv2.VideoCapture:
        """A capture that is open.

        Raises:
            SourceError: when there is none to be had.
        """

    @abstractmethod
    def _lost(self) -> str:
        """The line for a capture that gives no more frames."""

    def open(self) -> None:
        """Start the capture.

        Raises:
            SourceError: when there is none to be had.
        """
        with self._lock:
            if self._connection is not None:
                return
            connection = self._connection = _Connection()
            self._asked = True
        try:
            capture = self._start()
        except BaseException:
            self._let_go(connection)
            raise
        self._rate = sensible_rate(capture.get(cv2.CAP_PROP_FPS))
        connection.begin(capture)

    def read(self) -> Frame | None:
        """Wait for the next frame; None when closed.

        Raises:
            SourceError: when it was never opened, or gives no more frames.
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
        number, connection.frames = connection.frames, connection.frames + 1
        return Frame(image, captured=time.monotonic(), number=number)

    def close(self) -> None:
        """Stop the capture; at once, even while it is read."""
        if (connection := self._connection) is not None:
            self._let_go(connection)

    def _let_go(self, connection: _Connection) -> None:
        with self._lock:
            if self._connection is connection:
                self._connection = None
        connection.close()


class _Connection:
    """One capture, from its opening to its end: used by one thread, closed by any."""

    def __init__(self) -> None:
        self.frames = 0
        self.closed = False
        self._capture: cv2.VideoCapture | None = None
        self._busy = threading.Lock()  # held by whoever uses the capture

    def begin(self, capture: cv2.VideoCapture) -> None:
        """Take over an open capture; one that was closed while it was opened is released at once."""
        with self._busy:
            self._capture = capture
        self._release_if_closed()

    def read(self) -> NDArray[np.uint8] | None:
        """The next frame, uint8 (H, W, 3) RGB; None when closed, or when there is none."""
        try:
            with self._busy:
                if self.closed or self._capture is None:
                    return None
                decoded, image = self._capture.read()
        except cv2.error as error:
            raise SourceError(f"OpenCV cannot read on: {' '.join(str(error).split())}") from error
        finally:
            self._release_if_closed()
        return rgb_from_opencv(image) if decoded and image is not None and not self.closed else None

    def close(self) -> None:
        """Release the capture, now or when the read that is under way comes back."""
        self.closed = True
        self._release_if_closed()

    def _release_if_closed(self) -> None:
        # Either we get the lock, or its holder comes here after us: one of the two sees both `closed` and the capture.
        if self.closed and self._busy.acquire(blocking=False):
            try:
                if self._capture is not None:
                    self._capture.release()
                    self._capture = None
            finally:
                self._busy.release()


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV and FFmpeg off stderr: what they complain of is said by our own messages.

    FFmpeg asks for its level once in a process: where somebody else used it first, theirs stays.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)


def sensible_rate(rate: float) -> float | None:
    """The rate that a header or driver names, or None where it cannot be one.

    >>> sensible_rate(29.97), sensible_rate(90_000.0), sensible_rate(float("nan"))
    (29.97, None, None)
    """
    return rate if 0.0 < rate < _HIGHEST_RATE else None
