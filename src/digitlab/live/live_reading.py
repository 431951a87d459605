"""The reading of one frame, as JSON and as published to robots; and the statistics of a session."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import counted

if TYPE_CHECKING:
    from digitlab.live.numbers import Number
    from digitlab.live.tracks import Track
    from digitlab.values import ReadDigit, Reading

__all__ = ["Announcement", "LiveReading", "LiveStatistics", "due"]

_AGAIN = 1.0  # seconds after which a reading is published again: listeners can tell a dead camera from an idle one
_LATENCIES_KEPT = 36_000  # 20 minutes at 30 frames/s: a session of weeks must not fill the memory


@dataclass(frozen=True, slots=True)
class LiveReading:
    """The reading of one frame, with its times.

    frame_number: 0 for the source's first frame; dropped frames are counted
    captured: `time.monotonic()` in seconds when the frame left the source
    seconds: from the source's first frame to this one; of a file by its own clock, however fast it is read
    latency_ms: from capture to reading, in milliseconds, including the wait for the reader
    steady: the text decided over several frames; "": certainly an empty page; None: undecided
    tracks: digits tracked over frames, in reading order
    changed: whether `steady` differs from the previous frame
    drawing: whether ink is probably being added or removed
    telling: whether a text has become steady that is to be reported: another text, or the same written anew. A text
        that was only hidden for a moment, or misread, is not reported again
    numbers: the numbers reported in this frame; each is reported once
    last: the last non-empty steady text, and `captured` of the last frame that had it
    """

    frame_number: int
    captured: float
    seconds: float
    latency_ms: float
    reading: Reading
    steady: str | None
    tracks: tuple[Track, ...] = ()
    changed: bool = False
    drawing: bool = False
    telling: bool = False
    numbers: tuple[Number, ...] = ()
    last: tuple[str, float] | None = None

    @property
    def age(self) -> float:
        """Seconds since the frame was captured."""
        return max(0.0, time.monotonic() - self.captured)

    def as_json(self) -> dict[str, Any]:
        """Return the object that `digitlab live --json` prints, one line per frame."""
        return {
            "frame": self.frame_number,
            "time": round(self.seconds, 3),
            "text": self.reading.text,
            "steady": self.steady,
            "drawing": self.drawing,
            "age": round(self.age, 3),
            "digits": [_digit_as_json(found) for found in self.reading.digits],
            "tracks": [{"track": track.identity, **_digit_as_json(track)} for track in self.tracks],
            "latency_ms": round(self.latency_ms, 2),
            "ms": round(self.reading.milliseconds, 2),
        }

    def announcement(self) -> Announcement:
        """Return the steady text as published over MQTT and ROS."""
        sure = [track.confidence for track in self.tracks if track.digit is not None] if self.steady else []
        return Announcement(
            self.steady, min(sure, default=None), self.captured, self.frame_number, self.drawing, self.last
        )  # fmt: skip


def _digit_as_json(found: ReadDigit | Track) -> dict[str, Any]:
    return {
        "digit": found.digit,
        "confidence": round(found.confidence, 4),
        "box": list(found.box),
        "line": found.line,
    }


@dataclass(frozen=True, slots=True)
class Announcement:
    """A steady text as published; its age and clock time are those at the moment of publishing, possibly again.

    text: "": certainly an empty page; None: undecided; "?" stands for a digit that was found but not classified
    confidence: of the least confident digit, 0 … 1; None if there is no digit
    captured: `time.monotonic()` of the capture
    frame: its number
    drawing: whether ink is probably being added or removed
    last: the last non-empty text, and `captured` of the last frame that had it
    """

    text: str | None
    confidence: float | None
    captured: float
    frame: int
    drawing: bool = False
    last: tuple[str, float] | None = None

    @property
    def digits(self) -> tuple[int, ...]:
        """All digits in reading order."""
        return tuple(int(character) for character in self.text or "" if character.isdigit())

    @property
    def digit(self) -> int | None:
        """The digit, if there is exactly one and no unclassified digit beside it; else None."""
        return self.digits[0] if len(self.digits) == 1 and "?" not in (self.text or "") else None

    def as_json(self) -> dict[str, Any]:
        """Return the payload for MQTT and ROS."""
        return {
            "text": self.text,
            "digit": self.digit,
            "digits": list(self.digits),
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            **_times(self.captured),
            "drawing": self.drawing,
            "last": None if self.last is None else {"text": self.last[0], **_times(self.last[1])},
            "frame": self.frame,
        }


def _times(captured: float) -> dict[str, float]:
    """Return the clock time of a capture, in seconds since 1970, and its age, which no change of the clock affects."""
    age = max(0.0, time.monotonic() - captured)
    return {"time": round(time.time() - age, 3), "age": round(age, 3)}


def due(live: LiveReading, published: float | None) -> bool:
    """Return whether a reading is to be published: the first, a changed steady text, or that of a second ago again.

    published: `time.monotonic()` of the last publication; None before the first
    """
    return live.changed or published is None or time.monotonic() - published >= _AGAIN


class LiveStatistics:
    """Counts frames and collects latencies.

    captured, read, dropped: number of frames that the source delivered, that were read, that were skipped
    seconds: from the capture of the first frame that was read to the end of the last reading

    Median and percentiles are over the last 36,000 readings and are latencies that occurred (nearest rank, no
    interpolation); the maximum is over all.
    """

    def __init__(self) -> None:
        self.captured = 0
        self.dropped = 0
        self.read = 0
        self.seconds = 0.0
        self._begun: float | None = None
        self._worst = 0.0
        self._latencies: deque[float] = deque(maxlen=_LATENCIES_KEPT)

    def add(self, live: LiveReading) -> None:
        """Add one reading."""
        self.read += 1
        self._begun = live.captured if self._begun is None else self._begun
        self.seconds = live.captured - self._begun + live.latency_ms / 1000.0
        self._worst = max(self._worst, live.latency_ms)
        self._latencies.append(live.latency_ms)

    def count(self, *, captured: int, dropped: int) -> None:
        """Set the counts of the frames so far."""
        self.captured, self.dropped = captured, dropped

    @property
    def frames_per_second(self) -> float | None:
        """Frames read per second of wall time; None before the first."""
        return self.read / self.seconds if self.seconds > 0 else None

    def latency(self) -> dict[str, float] | None:
        """Return the milliseconds from capture to reading: `median`, `p95`, `p99`, `max`; None before the first one."""
        if not self._latencies:
            return None
        median, p95, p99 = np.percentile(list(self._latencies), (50, 95, 99), method="inverted_cdf").tolist()
        return {"median": median, "p95": p95, "p99": p99, "max": self._worst}

    def summary(self) -> dict[str, Any]:
        """Return all numbers, rounded, for JSON; null if no frame was read."""
        rate, latency = self.frames_per_second, self.latency()
        return {
            "captured": self.captured,
            "read": self.read,
            "dropped": self.dropped,
            "seconds": round(self.seconds, 3),
            "frames_per_second": None if rate is None else round(rate, 2),
            "latency_ms": None if latency is None else {name: round(value, 2) for name, value in latency.items()},
        }

    def describe(self) -> str:
        """Summarise in one line of text."""
        frames = f"{counted(self.captured, 'frame')} captured, {self.read} read, {self.dropped} dropped"
        rate, latency = self.frames_per_second, self.latency()
        if rate is None or latency is None:
            return frames
        spread = ", ".join(f"{name} {value:.1f}" for name, value in latency.items())
        return f"{frames}; {rate:.1f} frames/s over {self.seconds:.1f} s; latency {spread} ms"
