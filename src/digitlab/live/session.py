"""Reading a source, frame by frame."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from digitlab.camera import NewestFrame
from digitlab.errors import SourceError
from digitlab.live.statistics import LiveStatistics
from digitlab.live.steady import Steady

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.camera import Keep, Source
    from digitlab.live.tracks import Track
    from digitlab.values import Frame, Reading

__all__ = ["ImageReader", "LiveReading", "watch"]


class ImageReader(Protocol):
    """What reads a frame; `digitlab.reading.Reader` does."""

    def read(self, image: NDArray[np.uint8], /) -> Reading:
        """Read one picture, uint8 (H, W, 3) RGB."""


@dataclass(frozen=True, slots=True)
class LiveReading:
    """What was read from one frame, and when.

    frame_number: 0 for the source's first frame, counting the frames that nobody saw
    captured: `time.monotonic()` in seconds when the frame left the source
    seconds: the same, counted from the capture of the source's first frame
    latency_ms: from capture to reading, in milliseconds; the wait for the reader is in it
    steady: the text that is sure over several frames; "" is surely nothing, None is not sure
    tracks: digits followed over frames, in reading order
    changed: whether `steady` is another than a frame before
    """

    frame_number: int
    captured: float
    seconds: float
    latency_ms: float
    reading: Reading
    steady: str | None
    tracks: tuple[Track, ...] = ()
    changed: bool = False

    def as_json(self) -> dict[str, Any]:
        """The object that `digitlab live --json` prints, a line a frame."""
        return {
            "frame": self.frame_number,
            "time": round(self.seconds, 3),
            "text": self.reading.text,
            "steady": self.steady,
            "digits": [found.as_dict() for found in self.reading.digits],
            "tracks": [_track_as_json(track) for track in self.tracks],
            "latency_ms": round(self.latency_ms, 2),
            "ms": round(self.reading.milliseconds, 2),
        }


def _track_as_json(track: Track) -> dict[str, Any]:
    return {
        "track": track.identity,
        "digit": track.digit,
        "confidence": round(track.confidence, 4),
        "box": list(track.box),
        "line": track.line,
    }


def watch(
    source: Source,
    reader: ImageReader,
    *,
    keep: Keep | None = None,
    steady: Steady | None = None,
    statistics: LiveStatistics | None = None,
    patience: float = 10.0,
) -> Generator[LiveReading, None, None]:
    """Open the source and read its frames until it ends; closing the generator closes the source.

    Args:
        source: where frames come from; opened and closed here.
        reader: what reads them, in the thread of the caller.
        keep: "newest" or "all", as in `NewestFrame`; left out, a source in real time loses frames, others do not.
        steady: how many frames must agree; 4 of 6 unless given.
        statistics: is kept up to date while frames are read, and after.
        patience: seconds without a frame after which we give up, or three frames' time of a slower source.

    Raises:
        SourceError: when the source cannot be opened, breaks, or gives no frame for too long.
    """
    steady = steady or Steady()
    statistics = statistics or LiveStatistics()
    frames = NewestFrame(source, keep=keep)
    try:
        with frames:
            longest = max(patience, 3.0 / source.rate) if source.rate else patience
            while (frame := _next_frame(frames, longest)) is not None:
                live = _read(frame, reader, steady, frames.first_captured or frame.captured)
                statistics.add(live)
                statistics.count(captured=frames.captured, dropped=frames.dropped)
                yield live
    finally:
        statistics.count(captured=frames.captured, dropped=frames.dropped)


def _next_frame(frames: NewestFrame, patience: float) -> Frame | None:
    frame = frames.get(timeout=patience)
    if frame is None and not frames.ended:
        # The source may have ended, or broken, in the moment after the wait.
        frame = frames.get(timeout=0.0)
        if frame is None and not frames.ended:
            raise SourceError(f"the source gave no frame for {patience:g} s")
    return frame


def _read(frame: Frame, reader: ImageReader, steady: Steady, start: float) -> LiveReading:
    reading = reader.read(frame.image)
    return LiveReading(
        frame_number=frame.number,
        captured=frame.captured,
        seconds=frame.captured - start,
        latency_ms=(time.monotonic() - frame.captured) * 1000.0,
        reading=reading,
        steady=steady.add(reading.text),
    )
