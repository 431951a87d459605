"""A page about a run, or one that compares several; and its figures as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from digitlab.errors import UsageError
from digitlab.jobs.events import Listener, Work, ignore
from digitlab.runs import Run

__all__ = ["Reported", "report"]


@dataclass(frozen=True, slots=True)
class Reported:
    """Files that were written: the page, and the figures."""

    page: Path
    figures: tuple[Path, ...] = ()


def report(
    *runs: str | Path,
    out: Path | None = None,
    figures: Path | None = None,
    dark: bool = False,
    listener: Listener = ignore,
) -> Reported:
    """Write a page about a run from its files, or one page that compares several.

    The page is one self-contained file that can be opened in a browser, printed, or sent to somebody.

    Args:
        runs: a run folder, or several; their evaluations/NAME are run folders as well.
        out: the page's file; default: report.html in the run folder and, for several runs, comparison-<time>.html
            next to the first run.
        figures: a folder into which each figure is also written: NAME.png for slides, 300 dpi, and NAME.svg.
        dark: draw those figures with light lines on a dark background. The page itself adapts to the reader's screen.
        listener: called with `Work`.

    Raises:
        UsageError: for no run, or ``dark`` without ``figures``.
        RunError: if a run is missing, damaged or not finished yet.
        StorageError: if a file cannot be written.
    """
    if not runs:
        raise UsageError("report: no run folder given; expected one or more, e.g. digitlab report runs/2026-…")
    if dark and figures is None:
        raise UsageError("--dark is for the figures of --figures DIR; the page follows its reader's screen by itself")
    opened = [Run.open(Path(path)) for path in runs]
    listener(Work("writing the page"))
    from digitlab.reports import comparison_path, save_figures, write_comparison, write_report

    if len(opened) == 1:
        page = out or opened[0].report
        write_report(opened[0], page)
    else:
        page = out or comparison_path(opened)
        write_comparison(opened, page)
    if figures is None:
        return Reported(page)
    listener(Work("drawing the figures"))
    return Reported(page, tuple(save_figures(opened, figures, dark=dark)))
