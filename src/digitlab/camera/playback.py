"""Stored frames, played at the rate of a camera or as fast as they are read."""

from __future__ import annotations

import math
import threading
import time
from abc import abstractmethod
from typing import TYPE_CHECKING

from digitlab.camera.source import Source
from digitlab.errors import SourceError, UsageError
from digitlab.values import Frame

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    import numpy as np
    from numpy.typing import NDArray

    # Each uint8 (H, W, 3) RGB, with its due time in seconds after the first.
    Images = Generator[tuple[NDArray[np.uint8], float], None, None]

__all__ = ["Playback", "Recorded", "checked_rate"]


def checked_rate(rate: float) -> float:
    """Validate a rate in frames per second, and return it.

    Raises:
        UsageError: when it is not a finite number above 0.
    """
    if not (math.isfinite(rate) and rate > 0):
        raise UsageError(f"the rate is {rate:g} frames per second; expected more than 0")
    return rate


class Playback(Source):
    """A source of stored pictures. Subclasses return them from `_images`, each with its due time.

    With `realtime` a picture is held back until its due time, counted from the first `read`; a late one is returned at
    once. `Frame.captured` is the time of return.
    """

    def __init__(self, *, rate: float | None, realtime: bool) -> None:
        self._rate = rate
        self._realtime = realtime
        self._pictures: Images | None = None
        self._reading = threading.Lock()
        self._closing = threading.Event()
        self._released = 0
        self._start: float | None = None

    @property
    def rate(self) -> float | None:
        """Nominal frames per second."""
        return self._rate

    @property
    def realtime(self) -> bool:
        """Whether each picture waits for its due time."""
        return self._realtime

    @abstractmethod
    def _images(self) -> Images:
        """Open the file and return a generator of its pictures that closes it at the end.

        Raises:
            SourceError: when there is no picture.
        """

    def open(self) -> None:
        """Start at the first picture.

        Raises:
            SourceError: when there is no picture.
        """
        if self._pictures is None or self._closing.is_set():
            self._pictures = self._images()
            self._closing.clear()
            self._released, self._start = 0, None

    def read(self) -> Frame | None:
        """Return the next picture, at its due time; None at the end or when closed.

        Raises:
            SourceError: when the source was never opened, or a picture cannot be read.
        """
        if self._pictures is None:
            raise SourceError("the source was read before it was opened; use it in a `with` statement")
        with self._reading:
            image, due = next(self._pictures, (None, 0.0))
            if image is None or self._closed_before(due):
                return None
            frame = Frame(image, captured=time.monotonic(), number=self._released, seconds=due)
            self._released += 1
            return frame

    def _closed_before(self, due: float) -> bool:
        """Wait until `due`; return True if the source is closed by then."""
        if not self._realtime:
            return self._closing.is_set()
        now = time.monotonic()
        if self._start is None:
            self._start = now - due
        return self._closing.wait(max(0.0, self._start + due - now))

    def close(self) -> None:
        """Unblock a waiting `read`, and close the file."""
        self._closing.set()
        with self._reading:  # a decoder must not be freed during decoding
            if self._pictures is not None:
                self._pictures.close()


class Recorded(Playback):
    """Pictures from memory, or from any iterable: a substitute for a camera in tests.

    images: each uint8 (H, W, 3) RGB
    rate: frames per second
    """

    def __init__(self, images: Iterable[NDArray[np.uint8]], rate: float = 25.0, *, realtime: bool = True) -> None:
        super().__init__(rate=checked_rate(rate), realtime=realtime)
        self._recording = images
        self._interval = 1.0 / rate

    def _images(self) -> Images:
        return ((image, number * self._interval) for number, image in enumerate(self._recording))
