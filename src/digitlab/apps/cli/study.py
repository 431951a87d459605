"""`digitlab study`: the published studies, run again."""

from __future__ import annotations

import shutil
import sys
import textwrap
from dataclasses import asdict
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from cyclopts import App

from digitlab.apps.cli.console import advise, in_time, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import counted
from digitlab.jobs import studies as jobs
from digitlab.stopping import StopRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitlab.studies.outcome import Outcome
    from digitlab.studies.running import Ran

app = App(
    "study", help="Run the published studies again, or one of your own.", help_format="plaintext", help_epilogue=""
)

__all__ = ["app"]


@app.command(name="list")
@options_of(jobs.list_studies)
def list_studies(*, json: bool = False, **options: Any) -> int:
    """List the studies: how long each takes, how much of it is done, and what each open conclusion would still cost.

    For example:
    digitlab study list

    Args:
        json: One JSON object per line.
    """
    listing = jobs.list_studies(**options)
    if json:
        for study in listing.studies:
            say_json(asdict(study))
        return 0
    rows = [
        [
            study.study,
            f"{study.done} of {study.trainings}",
            in_time(study.seconds),
            in_time(study.seconds_left) if study.seconds_left else "–",
            study.source,
        ]
        for study in listing.studies
    ]
    say(table_left(["study", "done", "time", "left", ""], rows))
    _say_open([(study.study, conclusion) for study in listing.studies for conclusion in study.open])
    advise(
        f"All of them: {in_time(listing.seconds_left)} left on this machine, shared cells counted once. "
        "`digitlab study run --all --for 60m` trains for an hour; `--until-decided` adds seeds where they decide most."
    )
    return 0


_FEWEST = 2  # repeats from which a spread can be estimated
_BEYOND = 1_000  # seeds; an estimate above this says only that it takes too many


def _say_open(conclusions: Sequence[tuple[str, jobs.ListedConclusion]]) -> None:
    """Print the open conclusions and the cost of each, first those that will probably be decided."""
    groups: dict[str, list[tuple[str, jobs.ListedConclusion]]] = {"waiting": [], "likely": [], "unlikely": []}
    for study, each in conclusions:
        within = each.needed is not None and each.needed <= each.most
        kind = "waiting" if each.seeds < each.planned else "likely" if within else "unlikely"
        groups[kind].append((study, each))
    _say_group(
        "Not judged yet, as planned seeds are missing: {}",
        ["seeds", "planned", "time"],
        [[study, each.seeds, each.planned, in_time(each.seconds), each.text] for study, each in groups["waiting"]],
    )
    _say_group(
        "Open, and probably decided by more seeds: {}",
        ["seeds", "needed", "time"],
        [
            [
                study,
                each.seeds,
                f"{'≥ ' if each.seeds < _FEWEST else ''}{each.needed}",
                in_time(each.seconds),
                f"{each.text}: {each.evidence}",
            ]
            for study, each in groups["likely"]
        ],
    )
    _say_group(
        "Open, and probably still open with the largest number of seeds: {}. The differences are too small for\n"
        "so few seeds; `needed` estimates how many would show them. Folds cannot exceed the largest number.",
        ["seeds", "most", "time", "needed", "time"],
        [
            [study, each.seeds, each.most, _time_of_most(each), *_beyond(each), f"{each.text}: {each.evidence}"]
            for study, each in groups["unlikely"]
        ],
    )


