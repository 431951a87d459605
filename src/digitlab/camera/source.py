"""What every source of frames can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    from digitlab.values import Frame

__all__ = ["Source"]


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
