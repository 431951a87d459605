"""Scheduling of trials: whose job is next, what a finished job means, when a trial is over.

Where proposals do not depend on results (grid, random), all trials begin before any continues with its second job, and
then the best so far goes first: so the pruner has others to compare an early trial with. With TPE a trial is completed
first, because the next proposal depends on it.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.scheduling.dispatch import follow
from digitlab.scheduling.protocol import Done, Noted, Progressed
from digitlab.tuning.progress import KEPT, Moved, OpenTrial, TrialBegan, TrialEnded, jobs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from digitlab.scheduling import protocol
    from digitlab.scheduling.protocol import Message, Pool
    from digitlab.stopping import StopRequest
    from digitlab.studies.job import Job
    from digitlab.tuning.progress import Listener
    from digitlab.tuning.search import Search
    from digitlab.tuning.space import Space

__all__ = ["run_search"]


def run_search(
    space: Space, search: Search, pool: Callable[[], Pool], *, listener: Listener = lambda _: None, stop: StopRequest
) -> int:
    """Run trials until there are as many as the space asks for; return how many are missing if it was stopped.

    Each proposal, report and result is in the search's journal before the next begins. If killed at any moment, it
    resumes with what is missing when it is called again: unfinished trials keep the results of their finished jobs.

    Args:
        space: the search space.
        search: its trials so far.
        pool: creates the workers, e.g. `digitlab.studies.running.make_pool`; not called when nothing is missing.
        listener: told of everything that happens.
        stop: when requested, the search ends early.

    Raises:
        UsageError: for settings that do not exist, before anything is trained.
        StorageError: when the journal cannot be written; what it already holds is not lost.
        ClusterError: when a cluster does not answer or is gone.
    """
    if not _missing(space, search):
        return 0
    with pool() as workers:
        workers.check([jobs_of(space, each)[0] for each in space.samples()])
        trials = _Trials(space, search, workers, listener)
        follow(trials, workers, trials.hear, stop)
    return _missing(space, search)


def _missing(space: Space, search: Search) -> int:
    return space.trials - sum(trial.state != "running" for trial in search.trials)


@dataclass(slots=True)
class _UnderWay:
    """A job that a worker is doing: its start time, and how many of its epochs are done."""

    job: Job
    began: float
    epochs: float = 0.0
    cut: bool = False


class _Trials:
    """A `digitlab.scheduling.dispatch.Plan`: the open trials, and their running jobs."""

    def __init__(self, space: Space, search: Search, pool: Pool, listener: Listener) -> None:
        self._space, self._search, self._pool, self._listener = space, search, pool, listener
        self._depth_first = space.tuning.sampler == "tpe"
        self._known: dict[str, Mapping[str, Any]] = {}  # results by digest
        self._charged: set[str] = set()  # jobs whose cost is already in the journal: free for other trials
        self._under_way: dict[str, _UnderWay] = {}
        self._asked = len(search.trials)
        self._open: list[OpenTrial] = []
        self._resume()

    def _resume(self) -> None:
        """Restore from the journal the results of jobs, and the trials that were interrupted."""
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
                    self._judge(found)
        self._use_what_is_known()

    @property
    def over(self) -> bool:
        """Whether all trials have ended."""
        return not self._open and self._asked >= self._space.trials

    def next(self) -> Job | None:
        """Return the job to do next, or None."""
        wanted = self._wanted()
        if wanted is None:
            return None
        digest, job = wanted
        self._under_way[digest] = _UnderWay(job, time.monotonic())
        return job

    def _wanted(self) -> tuple[str, Job] | None:
        waiting = [trial for trial in self._open if self._ready(trial) is not None]
        while self._asked < self._space.trials and not (self._depth_first and waiting):
            trial = self._ask()
            if trial in self._open and (wanted := self._ready(trial)) is not None:
                return wanted
        if waiting:
            return self._ready(max(waiting, key=lambda trial: trial.accuracy))
        return self._in_advance()

    def _ready(self, trial: OpenTrial) -> tuple[str, Job] | None:
        """Return the trial's next job, or None if that is already running."""
        digest, job = next(trial.missing)
        return None if digest in self._under_way else (digest, job)

    def _in_advance(self) -> tuple[str, Job] | None:
        """Choose a later job of a trial, for an otherwise idle worker; it may turn out to be unnecessary."""
        for trial in sorted(self._open, key=lambda trial: -trial.accuracy):
            if trial.first and self._space.tuning.pruner != "none":
                continue
            for digest, job in trial.missing:
                if digest not in self._under_way and digest not in self._known:
                    return digest, job
        return None

    def _ask(self) -> OpenTrial:
        """Propose a new trial; if the same point was pruned before, it ends like that trial."""
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

    def hear(self, message: Message) -> None:
        """Track the progress of running jobs, and forward notes to the listener."""
        if isinstance(message, Progressed):
            self._progress(message.job.digest, message.progress)
        elif isinstance(message, Noted):
            self._listener(message)

    def done(self, done: Done) -> None:
        """Give a job's result to the trials that need it."""
        digest, result = done.job.digest, done.result
        job = self._under_way[digest].job
        # A cluster reports epochs only occasionally: report the rest now; the trial may be pruned at one of them.
        self._under_way[digest].epochs = result.get("epochs", 0)
        accuracies = result.get("history", {}).get("validation_accuracy", ())
        self._report_epochs(digest, list(enumerate(accuracies, start=1)))
        self._forget(digest)
        self._known[digest] = {key: result[key] for key in result if key in KEPT or job.kind == "weigh"}
        self._use_what_is_known()

    def again(self, job: protocol.Job, *, stopped: bool) -> None:  # noqa: ARG002 - a trial's order is its own
        """Mark a job as not running; it will be given out again unless its trial has ended."""
        self._forget(job.digest)

    def gave_up(self, job: protocol.Job, reason: str) -> None:
        """End the trials that need this job."""
        self._forget(job.digest)
        for trial in [each for each in self._open if job.digest in dict(each.missing)]:
            self._drop_jobs_of(trial)
            self._search.fail(trial.number, reason)
            self._end(trial)

    def _forget(self, digest: str) -> None:
        """Remove a job from the running ones, and the checkpoint of one that was cut."""
        was = self._under_way.pop(digest)
        if was.cut:
            shutil.rmtree(was.job.checkpoint.parent, ignore_errors=True)

    def _progress(self, digest: str, progress: Mapping[str, Any]) -> None:
        done, accuracies = progress["done"], progress["accuracies"]
        if digest in self._under_way:
            self._under_way[digest].epochs = done
        self._report_epochs(digest, accuracies)
        for trial in self._open:
            if digest in trial.jobs:
                so_far = accuracies[-1][1] if trial.first and accuracies else trial.accuracy or None
                place = list(trial.jobs).index(digest)
                self._listener(Moved(trial.number, place + 1, len(trial.jobs), done, so_far))

    def _report_epochs(self, digest: str, accuracies: Any) -> None:
        """Report each epoch of a trial's first job to the pruner, which may end the trial there."""
        for trial in [each for each in self._open if each.first and next(iter(each.jobs)) == digest]:
            for epoch, accuracy in accuracies:
                if self._search.report(trial.number, int(epoch), float(accuracy)):
                    self._prune(trial)
                    break

    def _use_what_is_known(self) -> None:
        """Give every open trial the known results of its next jobs; complete a trial that has all of them."""
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
            self._judge(trial)

    def _judge(self, trial: OpenTrial) -> None:
        """Report the mean accuracy after a complete job, and prune the trial if the pruner says so."""
        if self._search.report(trial.number, len(trial.results) * self._space.longest, trial.accuracy):
            self._prune(trial)

    def _complete(self, trial: OpenTrial) -> None:
        objectives = self._space.tuning.objectives
        self._search.complete(trial.number, [trial.objective(each) for each in objectives])
        self._end(trial)

    def _prune(self, trial: OpenTrial) -> None:
        """End a trial early, and stop the jobs that no other open trial needs."""
        self._drop_jobs_of(trial)
        self._search.prune(trial.number)
        self._end(trial)

    def _drop_jobs_of(self, trial: OpenTrial) -> None:
        others = {digest for each in self._open if each is not trial for digest in each.jobs}
        spent = {"epochs": 0.0, "seconds": 0.0}
        for digest in trial.jobs.keys() & self._under_way.keys() - others:
            under_way = self._under_way[digest]
            under_way.cut = True
            self._pool.cut(under_way.job)
            spent["epochs"] += under_way.epochs
            spent["seconds"] += round(time.monotonic() - under_way.began, 2)
        self._search.note(trial.number, "cut", spent)

    def _end(self, trial: OpenTrial) -> None:
        self._open.remove(trial)
        front = self._search.front
        best = front[0] if len(self._space.tuning.objectives) == 1 and front else None
        self._listener(TrialEnded(self._search.trials[trial.number], best))
