"""The published studies, or one of your own: run, listed, shown, and written as a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from digitlab.jobs.events import StudiesBegan, Work, ignore
from digitlab.jobs.searches import Duration, Engine, limited
from digitlab.scheduling import ENGINES
from digitlab.settings import Range, Setting, checked

if TYPE_CHECKING:
    from digitlab.jobs.events import Listener
    from digitlab.stopping import StopRequest
    from digitlab.studies.outcome import Outcome
    from digitlab.studies.running import Ran

__all__ = ["RESULTS", "ListedStudy", "StudyList", "list_studies", "run_study", "show_study", "write_study_page"]

RESULTS = Path("studies-results")

Repeats = Annotated[int | None, Setting(within=Range(1))]


@dataclass(frozen=True, slots=True)
class ListedStudy:
    """A study, and how much of it is there.

    done: of its trainings
    seconds: that all of it takes on this machine; seconds_left: of these, for what is missing
    """

    study: str
    source: str
    cells: int
    trainings: int
    done: int
    seconds: int
    seconds_left: int


@dataclass(frozen=True, slots=True)
class StudyList:
    """All studies; ``seconds_left`` for all of them, shared cells counted once."""

    studies: tuple[ListedStudy, ...]
    seconds_left: float


@checked
def run_study(
    *names: str,
    out: Path = RESULTS,
    engine: Engine = ENGINES[0],
    address: str | None = None,
    workers: int | None = None,
    seeds: Repeats = None,
    quick: bool = False,
    seconds: Duration = None,
    listener: Listener = ignore,
    stop: StopRequest | None = None,
) -> Ran:
    """Run studies: train every cell that is missing, and write table, figure and verdicts of each.

    Args:
        names: studies of `digitlab study list`, or files of your own (.py) that define STUDY; none: all published ones.
        out: the folder of the results.
        engine: where the trainings run: local (processes on this machine) or ray (a cluster).
        address: of a running Ray cluster, HOST:PORT or auto; without it one is started here.
        workers: processes of the local engine; default: one per processor, and per 2 GB of memory.
        seeds: repeats (random seeds) of each cell; default: as many as the study asks for.
        quick: two epochs at most on a twentieth of the images, in less than two minutes; kept apart in OUT/quick, and
            labelled.
        seconds: stop after this time, e.g. 60m, 2h, 30s or plain seconds: long studies can be run in parts.
        listener: told of `StudiesBegan`, then of `digitlab.scheduling.protocol`.
        stop: asked to, it ends after the batches under way.

    Raises:
        UsageError: for a study that does not exist, or wrong settings, before anything is trained.
        StorageError: when results cannot be written; what was kept stays.
        ClusterError: when a cluster does not answer or is gone.
    """
    from digitlab.studies.catalogue import find_study, study_names
    from digitlab.studies.running import Estimate, make_pool, run_studies, work_of
    from digitlab.studies.store import Store

    studies = [find_study(name) for name in names or study_names()]
    store = Store.at(out, quick=quick)
    work = work_of(studies, store, seeds, quick=quick)
    cells = len({each.job.digest for each in work.planned})
    listener(StudiesBegan(Estimate(work.planned, store, quick=quick), len(work.missing), cells, store.path))
    return run_studies(
        studies,
        out,
        lambda: make_pool(engine, workers=workers, address=address),
        repeats=seeds,
        quick=quick,
        watcher=listener,
        stop=limited(stop, seconds),
    )


def list_studies(*, out: Path = RESULTS, quick: bool = False) -> StudyList:
    """List the published studies: how long each takes and how much of it is there.

    Args:
        out: the folder of the results.
        quick: list the quick runs.
    """
    from digitlab.scheduling.local import usual_workers
    from digitlab.studies.catalogue import find_study, study_names
    from digitlab.studies.outcome import plan
    from digitlab.studies.running import Estimate
    from digitlab.studies.store import Store

    store, rows, everything, together = Store.at(out, quick=quick), [], [], usual_workers()
    for name in study_names():
        study = find_study(name)
        planned = plan(study, quick=quick)
        everything += planned
        estimate = Estimate(planned, store, quick=quick)
        jobs = len({each.job.digest for each in planned})
        seconds = round(sum(estimate.seconds(each.job.digest) for each in planned) / together)
        done, left = jobs - len(estimate.missing), round(estimate.left / together)
        rows.append(ListedStudy(name, study.source, len(study.cells), jobs, done, seconds, left))
    return StudyList(tuple(rows), Estimate(everything, store, quick=quick).left / together)


@checked
def show_study(name: str, *, seeds: Repeats = None, quick: bool = False, out: Path = RESULTS) -> Outcome:
    """The results of a study, as far as they are there. Nothing is trained.

    Args:
        name: a study of `digitlab study list`, or a file of your own.
        seeds: repeats that there should be; default: as many as the study asks for.
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
    """Write the page of all studies (published, measured, verdict); returns where it is, and how many there are.

    Args:
        out: the folder of the results.
        to: the Markdown file.
        listener: told of `Work`.

    Raises:
        UsageError: where there are no results.
        RunError: when they are damaged.
        StorageError: when the page cannot be written.
    """
    from digitlab.studies.page import write_page

    listener(Work("writing the page of all studies"))
    return to, write_page(out, to)
