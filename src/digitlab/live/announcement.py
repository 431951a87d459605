"""What robots and home automation are told when the steady text changes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from digitlab.live.session import LiveReading

__all__ = ["Announcement", "Outlet", "announcement"]


class Outlet(Protocol):
    """Whoever is told of readings: never makes the reader wait, and closes in a moment."""

    def tell(self, live: LiveReading, /) -> None:
        """Take a reading."""

    def close(self) -> None:
        """Tell the last things and let go."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A steady text as it is published.

    text: "" is surely nothing, None is not sure; "?" is a digit that was found but not answered
    confidence: of the least sure digit, 0 … 1; None where there is no digit
    clock: `time.time()` of the reading
    frame: its number
    """

    text: str | None
    confidence: float | None
    clock: float
    frame: int

    @property
    def digits(self) -> tuple[int, ...]:
        """All digits in reading order."""
        return tuple(int(sign) for sign in self.text or "" if sign.isdigit())

    @property
    def digit(self) -> int | None:
        """The digit, where there is exactly one and nothing beside it that was not answered."""
        return self.digits[0] if len(self.digits) == 1 and "?" not in (self.text or "") else None

    def as_json(self) -> dict[str, Any]:
        """The payload of MQTT and of ROS."""
        return {
            "text": self.text,
            "digit": self.digit,
            "digits": list(self.digits),
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "time": round(self.clock, 3),
            "frame": self.frame,
        }


def announcement(live: LiveReading) -> Announcement:
    """What a reading says to others."""
    sure = [track.confidence for track in live.tracks if track.digit is not None] if live.steady else []
    age = time.monotonic() - live.captured
    return Announcement(live.steady, min(sure, default=None), time.time() - age, live.frame_number)
