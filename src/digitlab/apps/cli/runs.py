"""`digitlab runs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise, say, say_json, table

if TYPE_CHECKING:
    from digitlab.jobs import RunTable

__all__ = ["runs"]


def runs(
    folder: Path = Path("runs"),
    /,
    *,
    where: list[str] | None = None,
    sort: str = "date",
    reverse: bool = False,
    compare: bool = False,
    html: Path | None = None,
    json: bool = False,
) -> int:
    """List the runs in a folder: a table, sorted and filtered; compare them; or one page about all of them.

    Ends with 1 when no run is listed.

    For example:
    digitlab runs
    digitlab runs --sort accuracy --where 'accuracy > 0.99' --where 'architecture = fast-cnn'
    digitlab runs --where 'name ~ fast' --compare
    digitlab runs --html runs.html

    Args:
        folder: A folder of run folders.
        where: List only runs that meet this: NAME, one of = != < > <= >= ~ (contains), and a value. NAME is a metric, a
            setting, or name, date, kind, seconds. Given several times, all are to be met.
        sort: The column to sort by; the newest, the most accurate and the least log loss come first.
        reverse: The other way round.
        compare: Compare those that are listed as `digitlab compare` does.
        html: Write one page about them, to sort by clicking, with their learning curves and links to their reports.
        json: All that is known of each as one JSON object.
    """
    from digitlab.jobs import list_runs

    found = list_runs(folder, where=where or (), sort=sort, reverse=reverse)
    if html is not None:
        from digitlab.reports.runs_page import write_runs

        write_runs(found, html)
    if json:
        say_json(found.as_dict())
    else:
        _show(found)
    if html is not None:
        advise(f"look at {html}")
    if compare and not json:
        say()
        _compare(found)
    return 0 if found.rows else 1


def _show(found: RunTable) -> None:
    for reason in found.left_out:
        advise(f"left out: {reason}")
    if not found.rows:
        advise(f"{found.folder}: none of {found.found} runs meets all conditions" if found.found else "no runs yet")
        return
    head, rows = found.as_texts()
    say(table(head, rows))
    if len(rows) < found.found:
        advise(f"{len(rows)} of {found.found} runs")


def _compare(found: RunTable) -> None:
    from digitlab.apps.cli.compare import compare

    compare(*found.comparable)
