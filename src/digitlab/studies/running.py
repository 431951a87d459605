"""Run studies: train the missing cells, and write the tables from all cells."""

from __future__ import annotations

import functools
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab import scheduling
from digitlab.scheduling.dispatch import Dispatched, dispatch
from digitlab.shown import Drawn, Tabular
from digitlab.stopping import StopRequest
from digitlab.storage import remove_unfinished
from digitlab.studies.measures import duration
from digitlab.studies.outcome import outcome_of, plan
from digitlab.studies.results import write_results
from digitlab.studies.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from pathlib import Path

    from digitlab.scheduling.protocol import Done, Pool, Watcher
    from digitlab.studies.job import Job
    from digitlab.studies.outcome import Outcome, Planned
    from digitlab.studies.study import Study

__all__ = ["Estimate", "Ran", "Workload", "make_pool", "run_studies", "work_of", "written"]

make_pool = functools.partial(scheduling.make_pool, "digitlab.studies.work")


@dataclass(frozen=True, slots=True)
class Workload:
    """The jobs of a run.

    planned: every job of every study; a job shared by several studies is listed for each
    missing: the jobs without a result, each once; the first repeats of all studies before the second ones
    """

    planned: Sequence[Planned]
    missing: Sequence[Job]


@dataclass(frozen=True, slots=True)
class Ran(Drawn, Tabular):
    """How a run ended, and the outcome of each study."""

    dispatched: Dispatched[Job]
    outcomes: Sequence[Outcome]


def work_of(studies: Sequence[Study], store: Store, repeats: int | None = None, *, quick: bool = False) -> Workload:
    """List the jobs of these studies, and which of them have no result in ``store``."""
    planned = [each for study in studies for each in plan(study, repeats, quick=quick)]
    jobs = {each.job.digest: each.job for each in sorted(planned, key=lambda each: each.repeat)}
    return Workload(planned, [job for job in jobs.values() if store.read(job) is None])


def run_studies(
    studies: Sequence[Study],
    out: Path,
    pool: Callable[[], Pool],
    *,
    repeats: int | None = None,
    quick: bool = False,
    watcher: Watcher = lambda _: None,
    stop: StopRequest | None = None,
) -> Ran:
    """Train the missing cells, store each at once, and write the table, figure and verdicts of every study.

    If it is killed at any moment, the next call resumes with the missing cells. If it is stopped or an engine fails,
    the tables are still written, from the finished cells.

    Args:
        studies: which to run.
        out: the folder of the results, see `digitlab.studies.store`.
        pool: makes the workers, e.g. `make_pool`; not called when nothing is missing.
        repeats: number of seeds or folds of each cell; None: the study's own.
        quick: train on a share of the images, for few epochs; the results are stored separately.
        watcher: called with every message of the workers.
        stop: once it is asked to stop, the run ends early.

    Raises:
        UsageError: for settings that do not exist, before anything is trained.
        StorageError: when results cannot be written; those already stored remain.
        ClusterError: when a cluster does not answer or is gone.
    """
    store = Store.at(out, quick=quick)
    remove_unfinished(store.path / "cells")
    work = work_of(studies, store, repeats, quick=quick)
    dispatched: Dispatched[Job] = Dispatched()

    def keep(job: Job, done: Done) -> None:
        store.keep(job, done.result, done.environment)

    try:
        if work.missing:
            with pool() as workers:
                workers.check(work.missing)
                dispatched = dispatch(work.missing, workers, keep, watcher, stop or StopRequest())
    finally:
        outcomes = written(studies, store, repeats, quick=quick)
    return Ran(dispatched, outcomes)


def written(studies: Sequence[Study], store: Store, repeats: int | None, *, quick: bool) -> list[Outcome]:
    """Write the tables and figures of all studies; returns their outcomes."""
    outcomes = [outcome_of(study, store, repeats, quick=quick) for study in studies]
    for outcome in outcomes:
        if outcome.repeats:
            write_results(outcome, store.folder(outcome.study.name))
    return outcomes


_CORES = 2  # of the machine that `Study.minutes` refers to; a cell is trained on one core
_QUICK_SECONDS = 5.0  # per cell, mostly compilation


def _undisturbed(result: Mapping[str, Any]) -> float:
    """The `duration` of a job in seconds, if every epoch after the first, which compiles, took their median."""
    seconds: list[float] = result.get("history", {}).get("seconds") or [0.0]
    epochs = seconds[1:]
    return duration(result) - sum(epochs) + len(epochs) * statistics.median(epochs or [0.0])


class Estimate:
    """Seconds of every planned job, by digest: the median of its cell's finished repeats, or the study's estimate.

    Medians of repeats and of epochs, as some took minutes longer while the machine was busy or paused.
    """

    def __init__(self, planned: Sequence[Planned], store: Store, *, quick: bool) -> None:
        self._jobs = {each.job.digest: each for each in reversed(planned)}
        self._quick = quick
        records = {digest: store.read(each.job) for digest, each in self._jobs.items()}
        self.missing = {digest for digest, record in records.items() if record is None}
        self._durations: dict[tuple[str, Hashable], list[float]] = {}
        self.more = 0.0  # expected seconds of jobs that are not planned yet
        for digest, record in records.items():
            if record is not None:
                self.note(digest, record["result"])

    def note(self, digest: str, result: Mapping[str, Any]) -> None:
        """Update the estimate for the other repeats of a cell with the duration of a finished job."""
        self.missing.discard(digest)
        each = self._jobs[digest]
        if "seconds" not in result and each.study.task.trains:
            return  # range tests of earlier versions, which did not record their duration
        self._durations.setdefault((each.study.name, each.cell.key), []).append(_undisturbed(result))

    def expect(self, planned: Planned) -> None:
        """Add a job to the estimate."""
        self._jobs.setdefault(planned.job.digest, planned)
        self.missing.add(planned.job.digest)

    def seconds(self, digest: str) -> float:
        """The expected or measured duration of one job."""
        each = self._jobs[digest]
        durations = self._durations.get((each.study.name, each.cell.key))
        if durations:
            return statistics.median(durations)
        return _QUICK_SECONDS if self._quick else 60 * _CORES * each.study.minutes / len(each.study.cells)

    @property
    def left(self) -> float:
        """The expected seconds of all missing jobs in sequence, plus those of jobs that will probably be added."""
        return sum(map(self.seconds, self.missing)) + self.more

    def name(self, digest: str) -> str:
        """A readable name of a job: study, cell, seed."""
        each = self._jobs[digest]
        return f"{each.study.name}: {each.cell.label}, {each.study.task.repeated} {each.repeat}"
