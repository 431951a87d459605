"""`digitlab runs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.options import options_of
from digitlab.errors import counted
from digitlab.jobs import run_list as jobs

if TYPE_CHECKING:
    from digitlab.jobs.run_list import RunTable

__all__ = ["runs"]


@options_of(jobs.list_runs)
def runs(*, compare: bool = False, html: Path | None = None, json: bool = False, **options: Any) -> int:
    """List the runs in a folder: a table, sorted and filtered; compare them; or one page about all of them.

    Exit code 1 when no run is listed.

    For example:
    digitlab runs
    digitlab runs --sort accuracy --where 'accuracy > 0.99' --where 'architecture = fast-cnn'
    digitlab runs --where 'name ~ fast' --compare
    digitlab runs --html runs.html

    Args:
        compare: Compare the listed runs, as `digitlab compare` does.
        html: Write one page about them, sortable by clicking, with their learning curves and links to their reports.
        json: All that is known about each run, as one JSON object.
    """
    run_table = jobs.list_runs(**options)
    if html is not None:
        from digitlab.reports.runs_page import write_runs

        write_runs(run_table, html)
    if json:
        say_json(run_table.as_dict())
    else:
        _show(run_table)
    if html is not None:
        advise(f"look at {html}")
    if compare and not json:
        say()
        _compare(run_table)
    return 0 if run_table.rows else 1


def _show(run_table: RunTable) -> None:
    for reason in run_table.left_out:
        advise(f"left out: {reason}")
    if not run_table.rows:
        none_meets = f"{run_table.folder}: none of {run_table.found} runs meets all conditions"
        advise(none_meets if run_table.found else "no runs yet")
        return
    head, rows = run_table.as_texts()
    say(table(head, rows))
    if len(rows) < run_table.found:
        advise(f"{len(rows)} of {counted(run_table.found, 'run')}")


def _compare(run_table: RunTable) -> None:
    from digitlab.apps.cli.compare import compare

    compare(*run_table.comparable)
