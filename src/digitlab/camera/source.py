"""The protocol of all sources of frames, and the states of a source."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from digitlab.values import Frame

__all__ = [
    "FIRST_FRAME_WITHIN", "GIVEN_UP_AFTER", "LONGEST_PAUSE", "STALLED_AFTER", "Source", "SourceState", "SourceStatus",
    "pause", "seconds_asleep",
]  # fmt: skip

STALLED_AFTER = 2.0  # seconds without a frame; for slower sources, three frame intervals
GIVEN_UP_AFTER = 2.25  # seconds without a frame after which a camera is reconnected, so that it is back within 3 s
FIRST_FRAME_WITHIN = 10.0  # seconds from opening to the first frame; an RTSP camera starts with its next key frame

_FIRST_PAUSE = 0.25
LONGEST_PAUSE = 2.0  # seconds; with more, a camera that returns would be noticed after more than 3 s


class SourceState(StrEnum):
    """The state of a source; its value is the word used in messages and JSON."""

    CONNECTING = "connecting"
    """Opened, no frame yet."""
    RUNNING = "running"
    """Frames arrive."""
    STALLED = "stalled"
    """No frame for two seconds, after earlier ones."""
    RECONNECTING = "reconnecting"
    """It was lost, and is reopened with growing pauses until the first frame."""
    ENDED = "ended"
    """No more frames: it reached its end, was closed, or failed (then there is a problem)."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A state and its problem.

    problem: one line of text; None without a problem
    since: when the state began, in seconds of `time.monotonic()`
    """

    state: SourceState
    problem: str | None
    since: float


def pause(failures: int) -> float:
    """Return the seconds until the next attempt, after a number of consecutive failures (exponential backoff).

    >>> [pause(failures) for failures in range(1, 6)]
    [0.25, 0.5, 1.0, 2.0, 2.0]
    """
    return min(LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures - 1, 10))


def seconds_asleep() -> float:
    """Return how long this computer has been suspended (a closed lid) since boot; 0 if the system does not say.

    `time.monotonic` stands still meanwhile on Linux: only the difference reveals that a picture is an hour old.
    """
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Source(Protocol):
    """A stream of frames; a context manager that opens and closes.

    `open` and `read` run in one thread at a time. `close` may be called from another thread meanwhile, never blocks for
    long, and soon ends that `open` or `read`. Where a library cannot be interrupted, the blocked call releases its
    resources when it returns, without affecting others. A second `open` or `close` does nothing; a closed source may be
    opened again, even while an old `read` still hangs.
    """

    @property
    def rate(self) -> float | None:
        """Nominal frames per second; None while unknown (for some sources until they are open)."""

    @property
    def realtime(self) -> bool:
        """Whether frames arrive at their own rate, read or not. If not, each waits until it is read."""

    @property
    def live(self) -> bool:
        """Whether it is a camera: it has no end, and can be reconnected when lost."""
        return False

    def open(self) -> None:
        """Start.

        Raises:
            SourceError: when it cannot be opened.
        """

    def read(self) -> Frame | None:
        """Wait for the next frame; None when the source has ended or was closed.

        Raises:
            SourceError: when it was never opened, or failed; a camera that disappears has failed.
        """

    def close(self) -> None:
        """Stop and release all resources."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
