"""What every source of frames can do, and the states that it goes through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    from digitlab.values import Frame

__all__ = [
    "FIRST_FRAME_WITHIN",
    "GIVEN_UP_AFTER",
    "LONGEST_PAUSE",
    "STALLED_AFTER",
    "Source",
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


class Source(Protocol):
    """A stream of frames; a context manager that opens and closes.

    `open` and `read` run in one thread at a time. `close` may be called from another thread meanwhile, never waits for
    long, and ends the wait of that `open` or `read` soon. Where a library offers no way to end it, the one that hangs
    is left alone with what it holds: whenever it comes back, it lets go of it, and disturbs nobody. `open` and `close`
    do nothing the second time; a source that was closed may be opened again, even while an old `read` still hangs.
    """

    @property
    def rate(self) -> float | None:
        """Nominal frames a second; None while unknown (some sources know it only once open)."""

    @property
    def realtime(self) -> bool:
        """Whether frames come at their own pace, seen or not. If not, each waits until it is asked for."""

    @property
    def live(self) -> bool:
        """Whether it is a camera, which has no end of its own. Lost, it can be asked for again; a file cannot."""
        return False

    def open(self) -> None:
        """Start.

        Raises:
            SourceError: when nothing can be had from it.
        """

    def read(self) -> Frame | None:
        """Wait for the next frame; None when the source has ended or was closed.

        Raises:
            SourceError: when it was never opened, or broke; a camera that goes away broke.
        """

    def close(self) -> None:
        """Stop and let go of everything held."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
