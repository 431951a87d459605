"""Trials to workers: who is next, what a finished job means, when a trial is over.

Where proposals do not depend on results (grid, random), all trials begin before any goes on to its second job, and then
the best so far goes first: few that are not good pass a rung only because nobody was there before. With TPE a trial
is brought to its end first, for the next proposal wants to know.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from digitlab.studies.messages import Done, Failed, Lost, Progressed, Stopped
from digitlab.studies.messages import Noted as PoolNoted
from digitlab.studies.store import checkpoint_of
from digitlab.tuning.events import Moved, Noted, TrialBegan, TrialEnded
from digitlab.tuning.progress import KEPT, OpenTrial, jobs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from digitlab.stopping import StopRequest
    from digitlab.studies.dispatch import Pool
    from digitlab.studies.job import Job
    from digitlab.studies.messages import Message
    from digitlab.tuning.events import Listener
    from digitlab.tuning.search import Search
    from digitlab.tuning.space import Space

__all__ = ["run_search"]

_TRIES = 2  # a failure may be the machine's; a second one is the trial's
_LOSSES = 5
_GRACE = 30.0  # seconds in which the batches under way end


def run_search(
    space: Space, search: Search, pool: Callable[[], Pool], *, listener: Listener = lambda _: None, stop: StopRequest
) -> int:
    """Do trials until there are as many as the space asks for; returns how many are missing, when it was stopped.

    Each proposal, report and result is in the search's journal before the next begins. Killed at any moment, it goes on
    with what is missing when it is called again: trials that are under way keep the jobs that were done.

    Args:
        space: what varies.
        search: its trials so far.
        pool: makes the workers; not called when nothing is missing.
        listener: told of everything that happens.
        stop: asked to, or at its time, it ends early.

    Raises:
        UsageError: for settings that do not exist, before anything is trained.
        StorageError: when the journal cannot be written; what was kept stays.
        ClusterError: when a cluster does not answer or is gone.
    """
    if not _missing(space, search):
        return 0
    with pool() as workers:
        workers.check([jobs_of(space, each)[0] for each in space.samples()])
        _Desk(space, search, workers, listener, stop).work()
    return _missing(space, search)


def _missing(space: Space, search: Search) -> int:
    return space.trials - sum(trial.state != "running" for trial in search.trials)


class _Desk:
    """Open trials, and the jobs under way."""

    def __init__(self, space: Space, search: Search, pool: Pool, listener: Listener, stop: StopRequest) -> None:
        self._space, self._search, self._pool, self._listener, self._stop = space, search, pool, listener, stop
        self._depth_first = space.tuning.sampler == "tpe"
        self._known: dict[str, Mapping[str, Any]] = {}
        self._charged: set[str] = (
            set()
        )  # jobs that stand in the journal: done again for another trial they cost nothing
        self._under_way: dict[str, tuple[Job, float]] = {}
        self._done: dict[str, float] = {}  # epochs of the jobs under way
        self._cut: set[str] = set()
        self._tries, self._losses = Counter[str](), Counter[str]()
        self._asked = len(search.trials)
        self._open: list[OpenTrial] = []
        self._take_up()

    def _take_up(self) -> None:
        """What the journal holds: jobs that were done, and trials that were interrupted."""
        for trial in self._search.trials:
            found = OpenTrial.of(self._space, trial)
            for digest, result in zip(found.jobs, found.results, strict=False):
                self._known[digest] = result
                self._charged.add(digest)
            if found.weighing is not None and found.weighed is not None:
                self._known[found.weighing[0]] = found.weighed
            if trial.state == "running":
                self._open.append(found)
                self._listener(TrialBegan(trial.number, trial.labels))
                if found.results and len(found.results) < len(found.jobs):
                    self._look_at(found)

    def work(self) -> None:
        """Until nothing is left, or it is stopped."""
        stopped_at: float | None = None
        while True:
            if self._stop.asked and stopped_at is None:
                stopped_at = time.monotonic()
                self._pool.stop()
            if stopped_at is None:
                self._hand_out()
            if not self._under_way:
                if stopped_at is not None or not self._open:
                    return
            elif stopped_at is not None and time.monotonic() - stopped_at > _GRACE:
                return
            for message in self._pool.wait(0.5):
                self._hear(message)

    def _hand_out(self) -> None:
        self._use_what_is_known()
        while self._pool.idle and (wanted := self._next()) is not None:
            digest, job = wanted
            self._under_way[digest] = job, time.monotonic()
            self._pool.give(job)

    def _next(self) -> tuple[str, Job] | None:
        """The job that is most wanted now."""
        waiting = [trial for trial in self._open if self._ready(trial) is not None]
        while self._asked < self._space.trials and not (self._depth_first and waiting):
            trial = self._ask()
            if trial in self._open and (wanted := self._ready(trial)) is not None:
                return wanted
        if waiting:
            return self._ready(max(waiting, key=lambda trial: trial.accuracy))
        return self._in_advance()

    def _ready(self, trial: OpenTrial) -> tuple[str, Job] | None:
        """The trial's next job, unless somebody is at it."""
        digest, job = next(trial.missing)
        return None if digest in self._under_way else (digest, job)

    def _in_advance(self) -> tuple[str, Job] | None:
        """A later job of a trial, for a worker that has nothing else to do; it may be for nothing."""
        for trial in sorted(self._open, key=lambda trial: -trial.accuracy):
            if trial.first and self._space.tuning.pruner != "none":
                continue
            for digest, job in trial.missing:
                if digest not in self._under_way and digest not in self._known:
                    return digest, job
        return None

    def _ask(self) -> OpenTrial:
        """A new trial; one that was proposed before ends as that one did, as far as that is known."""
        asked = self._search.ask()
        self._asked += 1
        self._listener(TrialBegan(asked.number, asked.labels))
        trial = OpenTrial.of(self._space, asked)
        self._open.append(trial)
        for earlier in self._search.trials[: asked.number]:
            if earlier.state == "pruned" and earlier.labels == asked.labels:
                step = max(earlier.reported)
                self._search.report(trial.number, step, earlier.reported[step])
                self._prune(trial)
                return trial
        self._use_what_is_known()
        return trial

    def _hear(self, message: Message) -> None:
        match message:
            case Progressed(job=job):
                self._progress(message)
            case Done(job=job, result=result):
                # A cluster tells of epochs now and then: some are heard of only now, and the trial may end at them.
                self._done[job.digest] = result.get("epochs", 0)
                accuracies = result.get("history", {}).get("validation_accuracy", ())
                self._report_epochs(job, list(enumerate(accuracies, start=1)))
                self._over(job)
                self._known[job.digest] = {key: result[key] for key in result if key in KEPT or job.kind == "weigh"}
                self._use_what_is_known()
            case Failed(job=job, reason=reason):
                self._over(job)
                self._tries[job.digest] += 1
                self._give_up_or_repeat(job, reason)
            case Lost(job=job, reason=reason, blame=blame):
                self._over(job)
                (self._tries if blame else self._losses)[job.digest] += 1
                self._give_up_or_repeat(job, reason)
            case Stopped(job=job):
                self._over(job)
            case PoolNoted(text):
                self._listener(Noted(text))

    def _over(self, job: Job) -> None:
        """Nobody is at this job any more."""
        self._under_way.pop(job.digest, None)
        self._done.pop(job.digest, None)
        if job.digest in self._cut:
            self._cut.discard(job.digest)
            shutil.rmtree(checkpoint_of(job).parent, ignore_errors=True)

    def _progress(self, told: Progressed) -> None:
        digest = told.job.digest
        self._done[digest] = told.done
        self._report_epochs(told.job, told.accuracies)
        for trial in self._open:
            if digest in trial.jobs:
                so_far = told.accuracies[-1][1] if trial.first and told.accuracies else trial.accuracy or None
                place = list(trial.jobs).index(digest)
                self._listener(Moved(trial.number, place + 1, len(trial.jobs), told.done, so_far))

    def _report_epochs(self, job: Job, accuracies: Any) -> None:
        """Epochs of a first job are looked at one by one; the trial may end at each."""
        if not accuracies or job.kind == "weigh":
            return
        digest = job.digest
        for trial in [each for each in self._open if each.first and next(iter(each.jobs)) == digest]:
            for epoch, accuracy in accuracies:
                if self._search.report(trial.number, int(epoch), float(accuracy)):
                    self._prune(trial)
                    break

    def _use_what_is_known(self) -> None:
        """Give every open trial the results of its next jobs, as far as there are any, and end it where it ends."""
        for trial in list(self._open):
            while trial in self._open:
                digest, job = next(trial.missing, ("", None))
                if job is None:
                    self._complete(trial)
                elif digest in self._known:
                    self._advance(trial, digest, job.kind)
                else:
                    break

    def _advance(self, trial: OpenTrial, digest: str, kind: str) -> None:
        result = self._known[digest]
        if kind == "weigh":
            trial.weighed = result
            self._search.note(trial.number, "weighed", dict(result))
            return
        kept = {**result, "reused": True} if digest in self._charged else dict(result)
        self._charged.add(digest)
        self._search.note(trial.number, f"job-{len(trial.results)}", kept)
        trial.results.append(kept)
        if len(trial.results) < len(trial.jobs):
            self._look_at(trial)

    def _look_at(self, trial: OpenTrial) -> None:
        """After a whole job: does the trial go on?"""
        if self._search.report(trial.number, len(trial.results) * self._space.longest, trial.accuracy):
            self._prune(trial)

    def _complete(self, trial: OpenTrial) -> None:
        objectives = self._space.tuning.objectives
        self._search.complete(trial.number, [trial.objective(each) for each in objectives])
        self._end(trial)

    def _prune(self, trial: OpenTrial) -> None:
        """End a trial, and what is done for it alone."""
        self._drop_jobs_of(trial)
        self._search.prune(trial.number)
        self._end(trial)

    def _drop_jobs_of(self, trial: OpenTrial) -> None:
        others = {digest for each in self._open if each is not trial for digest in each.jobs}
        spent = {"epochs": 0.0, "seconds": 0.0}
        for digest in trial.jobs.keys() & self._under_way.keys() - others:
            job, began = self._under_way[digest]
            self._cut.add(digest)
            self._pool.cut(job)
            spent["epochs"] += self._done.get(digest, 0.0)
            spent["seconds"] += round(time.monotonic() - began, 2)
        self._search.note(trial.number, "cut", spent)

    def _give_up_or_repeat(self, job: Job, reason: str) -> None:
        if self._tries[job.digest] < _TRIES and self._losses[job.digest] < _LOSSES:
            return  # it is missing, and will be handed out again
        for trial in [each for each in self._open if job.digest in dict(each.missing)]:
            self._drop_jobs_of(trial)
            self._search.fail(trial.number, reason)
            self._end(trial)

    def _end(self, trial: OpenTrial) -> None:
        self._open.remove(trial)
        front = self._search.front
        best = front[0] if len(self._space.tuning.objectives) == 1 and front else None
        self._listener(TrialEnded(self._search.trials[trial.number], best))
