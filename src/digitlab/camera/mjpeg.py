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

_ANSWERS_WITHIN = 8.0  # seconds, the first time
_ANSWERS_AGAIN_WITHIN = 2.0  # at least; a camera that answered faster before is not given more
_DRAINS_FOR = 0.1  # seconds that we run after newer pictures before we take the newest so far


class MjpegStream(Source):
    """A camera by its http:// or https:// address; name and password may stand in it (basic authentication).

    Where pictures come faster than they are asked for, the newest is decoded and the others are passed over.

    damaged: pictures that were not whole, or could not be decoded; they are left out
    passed: pictures that a newer one overtook
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
        self._patience = _ANSWERS_WITHIN
        self._lock = threading.Lock()
        self._reading: _Reading | None = None
        self._asked = False

    def open(self) -> None:
        """Connect.

        Raises:
            SourceError: when there is no such stream: nobody answers, or something else.
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
        """The newest whole picture; None when closed.

        Raises:
            SourceError: when it was never opened, broke off, or sent nothing for four seconds.
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
            raise SourceError(f"{self.address}: the stream broke off")
        image, captured = found
        number, reading.frames = reading.frames, reading.frames + 1
        if number == 0:
            answered = time.monotonic() - reading.begun
            self._patience = min(_ANSWERS_WITHIN, max(_ANSWERS_AGAIN_WITHIN, 3.0 * answered))
        return Frame(image, captured=captured, number=number)

    def close(self) -> None:
        """Disconnect; an `open` or `read` under way ends at once."""
        if (reading := self._reading) is not None:
            self._let_go(reading)

    def _let_go(self, reading: _Reading) -> None:
        with self._lock:
            if self._reading is reading:
                self._reading = None
        reading.stream.close()

    def __str__(self) -> str:
        """The address for messages: without the password."""
        return str(self.address)


class _Reading:
    """One connection, and what came over it."""

    def __init__(self, stream: HttpStream, counts: MjpegStream) -> None:
        self.stream = stream
        self.frames = 0
        self.begun = time.monotonic()
        self._counts = counts
        self._parts = JpegParts()

    def next_picture(self) -> tuple[NDArray[np.uint8], float] | None:
        """The newest picture, uint8 (H, W, 3) RGB, and when its last byte came; None at the end of the stream."""
        while (part := self._newest_part()) is not None:
            came = time.monotonic()
            image = rgb_from_jpeg(part)
            if image is not None:
                return image, came
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
                break  # what broke is told when this one has been taken
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
