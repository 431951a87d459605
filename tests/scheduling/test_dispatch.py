from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pytest

from digitlab.errors import StorageError
from digitlab.scheduling.dispatch import dispatch
from digitlab.scheduling.protocol import Began, Done, Failed, GaveUp, Lost, Message, Stopped
from digitlab.stopping import StopRequest


@dataclass(frozen=True)
class Job:
    digest: str

    def as_dict(self) -> dict[str, Any]:
        return {"digest": self.digest}


JOBS = [Job(str(number)) for number in range(5)]


class FakePool:
    """Does jobs one after the other; ``act`` says what comes of the n-th attempt at a job."""

    def __init__(self, act: Callable[[Job, int], Message], workers: int = 1) -> None:
        self.act, self.workers = act, workers
        self.given: list[Job] = []
        self.under_way: deque[Job] = deque()
        self.stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def check(self, jobs: Sequence[Job]) -> None:
        pass

    @property
    def idle(self) -> int:
        return self.workers - len(self.under_way)

    def give(self, job: Job) -> None:
        self.given.append(job)
        self.under_way.append(job)

    def wait(self, seconds: float) -> list[Message]:  # noqa: ARG002
        job = self.under_way.popleft()
        return [Stopped(job) if self.stopped else self.act(job, self.given.count(job))]

    def stop(self) -> None:
        self.stopped = True


def done(job: Job, _: int = 1) -> Message:
    return Done(job, {"parameters": 1}, {})


def run(pool: FakePool, stop: StopRequest | None = None, keep: Any = None) -> tuple[Any, list[Message]]:
    told: list[Message] = []
    return dispatch(JOBS, pool, keep or (lambda *_: None), told.append, stop or StopRequest()), told  # type: ignore[arg-type]


def test_every_job_is_done_once_and_kept_at_once() -> None:
    pool, kept = FakePool(done, workers=2), []
    ended, told = run(pool, keep=lambda job, _: kept.append(job))
    assert kept == ended.done == pool.given == JOBS
    assert sum(isinstance(message, Began) for message in told) == 5
    assert not ended.failed
    assert not ended.left


def test_a_failure_is_tried_again_after_all_others() -> None:
    pool = FakePool(lambda job, time: Failed(job, "cosmic ray") if (job == JOBS[1] and time == 1) else done(job))
    ended, _ = run(pool)
    assert pool.given == [*JOBS, JOBS[1]]
    assert len(ended.done) == 5


def test_a_second_failure_is_reported_and_the_others_are_not_lost() -> None:
    pool = FakePool(lambda job, _: Failed(job, "always") if job == JOBS[1] else done(job))
    ended, told = run(pool)
    assert ended.failed == [(JOBS[1], "always")]
    assert len(ended.done) == 4
    assert GaveUp(JOBS[1], "always") in told


def test_a_lost_machine_is_not_the_jobs_fault() -> None:
    pool = FakePool(lambda job, time: Lost(job, "gone", blame=False) if (job == JOBS[0] and time < 4) else done(job))
    assert len(run(pool)[0].done) == 5
    pool = FakePool(lambda job, _: Lost(job, "gone", blame=False) if job == JOBS[0] else done(job))
    assert run(pool)[0].failed == [(JOBS[0], "gone")]
    pool = FakePool(lambda job, _: Lost(job, "killed") if job == JOBS[0] else done(job))
    assert run(pool)[0].failed == [(JOBS[0], "killed")]
    assert pool.given.count(JOBS[0]) == 2


def test_asked_to_stop_it_begins_nothing_more() -> None:
    stop = StopRequest()
    pool = FakePool(done)

    def keep(*_: object) -> None:
        if len(pool.given) == 2:
            stop()

    ended, _ = run(pool, stop, keep)
    assert ended.done == JOBS[:2]
    assert ended.left == JOBS[2:]


def test_a_time_that_is_over_stops_it_too() -> None:
    ended, _ = run(FakePool(done), StopRequest(until=time.monotonic() - 1))
    assert ended.left == JOBS


def test_what_stopped_is_left_to_do() -> None:
    stop = StopRequest()
    pool = FakePool(done, workers=2)

    def keep(*_: object) -> None:
        stop()

    ended, _ = run(pool, stop, keep)
    assert len(ended.done) == 1
    assert {job.digest for job in ended.left} == {job.digest for job in JOBS[1:]}


def test_a_full_disk_ends_it_with_what_is_kept() -> None:
    kept: list[Job] = []

    def keep(job: Job, _: Done) -> None:
        if len(kept) == 2:
            raise StorageError("the disk is full")
        kept.append(job)

    with pytest.raises(StorageError, match="full"):
        run(FakePool(done), keep=keep)
    assert kept == JOBS[:2]
