"""The scheduler, common to all engines: which job is given out when, what is retried, and when everything ends."""

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

_TRIES = 2  # a first failure may be the machine's fault; a second one is the job's
_LOSSES = 5  # machines may come and go, but not for ever
_GRACE = 30.0  # seconds for the current batches to end

AnyJob = TypeVar("AnyJob", bound=Job)


class Plan(Protocol):
    """Decides which job is next, and what its result means for the others."""

    @property
    def over(self) -> bool:
        """Whether there will be no further job unless a running one fails."""

    def next(self) -> Job | None:
        """Return the job to give out now, which then counts as running; None if there is none at present."""

    def done(self, done: Done) -> None:
        """Called with the result of a job."""

    def again(self, job: Job, *, stopped: bool) -> None:
        """Called when a job was stopped or has failed, and is no longer running; it may be given out again."""

    def gave_up(self, job: Job, reason: str) -> None:
        """Called when a job has failed and will not be retried."""


def follow(plan: Plan, pool: Pool, watcher: Watcher, stop: StopRequest) -> None:
    """Run the jobs of ``plan`` on ``pool`` until the plan is over or a stop is requested.

    A job that fails is tried twice in total; one whose worker was lost through no fault of the job, more often. When
    asked to stop, it gives out no further job and waits a moment for the workers to end.

    Raises:
        DigitlabError: when there are no workers left; also whatever ``plan`` and ``watcher`` raise.
    """
    running = _RunningJobs(plan, watcher)
    stopped_at: float | None = None
    while True:
        if stop.asked and stopped_at is None:
            stopped_at = time.monotonic()
            pool.stop()
        while stopped_at is None and pool.idle and (job := plan.next()) is not None:
            running.digests.add(job.digest)
            watcher(Began(job))
            pool.give(job)
        if not running.digests and (stopped_at is not None or plan.over):
            return
        if stopped_at is not None and time.monotonic() - stopped_at > _GRACE:
            return
        for message in pool.wait(0.5):
            running.handle(message)
            watcher(message)


class _RunningJobs:
    """The running jobs, and how often each was tried."""

    def __init__(self, plan: Plan, watcher: Watcher) -> None:
        self._plan, self._watcher = plan, watcher
        self.digests: set[str] = set()
        self._tries, self._losses = Counter[str](), Counter[str]()

    def handle(self, message: Message) -> None:
        """Tell the plan the outcome of a job."""
        match message:
            case Done(job=job):
                self.digests.discard(job.digest)
                self._plan.done(message)
            case Failed(job=job, reason=reason) | Lost(job=job, reason=reason):
                self.digests.discard(job.digest)
                self._again(job, reason, blame=isinstance(message, Failed) or message.blame)
            case Stopped(job=job):
                self.digests.discard(job.digest)
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

    done: jobs whose results were kept; failed: job and reason, after the last try; left: not done because of a stop
    """

    done: list[AnyJob] = field(default_factory=list)
    failed: list[tuple[AnyJob, str]] = field(default_factory=list)
    left: list[AnyJob] = field(default_factory=list)


def dispatch(
    jobs: Sequence[AnyJob], pool: Pool, keep: Callable[[AnyJob, Done], None], watcher: Watcher, stop: StopRequest
) -> Dispatched[AnyJob]:
    """Run all jobs on ``pool``, in this order; each result is stored at once with ``keep``. See `follow`.

    A job that fails is retried after all others.

    Raises:
        StorageError: when a result cannot be stored; no further job is started.
        DigitlabError: when there are no workers left.
    """
    queue = _Queue(jobs, keep)
    follow(queue, pool, watcher, stop)
    queue.ended.left = [*queue.running.values(), *queue.waiting]
    return queue.ended


class _Queue(Generic[AnyJob]):
    """A plan that is a list of jobs."""

    def __init__(self, jobs: Sequence[AnyJob], keep: Callable[[AnyJob, Done], None]) -> None:
        self.waiting, self._keep = deque(jobs), keep
        self.running: dict[str, AnyJob] = {}
        self.ended: Dispatched[AnyJob] = Dispatched()

    @property
    def over(self) -> bool:
        return not self.waiting

    def next(self) -> AnyJob | None:
        if not self.waiting:
            return None
        job = self.waiting.popleft()
        self.running[job.digest] = job
        return job

    def done(self, done: Done) -> None:
        job = self.running.pop(done.job.digest)
        self._keep(job, done)
        self.ended.done.append(job)

    def again(self, job: Job, *, stopped: bool) -> None:
        queued = self.running.pop(job.digest)
        if stopped:
            self.waiting.appendleft(queued)
        else:
            self.waiting.append(queued)

    def gave_up(self, job: Job, reason: str) -> None:
        self.ended.failed.append((self.running.pop(job.digest), reason))
