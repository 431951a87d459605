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
        follow(trials, workers, trials.handle, stop)
    return _missing(space, search)


def _missing(space: Space, search: Search) -> int:
    return space.trials - sum(trial.state != "running" for trial in search.trials)


@dataclass(slots=True)
class _RunningJob:
    """A job that a worker is doing: its start time, and how many of its epochs are done."""

    job: Job
    started: float
    epochs: float = 0.0
    cut: bool = False


class _Trials:
    """A `digitlab.scheduling.dispatch.Plan`: the open trials, and their running jobs."""

    def __init__(self, space: Space, search: Search, pool: Pool, listener: Listener) -> None:
        self._space, self._search, self._pool, self._listener = space, search, pool, listener
        self._depth_first = space.tuning.sampler == "tpe"
        self._results: dict[str, Mapping[str, Any]] = {}  # results by digest
        self._charged: set[str] = set()  # jobs whose cost is already in the journal: free for other trials
        self._running: dict[str, _RunningJob] = {}
        self._proposed = len(search.trials)
        self._open: list[OpenTrial] = []
        self._resume()

    def _resume(self) -> None:
        """Restore from the journal the results of jobs, and the trials that were interrupted."""
        for trial in self._search.trials:
            opened = OpenTrial.of(self._space, trial)
            for digest, result in zip(opened.jobs, opened.results, strict=False):
                self._results[digest] = result
                self._charged.add(digest)
            if opened.weighing is not None and opened.weighed is not None:
                self._results[opened.weighing[0]] = opened.weighed
            if trial.state == "running":
                self._open.append(opened)
                self._listener(TrialBegan(trial.number, trial.labels))
                if opened.results and len(opened.results) < len(opened.jobs):
                    self._report_mean(opened)
        self._apply_known_results()

    @property
    def over(self) -> bool:
        """Whether all trials have ended."""
        return not self._open and self._proposed >= self._space.trials

    def next(self) -> Job | None:
        """Return the job to do next, or None."""
        chosen = self._next_job()
        if chosen is None:
            return None
        digest, job = chosen
        self._running[digest] = _RunningJob(job, time.monotonic())
        return job

    def _next_job(self) -> tuple[str, Job] | None:
        waiting = [trial for trial in self._open if self._ready(trial) is not None]
        while self._proposed < self._space.trials and not (self._depth_first and waiting):
            trial = self._propose()
            if trial in self._open and (ready := self._ready(trial)) is not None:
                return ready
        if waiting:
            return self._ready(max(waiting, key=lambda trial: trial.accuracy))
        return self._speculative_job()

    def _ready(self, trial: OpenTrial) -> tuple[str, Job] | None:
        """Return the trial's next job, or None if that is already running."""
        digest, job = next(trial.missing)
        return None if digest in self._running else (digest, job)

    def _speculative_job(self) -> tuple[str, Job] | None:
        """Choose a later job of a trial, for an otherwise idle worker; it may turn out to be unnecessary."""
        for trial in sorted(self._open, key=lambda trial: -trial.accuracy):
            if trial.first and self._space.tuning.pruner != "none":
                continue
            for digest, job in trial.missing:
                if digest not in self._running and digest not in self._results:
                    return digest, job
        return None

    def _propose(self) -> OpenTrial:
        """Propose a new trial; if the same point was pruned before, it ends like that trial."""
        proposed = self._search.ask()
        self._proposed += 1
        self._listener(TrialBegan(proposed.number, proposed.labels))
        trial = OpenTrial.of(self._space, proposed)
        self._open.append(trial)
        for earlier in self._search.trials[: proposed.number]:
            if earlier.state == "pruned" and earlier.labels == proposed.labels:
                step = max(earlier.reported)
                self._search.report(trial.number, step, earlier.reported[step])
                self._prune(trial)
                return trial
        self._apply_known_results()
        return trial

    def handle(self, message: Message) -> None:
        """Track the progress of running jobs, and forward notes to the listener."""
        if isinstance(message, Progressed):
            self._progress(message.job.digest, message.progress)
        elif isinstance(message, Noted):
            self._listener(message)

    def done(self, done: Done) -> None:
        """Give a job's result to the trials that need it."""
        digest, result = done.job.digest, done.result
        job = self._running[digest].job
        # A cluster reports epochs only occasionally: report the rest now; the trial may be pruned at one of them.
        self._running[digest].epochs = result.get("epochs", 0)
        accuracies = result.get("history", {}).get("validation_accuracy", ())
        self._report_epochs(digest, list(enumerate(accuracies, start=1)))
        self._forget(digest)
        self._results[digest] = {key: result[key] for key in result if key in KEPT or job.kind == "weigh"}
        self._apply_known_results()

    def again(self, job: protocol.Job, *, stopped: bool) -> None:  # noqa: ARG002 - a trial's order is its own
        """Mark a job as not running; it will be given out again unless its trial has ended."""
        self._forget(job.digest)

    def gave_up(self, job: protocol.Job, reason: str) -> None:
        """End the trials that need this job."""
        self._forget(job.digest)
        for trial in [each for each in self._open if job.digest in dict(each.missing)]:
            self._cut_jobs_of(trial)
            self._search.fail(trial.number, reason)
            self._end(trial)

    def _forget(self, digest: str) -> None:
        """Remove a job from the running ones, and the checkpoint of one that was cut."""
        running = self._running.pop(digest)
        if running.cut:
            shutil.rmtree(running.job.checkpoint.parent, ignore_errors=True)

    def _progress(self, digest: str, progress: Mapping[str, Any]) -> None:
        done, accuracies = progress["done"], progress["accuracies"]
        if digest in self._running:
            self._running[digest].epochs = done
        self._report_epochs(digest, accuracies)
        for trial in self._open:
            if digest in trial.jobs:
                accuracy = accuracies[-1][1] if trial.first and accuracies else trial.accuracy or None
                index = list(trial.jobs).index(digest)
                self._listener(Moved(trial.number, index + 1, len(trial.jobs), done, accuracy))

    def _report_epochs(self, digest: str, accuracies: Any) -> None:
        """Report each epoch of a trial's first job to the pruner, which may end the trial there."""
        for trial in [each for each in self._open if each.first and next(iter(each.jobs)) == digest]:
            for epoch, accuracy in accuracies:
                if self._search.report(trial.number, int(epoch), float(accuracy)):
                    self._prune(trial)
                    break

    def _apply_known_results(self) -> None:
        """Give every open trial the known results of its next jobs; complete a trial that has all of them."""
        for trial in list(self._open):
            while trial in self._open:
                digest, job = next(trial.missing, ("", None))
                if job is None:
                    self._complete(trial)
                elif digest in self._results:
                    self._advance(trial, digest, job.kind)
                else:
                    break

    def _advance(self, trial: OpenTrial, digest: str, kind: str) -> None:
        result = self._results[digest]
        if kind == "weigh":
            trial.weighed = result
            self._search.note(trial.number, "weighed", dict(result))
            return
        stored = {**result, "reused": True} if digest in self._charged else dict(result)
        self._charged.add(digest)
        self._search.note(trial.number, f"job-{len(trial.results)}", stored)
        trial.results.append(stored)
        if len(trial.results) < len(trial.jobs):
            self._report_mean(trial)

    def _report_mean(self, trial: OpenTrial) -> None:
        """Report the mean accuracy after a complete job, and prune the trial if the pruner says so."""
        if self._search.report(trial.number, len(trial.results) * self._space.longest, trial.accuracy):
            self._prune(trial)

    def _complete(self, trial: OpenTrial) -> None:
        objectives = self._space.tuning.objectives
        self._search.complete(trial.number, [trial.objective(each) for each in objectives])
        self._end(trial)

    def _prune(self, trial: OpenTrial) -> None:
        """End a trial early, and stop the jobs that no other open trial needs."""
        self._cut_jobs_of(trial)
        self._search.prune(trial.number)
        self._end(trial)

    def _cut_jobs_of(self, trial: OpenTrial) -> None:
        others = {digest for each in self._open if each is not trial for digest in each.jobs}
        spent = {"epochs": 0.0, "seconds": 0.0}
        for digest in trial.jobs.keys() & self._running.keys() - others:
            running = self._running[digest]
            running.cut = True
            self._pool.cut(running.job)
            spent["epochs"] += running.epochs
            spent["seconds"] += round(time.monotonic() - running.started, 2)
        self._search.note(trial.number, "cut", spent)

    def _end(self, trial: OpenTrial) -> None:
        self._open.remove(trial)
        front = self._search.front
        best = front[0] if len(self._space.tuning.objectives) == 1 and front else None
        self._listener(TrialEnded(self._search.trials[trial.number], best))