def _say_group(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table of conclusions under a title with their number; nothing if there are none."""
    if rows:
        say()
        say(title.format(len(rows)))
        say()
        say(table_left(["study", *columns, ""], rows))


def _time_of_most(conclusion: jobs.ListedConclusion) -> str:
    return "all done" if conclusion.seeds >= conclusion.most else in_time(conclusion.seconds)


def _beyond(conclusion: jobs.ListedConclusion) -> list[str]:
    if conclusion.repeated == "fold":
        return ["no more", "–"]
    if conclusion.needed is None or conclusion.needed_seconds is None or conclusion.needed > _BEYOND:
        return [f"> {_BEYOND:,}", "–"]
    return [f"{conclusion.needed:,}", in_time(conclusion.needed_seconds)]


_NARROW = 40  # characters: text is not wrapped to a smaller width


def table_left(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Format a `table` whose last column is text: left-aligned, wrapped to a terminal; in a pipe, one line per row."""
    *_, last = zip(*rows, strict=True)
    lines = table(header[:-1], [row[:-1] for row in rows]).splitlines()
    width = max(map(len, lines))
    room = max(shutil.get_terminal_size().columns - width - 2, _NARROW) if sys.stdout.isatty() else sys.maxsize
    return "\n".join(
        f"{start:{width}}  {part}".rstrip()
        for line, words in zip(lines, [header[-1], *last], strict=True)
        for start, part in zip_longest([line], textwrap.wrap(str(words), room) or [""], fillvalue="")
    )


@app.command
@options_of(jobs.run_study)
def run(
    *names: str,
    all: bool = False,  # noqa: A002 - the option's name
    json: bool = False,
    **options: Any,
) -> int:
    """Run studies: train every cell that is missing, and write table, figure and verdicts.

    Each finished cell is saved at once. After Ctrl-C, a kill or a power cut the same command goes on. Cells shared by
    several studies are trained once. Exit code 1 if cells are missing in the end.

    For example:
    digitlab study run thesis-dropout
    digitlab study run thesis-datasets --quick
    digitlab study run --all --for 60m
    digitlab study run pooling --until-decided
    digitlab study run --all --until-decided --background --workers 1
    digitlab study run my-study.py --engine ray --address 10.0.0.5:6379

    Args:
        all: Every published study.
        json: One JSON object per study.
    """
    from digitlab.errors import UsageError

    if bool(names) == all:
        raise UsageError("expected the names of studies, or --all; `digitlab study list` shows them")
    stop = StopRequest()
    with JobView(stop) as view:
        ran = jobs.run_study(*names, **options, listener=view, stop=stop)
    out: Path = options.get("out", jobs.RESULTS)
    for outcome in ran.outcomes:
        if json:
            _say_outcome_json(outcome)
        elif outcome.repeats:
            _say_outcome(outcome)
            folder = out / "quick" if outcome.quick else out
            advise(f"in {folder}/{outcome.study.name}/: table.md, results.json, figure.png")
    return _ending(ran)


def _ending(ran: Ran) -> int:
    dispatched = ran.dispatched
    if dispatched.failed:
        advise(f"cells that failed twice: {len(dispatched.failed)}; the same command retries them")
    if dispatched.left:
        advise(f"cells left: {len(dispatched.left)}; the same command continues")
    return 1 if dispatched.failed or dispatched.left else 0


def _say_outcome(outcome: Outcome) -> None:
    from digitlab.studies.results import QUICK, as_dict, plain_table

    content = as_dict(outcome)
    say()
    say(f"{content['study']}: {content['source']}")
    if outcome.quick:
        say(QUICK)
    say()
    say(table(*plain_table(content)))
    say()
    for conclusion in content["conclusions"]:
        say(f"{conclusion['verdict']:>13}: {conclusion['text']}")
        say(f"{'':13}  {conclusion['evidence']}")


def _say_outcome_json(outcome: Outcome) -> None:
    from digitlab.studies.results import as_dict

    say_json(as_dict(outcome))


@app.command
@options_of(jobs.show_study)
def show(*, json: bool = False, **options: Any) -> int:
    """Show the results of a study: its source, the table, the verdicts. Nothing is trained.

    For example:
    digitlab study show thesis-dropout

    Args:
        json: As one JSON object.
    """
    outcome = jobs.show_study(**options)
    if json:
        _say_outcome_json(outcome)
        return 0
    say(outcome.study.about)
    _say_outcome(outcome)
    if outcome.found < outcome.planned:
        advise(f"{outcome.planned - outcome.found} of {outcome.planned} cells are missing; "
               f"`digitlab study run {options['name']}` trains them")  # fmt: skip
    return 0


@app.command
@options_of(jobs.write_study_page)
def page(**options: Any) -> int:
    """Write the page of all studies: published, measured, verdict.

    For example:
    digitlab study page
    """
    with JobView() as view:
        path, studies = jobs.write_study_page(**options, listener=view)
    advise(f"{counted(studies, 'study', 'studies')}")
    say(str(path))
    return 0
