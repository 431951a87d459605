"""The scheduler: which job is given when, what is tried again, and how it all ends. The same for every engine."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from digitlab.scheduling.protocol import Began, Done, Failed, GaveUp, Job, Lost, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from digitlab.scheduling.protocol import Message, Pool, Watcher
    from digitlab.stopping import StopRequest

__all__ = ["Dispatched", "Plan", "dispatch", "follow"]

_TRIES = 2  # a failure may be the machine's; a second one is the job's
_LOSSES = 5  # machines may come and go, but not for ever
_GRACE = 30.0  # seconds in which the batches under way end

AnyJob = TypeVar("AnyJob", bound=Job)


class Plan(Protocol):
    """Which job is most wanted, and what its result means for the others."""

    @property
    def over(self) -> bool:
        """Whether there will be no further job unless one that is under way fails."""

    def next(self) -> Job | None:
        """The job to give now, which then is under way; None while there is none."""

    def done(self, done: Done) -> None:
        """A job has this result."""

    def again(self, job: Job, *, stopped: bool) -> None:
        """A job was stopped, or has failed, and is no longer under way; it may be given again."""

    def gave_up(self, job: Job, reason: str) -> None:
        """A job has failed for the last time."""


def follow(plan: Plan, pool: Pool, watcher: Watcher, stop: StopRequest) -> None:
    """Have ``pool`` do what ``plan`` wants, until that is over or ``stop`` is asked.

    A job that fails is tried twice in all; one whose worker is gone through no fault of its own, more often. Asked to
    stop, it gives no further job and waits a moment for the workers to end.

    Raises:
        DigitlabError: when there are no workers left; and what ``plan`` and ``watcher`` raise.
    """
    table = _Table(plan, watcher)
    stopped_at: float | None = None
    while True:
        if stop.asked and stopped_at is None:
            stopped_at = time.monotonic()
            pool.stop()
        while stopped_at is None and pool.idle and (job := plan.next()) is not None:
            table.under_way.add(job.digest)
            watcher(Began(job))
            pool.give(job)
        if not table.under_way and (stopped_at is not None or plan.over):
            return
        if stopped_at is not None and time.monotonic() - stopped_at > _GRACE:
            return
        for message in pool.wait(0.5):
            table.hear(message)
            watcher(message)


class _Table:
    """The jobs under way, and how often each was tried."""

    def __init__(self, plan: Plan, watcher: Watcher) -> None:
        self._plan, self._watcher = plan, watcher
        self.under_way: set[str] = set()
        self._tries, self._losses = Counter[str](), Counter[str]()

    def hear(self, message: Message) -> None:
        """Tell the plan what became of a job."""
        match message:
            case Done(job=job):
                self.under_way.discard(job.digest)
                self._plan.done(message)
            case Failed(job=job, reason=reason) | Lost(job=job, reason=reason):
                self.under_way.discard(job.digest)
                self._again(job, reason, blame=isinstance(message, Failed) or message.blame)
            case Stopped(job=job):
                self.under_way.discard(job.digest)
                self._plan.again(job, stopped=True)

    def _again(self, job: Job, reason: str, *, blame: bool) -> None:
        (self._tries if blame else self._losses)[job.digest] += 1
        if self._tries[job.digest] < _TRIES and self._losses[job.digest] < _LOSSES:
            self._plan.again(job, stopped=False)
        else:
            self._plan.gave_up(job, reason)
            self._watcher(GaveUp(job, reason))


@dataclass(slots=True)
class Dispatched(Generic[AnyJob]):
    """How a list of jobs ended.

    done: jobs that were kept; failed: job and reason, after the last try; left: not done, because it was stopped
    """

    done: list[AnyJob] = field(default_factory=list)
    failed: list[tuple[AnyJob, str]] = field(default_factory=list)
    left: list[AnyJob] = field(default_factory=list)


def dispatch(
    jobs: Sequence[AnyJob], pool: Pool, keep: Callable[[AnyJob, Done], None], watcher: Watcher, stop: StopRequest
) -> Dispatched[AnyJob]:
    """Have every job done by ``pool``, in this order; each result is kept at once. As `follow`.

    A job that fails is tried again after all others.

    Raises:
        StorageError: when a result cannot be kept: nothing more is begun.
        DigitlabError: when there are no workers left.
    """
    queue = _Queue(jobs, keep)
    follow(queue, pool, watcher, stop)
    queue.ended.left = [*queue.under_way.values(), *queue.waiting]
    return queue.ended


class _Queue(Generic[AnyJob]):
    """A plan that is a list."""

    def __init__(self, jobs: Sequence[AnyJob], keep: Callable[[AnyJob, Done], None]) -> None:
        self.waiting, self._keep = deque(jobs), keep
        self.under_way: dict[str, AnyJob] = {}
        self.ended: Dispatched[AnyJob] = Dispatched()

    @property
    def over(self) -> bool:
        return not self.waiting

    def next(self) -> AnyJob | None:
        if not self.waiting:
            return None
        job = self.waiting.popleft()
        self.under_way[job.digest] = job
        return job

    def done(self, done: Done) -> None:
        job = self.under_way.pop(done.job.digest)
        self._keep(job, done)
        self.ended.done.append(job)

    def again(self, job: Job, *, stopped: bool) -> None:
        own = self.under_way.pop(job.digest)
        if stopped:
            self.waiting.appendleft(own)
        else:
            self.waiting.append(own)

    def gave_up(self, job: Job, reason: str) -> None:
        self.ended.failed.append((self.under_way.pop(job.digest), reason))
