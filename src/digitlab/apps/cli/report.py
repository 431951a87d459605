"""`digitlab report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.apps.cli.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.runs import Run

__all__ = ["report"]


def report(
    *runs: Path, out: Path | None = None, figures: Path | None = None, dark: bool = False, json: bool = False
) -> int:
    """Write a page about a run from its files, or one page that compares several.

    A page is one self-contained file: to be opened in a browser, printed, or sent to somebody.

    For example:
    digitlab report runs/2026-…-thesis-2conv
    digitlab report runs/2026-…-thesis-2conv runs/2026-…-final-cnn
    digitlab report runs/2026-…-final-cnn --figures slides

    Args:
        runs: A run folder, or several; their evaluations/NAME are run folders as well.
        out: The page's file; default: report.html in the run folder and, for several runs, comparison-<time>.html
            beside the first.
        figures: A folder into which each figure is written too: NAME.png for slides, 300 dots per inch, and NAME.svg.
        dark: Those figures with light lines on a dark background. The page follows its reader's screen by itself.
        json: Where everything was written, as one JSON object.
    """
    from digitlab.errors import UsageError
    from digitlab.runs import Run

    if not runs:
        raise UsageError("report: no run folder given; expected one or more, e.g. digitlab report runs/2026-…")
    if dark and figures is None:
        raise UsageError("--dark is for the figures of --figures DIR; the page follows its reader's screen by itself")
    opened = [Run.open(path) for path in runs]
    with Waiting() as step:
        step("writing the page")
        page = _write_page(opened, out)
        if figures is not None:
            step("drawing the figures")
        drawn = _draw(opened, figures, dark=dark) if figures is not None else []
    if json:
        say_json({"report": str(page), "figures": [str(path) for path in drawn]})
        return 0
    if drawn:
        advise(f"{len(drawn)} files in {figures}")
    say(str(page))
    return 0


def _write_page(runs: Sequence[Run], out: Path | None) -> Path:
    from digitlab.reports import comparison_path, write_comparison, write_report

    if len(runs) == 1:
        page = out or runs[0].report
        write_report(runs[0], page)
    else:
        page = out or comparison_path(runs)
        write_comparison(runs, page)
    return page


def _draw(runs: Sequence[Run], folder: Path, *, dark: bool) -> list[Path]:
    from digitlab.reports import save_figures

    return save_figures(runs, folder, dark=dark)
