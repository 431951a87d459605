"""The published studies, or one of your own: run, list, show, and write as a page."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from digitlab.errors import UsageError
from digitlab.jobs.events import StudiesBegan, Work, ignore
from digitlab.jobs.searches import Duration, Engine, limited
from digitlab.scheduling import ENGINES
from digitlab.settings import Range, Setting, checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.jobs.events import Listener
    from digitlab.stopping import StopRequest
    from digitlab.studies.outcome import Outcome
    from digitlab.studies.running import Ran
    from digitlab.studies.study import Study

__all__ = [
    "RESULTS", "ListedConclusion", "ListedStudy", "StudyList", "cost_in_words", "list_studies", "run_study",
    "show_study", "write_study_page",
]  # fmt: skip

RESULTS = Path("studies-results")

Repeats = Annotated[int | None, Setting(within=Range(1))]


@dataclass(frozen=True, slots=True)
class ListedConclusion:
    """A conclusion that the seeds so far do not decide.

    seeds: the smallest number that one of its cells has; planned: by the study; most: maximum in the study
    repeated: "seed", or "fold" if the number of folds is the limit
    needed: number that will probably decide it, possibly more than ``most``; None if no number will
    needed_seconds: time that these take on this machine
    seconds: the same, but for ``most`` at most: what `study run --until-decided` spends on it at most
    """

    text: str
    evidence: str
    seeds: int
    planned: int
    most: int
    repeated: str
    needed: int | None
    needed_seconds: int | None
    seconds: int


@dataclass(frozen=True, slots=True)
class ListedStudy:
    """A study, and how much of it is done.

    done: number of its trainings that are done
    seconds: time for all of it on this machine; seconds_left: of these, for what is missing
    open: its undecided conclusions, cheapest first
    """

    study: str
    source: str
    cells: int
    trainings: int
    done: int
    seconds: int
    seconds_left: int
    open: tuple[ListedConclusion, ...] = ()


@dataclass(frozen=True, slots=True)
class StudyList:
    """All studies; ``seconds_left``: for all of them, with shared cells counted once."""

    studies: tuple[ListedStudy, ...]
    seconds_left: float


@checked
def run_study(
    *names: str,
    out: Path = RESULTS,
    engine: Engine = ENGINES[0],
    address: str | None = None,
    workers: int | None = None,
    background: bool = False,
    seeds: Repeats = None,
    quick: bool = False,
    until_decided: bool = False,
    most: Repeats = None,
    seconds: Duration = None,
    listener: Listener = ignore,
    stop: StopRequest | None = None,
) -> Ran:
    """Run studies: train every cell that is missing, and write table, figure and verdicts of each.

    Args:
        names: studies in `digitlab study list`, or files of your own (.py) that define STUDY; none: all published ones.
        out: the folder of the results.
        engine: where the trainings run: local (processes on this machine) or ray (a cluster).
        address: address of a running Ray cluster, HOST:PORT or auto; default: one is started here.
        workers: processes of the local engine; default: one per CPU core, and per 2 GB of memory.
        background: give the workers of the local engine the lowest priority (not on Windows) and bind each to one core
            (Linux only). With --workers 1 all other cores stay free. To go on whenever the machine is idle, run the
            same command again.
        seeds: repeats (random seeds) of each cell; default: as many as the study specifies.
        quick: at most two epochs on a twentieth of the images, in less than two minutes; kept separately in OUT/quick,
            and labelled.
        until_decided: then add seeds one by one where they help most, until each conclusion holds, does not hold, or
            is shown to make no relevant difference.
        most: maximum repeats of a cell with --until-decided; default: as the study specifies, 30 or its folds.
        seconds: stop after this time, e.g. 60m, 2h, 30s or plain seconds: long studies can be run in parts.
        listener: called with `StudiesBegan`, then with events of `digitlab.scheduling.protocol`.
        stop: if called, it ends after the batches under way.

    Raises:
        UsageError: for a study that does not exist, or wrong settings, before anything is trained.
        StorageError: if results cannot be written; what was kept so far stays.
        ClusterError: if a cluster does not respond or is gone.
    """
    from digitlab.studies.catalogue import find_study, study_names
    from digitlab.studies.deciding import run_until_decided
    from digitlab.studies.running import make_pool, run_studies

    if until_decided and (quick or seeds is not None):
        raise UsageError("--until-decided chooses the seeds itself; leave out --quick and --seeds")
    if most is not None and not until_decided:
        raise UsageError("--most limits the seeds of --until-decided; add --until-decided, or use --seeds instead")
    studies = [find_study(name) for name in names or study_names()]
    plan = _plan(studies, out, seeds, most, quick=quick, until_decided=until_decided)
    listener(plan)
    pool = functools.partial(make_pool, engine, workers=workers, address=address, background=background)
    stop = limited(stop, seconds)
    if until_decided:
        return run_until_decided(studies, out, pool, estimate=plan.estimate, most=most, watcher=listener, stop=stop)
    return run_studies(studies, out, pool, repeats=seeds, quick=quick, watcher=listener, stop=stop)


def _plan(
    studies: Sequence[Study], out: Path, seeds: int | None, most: int | None, *, quick: bool, until_decided: bool
) -> StudiesBegan:
    """Determine what is to be trained, and how long that takes."""
    from digitlab.studies.deciding import open_conclusions
    from digitlab.studies.outcome import outcome_of
    from digitlab.studies.running import Estimate, work_of
    from digitlab.studies.store import Store

    store = Store.at(out, quick=quick)
    work = work_of(studies, store, seeds, quick=quick)
    cells = len({each.job.digest for each in work.planned})
    estimate = Estimate(work.planned, store, quick=quick)
    undecided = None
    if until_decided:
        undecided = sum(len(open_conclusions(outcome_of(study, store), estimate, most)) for study in studies)
    return StudiesBegan(estimate, len(work.missing), cells, store.path, undecided)


def list_studies(*, out: Path = RESULTS, quick: bool = False) -> StudyList:
    """List the published studies: how long each takes, how much of it is done, and what is still open.

    Args:
        out: the folder of the results.
        quick: list the quick runs.
    """
    from digitlab.scheduling.local import usual_workers
    from digitlab.studies.catalogue import find_study, study_names
    from digitlab.studies.deciding import open_conclusions
    from digitlab.studies.outcome import outcome_of, plan
    from digitlab.studies.running import Estimate
    from digitlab.studies.store import Store

    store, rows, all_planned, worker_count = Store.at(out, quick=quick), [], [], usual_workers()
    for name in study_names():
        study = find_study(name)
        planned = plan(study, quick=quick)
        all_planned += planned
        estimate = Estimate(planned, store, quick=quick)
        jobs = len({each.job.digest for each in planned})
        seconds = round(sum(estimate.seconds(each.job.digest) for each in planned) / worker_count)
        done, seconds_left = jobs - len(estimate.missing), round(estimate.left / worker_count)
        undecided = () if quick else open_conclusions(outcome_of(study, store), estimate)
        listed = tuple(
            ListedConclusion(
                text=each.text,
                evidence=each.evidence,
                seeds=each.repeats,
                planned=each.planned,
                most=each.most,
                repeated=study.task.repeated,
                needed=int(each.decisive) if math.isfinite(each.decisive) else None,
                needed_seconds=round(each.decisive_seconds / worker_count) if math.isfinite(each.decisive) else None,
                seconds=round(each.seconds / worker_count),
            )
            for each in undecided
        )
        rows.append(ListedStudy(name, study.source, len(study.cells), jobs, done, seconds, seconds_left, listed))
    return StudyList(tuple(rows), Estimate(all_planned, store, quick=quick).left / worker_count)


@checked
def show_study(name: str, *, seeds: Repeats = None, quick: bool = False, out: Path = RESULTS) -> Outcome:
    """Return the results of a study, as far as they exist. Nothing is trained.

    Args:
        name: a study from `digitlab study list`, or a file of your own.
        seeds: number of repeats expected; default: as many as the study specifies.
        quick: show a quick run.
        out: the folder of the results.

    Raises:
        UsageError: for a study that does not exist.
    """
    from digitlab.studies.catalogue import find_study
    from digitlab.studies.outcome import outcome_of
    from digitlab.studies.store import Store

    return outcome_of(find_study(name), Store.at(out, quick=quick), seeds, quick=quick)


def write_study_page(
    *, out: Path = RESULTS, to: Path = Path("docs/reproduction.md"), listener: Listener = ignore
) -> tuple[Path, int]:
    """Write the page about all studies (published, measured, verdict); return its path, and the number of studies.

    Args:
        out: the folder of the results.
        to: the Markdown file.
        listener: called with `Work`.

    Raises:
        UsageError: if there are no results.
        RunError: if they are damaged.
        StorageError: if the page cannot be written.
    """
    from digitlab.studies.page import write_page

    listener(Work("writing the page of all studies"))
    costs = {
        (study.study, each.text): cost_in_words(each) for study in list_studies(out=out).studies for each in study.open
    }
    return to, write_page(out, to, costs)


def cost_in_words(conclusion: ListedConclusion) -> str:
    """Describe what deciding an open conclusion would cost."""
    if conclusion.seeds < conclusion.planned:
        return f"Not all of its {conclusion.planned} {conclusion.repeated}s are there: {_duration(conclusion.seconds)}."
    if conclusion.seeds < _FEWEST <= conclusion.most:
        return f"It can be judged from {_FEWEST} {conclusion.repeated}s on: {_duration(conclusion.seconds)}."
    if conclusion.needed is not None and conclusion.needed <= conclusion.most:
        return f"About {conclusion.needed} {conclusion.repeated}s would decide it: {_duration(conclusion.seconds)}."
    if conclusion.seeds >= conclusion.most:
        outlook = f"All {conclusion.most} {conclusion.repeated}s are there"
    else:
        outlook = (
            f"{conclusion.most} {conclusion.repeated}s ({_duration(conclusion.seconds)}) would probably not decide it"
        )
    if (
        conclusion.repeated == "fold"
        or conclusion.needed is None
        or conclusion.needed_seconds is None
        or conclusion.needed > _BEYOND
    ):
        return f"{outlook}: the difference, or its distance from the margin, is too small."
    return f"{outlook}; about {conclusion.needed:,} might ({_duration(conclusion.needed_seconds)})."


_FEWEST = 2  # repeats needed to estimate their spread
_BEYOND = 1_000  # larger estimates say only that it is too many


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{max(1, round(seconds / 60))} min"
