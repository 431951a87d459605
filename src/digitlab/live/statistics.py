"""What a live session did, in numbers that were measured."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from digitlab.live.session import LiveReading

__all__ = ["LiveStatistics"]

_REMEMBERED = 36_000  # latencies, 20 minutes at 30 frames a second: a session of weeks must not fill the memory


class LiveStatistics:
    """Counts frames and gathers latencies.

    captured, read, dropped: frames that the source gave, that were read, that nobody saw
    seconds: from the moment the first frame was captured until the last reading was ready

    Median and percentiles are of the last 36,000 readings and are latencies that occurred (nearest rank, nothing
    interpolated); the maximum is of all.
    """

    def __init__(self) -> None:
        self.captured = 0
        self.dropped = 0
        self.read = 0
        self.seconds = 0.0
        self._worst = 0.0
        self._latencies: deque[float] = deque(maxlen=_REMEMBERED)

    def add(self, live: LiveReading) -> None:
        """Take one reading."""
        self.read += 1
        self.seconds = live.seconds + live.latency_ms / 1000.0
        self._worst = max(self._worst, live.latency_ms)
        self._latencies.append(live.latency_ms)

    def count(self, *, captured: int, dropped: int) -> None:
        """Take the counts of the frames so far."""
        self.captured, self.dropped = captured, dropped

    @property
    def frames_per_second(self) -> float | None:
        """Frames read a second of wall time; None before the first."""
        return self.read / self.seconds if self.seconds > 0 else None

    def latency(self) -> dict[str, float] | None:
        """Milliseconds from capture to reading: `median`, `p95`, `p99`, `max`; None before the first reading."""
        if not self._latencies:
            return None
        median, p95, p99 = np.percentile(list(self._latencies), (50, 95, 99), method="inverted_cdf").tolist()
        return {"median": median, "p95": p95, "p99": p99, "max": self._worst}

    def summary(self) -> dict[str, Any]:
        """All numbers, rounded, for JSON: null where nothing was read."""
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
        """One line for people."""
        frames = f"{self.captured} frames captured, {self.read} read, {self.dropped} dropped"
        rate, latency = self.frames_per_second, self.latency()
        if rate is None or latency is None:
            return frames
        spread = ", ".join(f"{name} {value:.1f}" for name, value in latency.items())
        return f"{frames}; {rate:.1f} frames/s over {self.seconds:.1f} s; latency {spread} ms"
