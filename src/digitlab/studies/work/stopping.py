"""A request to stop that may mean everything, or one job."""

from __future__ import annotations

from digitlab.stopping import StopRequest

__all__ = ["Stopping"]


class Stopping(StopRequest):
    """What a worker looks at after every few batches; the requests come from another thread."""

    def __init__(self) -> None:
        super().__init__()
        self._all = False
        self._job: str | None = None
        self._cut: set[str] = set()

    @property
    def asked(self) -> bool:
        """Whether the job under way shall stop."""
        return self._all or self._job in self._cut

    def __call__(self) -> None:
        """Stop this job and begin no other."""
        self._all = True

    def cut(self, digest: str) -> None:
        """Stop this job alone, which may be over or not have begun yet."""
        self._cut.add(digest)

    def begin(self, digest: str) -> None:
        """A job begins."""
        self._job = digest

    def end(self) -> None:
        """It is over, and what was asked of it."""
        self._job = None
        self._cut.clear()
