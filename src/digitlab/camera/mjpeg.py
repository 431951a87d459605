"""MJPEG over HTTP: DroidCam, IP cameras, and most programs that show a camera in a browser."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from digitlab.camera.address import Address
from digitlab.camera.colours import rgb_from_jpeg
from digitlab.camera.http_stream import HttpStream
from digitlab.camera.jpeg_parts import JpegParts
from digitlab.camera.source import Source
from digitlab.errors import SourceError
from digitlab.values import Frame

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MjpegStream"]

_FIRST_TIMEOUT = 8.0  # seconds for the first connection
_LEAST_TIMEOUT = 2.0  # seconds; later connections get three times what the last one took until its first picture
_DRAINS_FOR = 0.1  # maximum seconds spent reading data that has already arrived, to get to the newest picture


class MjpegStream(Source):
    """A camera at an http:// or https:// address, which may contain name and password (basic authentication).

    If pictures arrive faster than they are read, only the newest is decoded.

    damaged: number of pictures that were incomplete or could not be decoded; they are skipped
    passed: number of pictures superseded by a newer one
    """

    rate = None
    realtime = True
    live = True

    def __init__(self, address: str) -> None:
        self.address = Address.given(address)
        if self.address.scheme not in ("http", "https"):
            raise SourceError(f"{self.address}: not an http address")
        self.damaged = 0
        self.passed = 0
        self._patience = _FIRST_TIMEOUT
        self._lock = threading.Lock()
        self._reading: _Reading | None = None
        self._asked = False

    def open(self) -> None:
        """Connect.

        Raises:
            SourceError: when no server responds, or it sends something other than an MJPEG stream.
        """
        with self._lock:
            if self._reading is not None:
                return
            reading = self._reading = _Reading(HttpStream(self.address), self)
            self._asked = True
        try:
            reading.stream.open(self._patience)
        except BaseException:
            self._let_go(reading)
            raise

    def read(self) -> Frame | None:
        """Return the newest complete picture; None when closed.

        Raises:
            SourceError: when it was never opened, or the connection failed or delivered nothing for 30 seconds.
        """
        if not self._asked:
            raise SourceError("the source was read before it was opened; use it in a `with` statement")
        reading = self._reading
        if reading is None:
            return None
        found = reading.next_picture()
        if found is None:
            if reading.stream.closed:
                return None
            raise SourceError(f"{self.address}: the stream was interrupted")
        image, captured = found
        number, reading.frames = reading.frames, reading.frames + 1
        if number == 0:
            answered = time.monotonic() - reading.begun
            self._patience = min(_FIRST_TIMEOUT, max(_LEAST_TIMEOUT, 3.0 * answered))
        return Frame(image, captured=captured, number=number)

    def close(self) -> None:
        """Disconnect; a running `open` or `read` returns at once."""
        if (reading := self._reading) is not None:
            self._let_go(reading)

    def _let_go(self, reading: _Reading) -> None:
        with self._lock:
            if self._reading is reading:
                self._reading = None
        reading.stream.close()

    def __str__(self) -> str:
        """Return the address for messages, without the password."""
        return str(self.address)


class _Reading:
    """One connection and its pictures."""

    def __init__(self, stream: HttpStream, counts: MjpegStream) -> None:
        self.stream = stream
        self.frames = 0
        self.begun = time.monotonic()
        self._counts = counts
        self._parts = JpegParts()

    def next_picture(self) -> tuple[NDArray[np.uint8], float] | None:
        """Return the newest picture, uint8 (H, W, 3) RGB, and the arrival time of its last byte; None at the end."""
        while (part := self._newest_part()) is not None:
            arrived = time.monotonic()
            image = rgb_from_jpeg(part)
            if image is not None:
                return image, arrived
            self._counts.damaged += 1
        return None

    def _newest_part(self) -> bytes | None:
        part, enough = None, float("inf")
        while part is None or (time.monotonic() < enough and self.stream.more_came()):
            try:
                data = self.stream.read()
            except SourceError:
                if part is None:
                    raise
                break  # the error is raised after this picture has been read
            if not data:
                break
            newest = self._fed(data)
            if newest is not None:
                if part is None:
                    enough = time.monotonic() + _DRAINS_FOR
                else:
                    self._counts.passed += 1
                part = newest
        return part

    def _fed(self, data: bytes) -> bytes | None:
        skipped, passed = self._parts.skipped, self._parts.passed
        self._parts.feed(data)
        newest = self._parts.newest()
        self._counts.damaged += self._parts.skipped - skipped
        self._counts.passed += self._parts.passed - passed
        return newest
