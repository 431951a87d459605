"""Jobs to workers, results to the store; the same for processes on this machine and for a cluster."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from digitlab.studies.messages import Began, Done, Failed, GaveUp, Lost, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from digitlab.stopping import StopRequest
    from digitlab.studies.job import Job
    from digitlab.studies.messages import Message, Watcher

__all__ = ["Dispatched", "Pool", "dispatch"]

_TRIES = 2  # a failure may be the machine's; a second one is the job's
_LOSSES = 5  # machines may come and go, but not for ever
_GRACE = 30.0  # seconds in which the batches under way end


class Pool(Protocol):
    """Workers that do a job at a time; a context manager that leaves none of them behind."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def check(self, jobs: Sequence[Job]) -> None:
        """Refuse jobs that cannot be done.

        Raises:
            DigitlabError: for settings that do not exist, or where nobody can do anything.
        """

    @property
    def idle(self) -> int:
        """How many jobs could be given now."""

    def give(self, job: Job) -> None:
        """Give a job to an idle worker."""

    def wait(self, seconds: float) -> Sequence[Message]:
        """What the workers said, waiting at most so long for the first word.

        Raises:
            DigitlabError: when there are no workers left, nor will be.
        """

    def stop(self) -> None:
        """Ask all workers to stop after the batches under way."""

    def cut(self, job: Job) -> None:
        """Ask the worker of this job to stop it after the batches under way; `Stopped` follows, or `Done` before it."""


@dataclass(slots=True)
class Dispatched:
    """How it ended.

    done: jobs that were kept; failed: job and reason, after the last try; left: not done, for it was stopped
    """

    done: list[Job] = field(default_factory=list)
    failed: list[tuple[Job, str]] = field(default_factory=list)
    left: list[Job] = field(default_factory=list)


def dispatch(
    jobs: Sequence[Job], pool: Pool, keep: Callable[[Done], None], watcher: Watcher, stop: StopRequest
) -> Dispatched:
    """Have every job done by ``pool``; each result is kept at once.

    A job that fails is tried once more, after all others; then it is reported, and the others go on. A job whose worker
    is gone through no fault of its own is done again. Asked to stop, it waits a moment for the workers to end.

    Raises:
        StorageError: when a result cannot be kept: nothing more is begun.
        DigitlabError: when there are no workers left.
    """
    desk = _Desk(deque(jobs), keep, watcher)
    stopped_at: float | None = None
    while desk.waiting or desk.under_way:
        if stop.asked and stopped_at is None:
            stopped_at = time.monotonic()
            pool.stop()
        if stopped_at is not None and (not desk.under_way or time.monotonic() - stopped_at > _GRACE):
            break
        while desk.waiting and stopped_at is None and pool.idle:
            pool.give(desk.next())
        for message in pool.wait(0.5):
            desk.hear(message)
            watcher(message)
    desk.ended.left = [*desk.under_way.values(), *desk.waiting]
    return desk.ended


class _Desk:
    """What waits, what is under way, and how often each was tried."""

    def __init__(self, waiting: deque[Job], keep: Callable[[Done], None], watcher: Watcher) -> None:
        self.waiting, self._keep, self._watcher = waiting, keep, watcher
        self.under_way: dict[str, Job] = {}
        self.ended = Dispatched()
        self._tries, self._losses = Counter[str](), Counter[str]()

    def next(self) -> Job:
        """The job that is given now."""
        job = self.waiting.popleft()
        self.under_way[job.digest] = job
        self._watcher(Began(job))
        return job

    def hear(self, message: Message) -> None:
        """Keep a result, or put a job back."""
        match message:
            case Done(job=job):
                self.under_way.pop(job.digest, None)
                self._keep(message)
                self.ended.done.append(job)
            case Failed(job=job, reason=reason) | Lost(job=job, reason=reason):
                self.under_way.pop(job.digest, None)
                self._again(job, reason, blame=isinstance(message, Failed) or message.blame)
            case Stopped(job=job):
                self.under_way.pop(job.digest, None)
                self.waiting.appendleft(job)

    def _again(self, job: Job, reason: str, *, blame: bool) -> None:
        (self._tries if blame else self._losses)[job.digest] += 1
        if self._tries[job.digest] < _TRIES and self._losses[job.digest] < _LOSSES:
            self.waiting.append(job)
        else:
            self.ended.failed.append((job, reason))
            self._watcher(GaveUp(job, reason))
