"""The figures of a run, or of a comparison, as files for slides and documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.reports.comparison_page import comparison_drawings
from digitlab.reports.records import Record
from digitlab.reports.run_figures import drawings_of
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitlab.runs import Run

__all__ = ["save_figures"]

_DPI = 300  # a panel is 4.8 inches wide: 1440 pixels, most of a slide


def save_figures(runs: Sequence[Run], folder: Path, *, dark: bool = False) -> list[Path]:
    """Write each figure of a run, or of the comparison of several, into ``folder``: NAME.png and NAME.svg.

    dark: light lines on a dark background

    Raises:
        RunError: when a run has no metrics or predictions, or a file is damaged.
        StorageError: when they cannot be written.
    """
    from digitlab.reports.figures import figure_style, save_figure

    records = [Record.read(run) for run in runs]
    drawings = drawings_of(records[0]) if len(records) == 1 else comparison_drawings(records)
    with saying_what_failed(folder, "make"):
        folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with figure_style(dark=dark):
        for name, drawing in drawings.items():
            figure = drawing.draw()
            for ending in (".png", ".svg"):
                paths.append(folder / f"{name}{ending}")
                save_figure(figure, paths[-1], dpi=_DPI)
    return paths
