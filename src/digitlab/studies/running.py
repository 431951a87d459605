"""Studies from their files to their tables: what is missing is done, what is there is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.stopping import StopRequest
from digitlab.storage import remove_unfinished
from digitlab.studies.dispatch import Dispatched, dispatch
from digitlab.studies.outcome import outcome_of, plan
from digitlab.studies.results import write_results
from digitlab.studies.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from digitlab.studies.dispatch import Pool
    from digitlab.studies.job import Job
    from digitlab.studies.messages import Done, Watcher
    from digitlab.studies.outcome import Outcome, Planned
    from digitlab.studies.study import Study

__all__ = ["Ran", "Work", "run_studies", "work_of"]


@dataclass(frozen=True, slots=True)
class Work:
    """What a run is about.

    planned: every job of every study; one that several studies share stands there for each
    missing: the jobs to do, each once: the first repeats of all studies before the second
    """

    planned: Sequence[Planned]
    missing: Sequence[Job]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended, and what is known of each study now."""

    dispatched: Dispatched
    outcomes: Sequence[Outcome]


def work_of(studies: Sequence[Study], store: Store, repeats: int | None = None, *, quick: bool = False) -> Work:
    """What there is to do."""
    planned = [each for study in studies for each in plan(study, repeats, quick=quick)]
    jobs = {each.job.digest: each.job for each in sorted(planned, key=lambda each: each.repeat)}
    return Work(planned, [job for job in jobs.values() if store.read(job) is None])


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
    """Do what is missing, keep each cell at once, and write the table, figure and verdicts of every study.

    Killed at any moment, it goes on with what is missing when it is called again. The tables are also written when it
    is stopped or an engine fails, from what there is.

    Args:
        studies: which.
        out: the folder of the results, see `digitlab.studies.store`.
        pool: makes the workers; not called when nothing is missing.
        repeats: seeds or folds of each cell; None: what the study asks for.
        quick: a share of the images, few epochs; kept apart.
        watcher: told of everything that happens.
        stop: asked to, or at its time, it ends early.

    Raises:
        UsageError: for settings that do not exist, before anything is trained.
        StorageError: when results cannot be written; what was kept stays.
        ClusterError: when a cluster does not answer or is gone.
    """
    store = Store.at(out, quick=quick)
    remove_unfinished(store.path / "cells")
    work = work_of(studies, store, repeats, quick=quick)
    dispatched = Dispatched()

    def keep(done: Done) -> None:
        store.keep(done.job, done.result, {**done.environment})

    try:
        if work.missing:
            with pool() as workers:
                workers.check(work.missing)
                dispatched = dispatch(work.missing, workers, keep, watcher, stop or StopRequest())
    finally:
        outcomes = [outcome_of(study, store, repeats, quick=quick) for study in studies]
        for outcome in outcomes:
            if outcome.found:
                write_results(outcome, store.folder(outcome.study.name))
    return Ran(dispatched, outcomes)
