"""How a source is doing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "FIRST_FRAME_WITHIN",
    "GIVEN_UP_AFTER",
    "LONGEST_PAUSE",
    "STALLED_AFTER",
    "SourceState",
    "SourceStatus",
    "pause",
]

STALLED_AFTER = 2.0  # seconds without a frame; slower sources, three frames' time
GIVEN_UP_AFTER = 2.25  # seconds without a frame after which a camera is asked for again: with it, it is back within 3 s
FIRST_FRAME_WITHIN = 10.0  # seconds from asking to the first frame; an RTSP camera may make us wait for its key frame

_FIRST_PAUSE = 0.25
LONGEST_PAUSE = 2.0  # more, and a camera that is back would wait longer than 3 s for us


class SourceState(StrEnum):
    """What a source is doing; its value is the word for people and for JSON."""

    CONNECTING = "connecting"
    """Asked for, no frame yet."""
    RUNNING = "running"
    """Frames come."""
    STALLED = "stalled"
    """Frames came, and none has come for two seconds."""
    RECONNECTING = "reconnecting"
    """It was lost; asked for again, with growing pauses, until the first frame."""
    ENDED = "ended"
    """Nothing more will come: it came to its end, was closed, or broke (then there is a problem)."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A state, and what is wrong.

    problem: one line for people; None where all is well
    since: `time.monotonic()` in seconds when this began
    """

    state: SourceState
    problem: str | None
    since: float


def pause(failures: int) -> float:
    """Seconds from one try to the next, after so many failures in a row.

    >>> [pause(failures) for failures in range(1, 6)]
    [0.25, 0.5, 1.0, 2.0, 2.0]
    """
    return min(LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures - 1, 10))
