"""`digitlab study`: the published studies, run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from digitlab.apps.cli.console import advise, in_time, say, say_json, seconds_of, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.studies.outcome import Outcome
    from digitlab.studies.running import Ran

app = App(
    "study", help="Run the published studies again, or one of your own.", help_format="plaintext", help_epilogue=""
)

__all__ = ["app"]

_RESULTS = Path("studies-results")


@app.command(name="list")
def list_studies(*, out: Path = _RESULTS, quick: bool = False, json: bool = False) -> None:
    """List the studies: how long each takes and how much of it is there.

    For example:
    digitlab study list

    Args:
        out: The folder of the results.
        quick: Of quick runs.
        json: One JSON object a line.
    """
    from digitlab.scheduling.local import usual_workers
    from digitlab.studies import find_study, study_names
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
        row: dict[str, Any] = {
            "study": name,
            "source": study.source,
            "cells": len(study.cells),
            "trainings": jobs,
            "done": jobs - len(estimate.missing),
            "seconds": round(sum(estimate.seconds(each.job.digest) for each in planned) / together),
            "seconds_left": round(estimate.left / together),
        }
        rows.append(row)
        if json:
            say_json(row)
    if json:
        return
    shown = [
        [
            row["study"],
            f"{row['done']} of {row['trainings']}",
            in_time(row["seconds"]),
            in_time(row["seconds_left"]) if row["seconds_left"] else "–",
            row["source"],
        ]
        for row in rows
    ]
    say(table_left(["study", "done", "time", "left", ""], shown))
    whole = Estimate(everything, store, quick=quick)
    advise(
        f"All of them: {in_time(whole.left / together)} left on this machine, shared cells counted once. "
        "`digitlab study run --all --for 60m` does an hour of it."
    )


def table_left(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """`table` with its last column to the left: words."""
    *_, last = zip(*rows, strict=True)
    lines = table(header[:-1], [row[:-1] for row in rows]).splitlines()
    width = max(map(len, lines))
    return "\n".join(
        f"{line:{width}}  {words}".rstrip() for line, words in zip(lines, [header[-1], *last], strict=True)
    )


@app.command
def run(
    *names: str,
    all: bool = False,  # noqa: A002 - the option's name
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    seeds: int | None = None,
    quick: bool = False,
    for_: Annotated[str | None, Parameter(name="--for")] = None,
    out: Path = _RESULTS,
    json: bool = False,
) -> int:
    """Run studies: train every cell that is missing, and write table, figure and verdicts.

    Each finished cell is kept at once. After Ctrl-C, a kill or a power cut the same command goes on. Cells that several
    studies share are trained once. Ends with 1 when cells are missing in the end.

    For example:
    digitlab study run thesis-dropout
    digitlab study run thesis-datasets --quick
    digitlab study run --all --for 60m
    digitlab study run my-study.py --engine ray --address 10.0.0.5:6379

    Args:
        names: Studies of `digitlab study list`, or files of your own (.py) that define STUDY.
        all: Every published study.
        engine: local (processes on this machine) or ray (a cluster).
        address: Of a running Ray cluster, HOST:PORT or auto; without it one is started here.
        workers: Processes of the local engine; default: one per processor, and per 2 GB of memory.
        seeds: Repeats (random seeds) of each cell; default: as many as the study asks for.
        quick: Two epochs at most on a twentieth of the images, in less than two minutes; kept apart in OUT/quick, and
            labelled.
        for_: Stop after this time, e.g. 60m, 2h, 30s or plain seconds: long studies can be run in parts.
        out: The folder of the results.
        json: One JSON object per study.
    """
    from digitlab.errors import UsageError
    from digitlab.jobs import run_study
    from digitlab.stopping import StopRequest

    if bool(names) == all:
        raise UsageError("expected the names of studies, or --all; `digitlab study list` shows them")
    seconds, stop = None if for_ is None else seconds_of(for_), StopRequest()
    with JobView(stop) as view:
        ran = run_study(
            *names, out=out, engine=engine, address=address, workers=workers, seeds=seeds, quick=quick,
            seconds=seconds, listener=view, stop=stop,
        )  # fmt: skip
    for outcome in ran.outcomes:
        if json:
            _say_outcome_json(outcome)
        elif outcome.found:
            _say_outcome(outcome)
            advise(f"in {out / 'quick' if quick else out}/{outcome.study.name}/: table.md, results.json, figure.png")
    return _ending(ran)


def _ending(ran: Ran) -> int:
    dispatched = ran.dispatched
    if dispatched.failed:
        advise(f"cells that failed twice: {len(dispatched.failed)}; the same command tries them again")
    if dispatched.left:
        advise(f"cells left to do: {len(dispatched.left)}; the same command goes on")
    return 1 if dispatched.failed or dispatched.left else 0


def _say_outcome(outcome: Outcome) -> None:
    from digitlab.studies.results import QUICK, as_dict, plain_table

    found = as_dict(outcome)
    say()
    say(f"{found['study']}: {found['source']}")
    if outcome.quick:
        say(QUICK)
    say()
    say(table(*plain_table(found)))
    say()
    for each in found["conclusions"]:
        say(f"{each['verdict']:>13}: {each['text']}")
        say(f"{'':13}  {each['evidence']}")


def _say_outcome_json(outcome: Outcome) -> None:
    from digitlab.studies.results import as_dict

    say_json(as_dict(outcome))


@app.command
def show(
    name: str, /, *, seeds: int | None = None, quick: bool = False, out: Path = _RESULTS, json: bool = False
) -> int:
    """Show the results of a study: its source, the table, the verdicts. Nothing is trained.

    For example:
    digitlab study show thesis-dropout

    Args:
        name: A study of `digitlab study list`, or a file of your own.
        seeds: Repeats that there should be; default: as many as the study asks for.
        quick: Of a quick run.
        out: The folder of the results.
        json: As one JSON object.
    """
    from digitlab.studies.catalogue import find_study
    from digitlab.studies.outcome import outcome_of
    from digitlab.studies.store import Store

    outcome = outcome_of(find_study(name), Store.at(out, quick=quick), seeds, quick=quick)
    if json:
        _say_outcome_json(outcome)
        return 0
    say(outcome.study.about)
    _say_outcome(outcome)
    if outcome.found < outcome.planned:
        advise(f"{outcome.planned - outcome.found} of {outcome.planned} cells are missing; "
               f"`digitlab study run {name}` does them")  # fmt: skip
    return 0


@app.command
def page(*, out: Path = _RESULTS, to: Path = Path("docs/reproduction.md")) -> None:
    """Write the page of all studies: published, measured, verdict.

    For example:
    digitlab study page

    Args:
        out: The folder of the results.
        to: The Markdown file.
    """
    from digitlab.studies.page import write_page

    with Waiting() as step:
        step("writing the page of all studies")
        written = write_page(out, to)
    advise(f"{written} studies")
    say(str(to))
