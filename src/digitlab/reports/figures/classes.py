"""Figures by digit: precision and recall as bars, the classification report, comparison of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from digitlab.reports.figures.style import line_styles, palette, panel, styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["classification_report_figure", "precision_recall_bars_figure", "runs_by_digit_figure"]

_SHORT = 4  # letters of a run's name that is short enough for many per row


@styled
def precision_recall_bars_figure(precision: Sequence[float | None], recall: Sequence[float | None]) -> Figure:
    """Two bars per digit (thesis S0, figure 4.4), labelled in per cent, since the axis does not begin at 0.

    None (the precision of a digit never predicted, the recall of an absent one) has a dash instead of a bar.
    """
    figure, axes = panel()
    colours = palette()
    begin = _beginning([*precision, *recall])
    for name, values, colour, aside in (
        ("precision", precision, colours.blue, -0.2),
        ("recall", recall, colours.orange, 0.2),
    ):
        positions = np.arange(len(values)) + aside
        heights = [begin if value is None else value for value in values]
        axes.bar(positions, np.asarray(heights) - begin, 0.36, bottom=begin, color=colour, alpha=0.85, label=name)
        for x, value, height in zip(positions, values, heights, strict=True):
            shown, angle = (" –", 0) if value is None else (f" {100 * value:.1f}", 90)
            axes.text(x, height, shown, rotation=angle, ha="center", va="bottom", fontsize=8.5)
    axes.set_ylim(begin, 1 + 0.22 * (1 - begin))
    ticks = [tick for tick in axes.get_yticks() if begin <= tick <= 1]
    axes.set_yticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    axes.set_xticks(range(len(precision)))
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("digit")
    axes.set_title("Precision and recall")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2, handlelength=1, columnspacing=1)
    return figure


def _beginning(values: Sequence[float | None]) -> float:
    """The start of an axis: as far below the lowest share as that is below 1, rounded; 0 for low shares.

    >>> _beginning([0.991, 0.999]), _beginning([0.96, None, 0.99]), _beginning([0.3])
    (0.98, 0.9, 0.0)
    """
    lowest = min((value for value in values if value is not None), default=0.0)
    return next((1 - step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if 1 - lowest <= 0.55 * step), 0.0)


@styled
def classification_report_figure(report: Mapping[str, Sequence[float | None]], support: Sequence[int]) -> Figure:
    """The metrics of every digit as a tinted table, with macro and weighted averages (report S1, §4.2).

    report: by name, e.g. precision, ten shares, None where undefined. The averages are those of `evaluation.Metrics`:
        over the digits that have images
    """
    columns, rows = [*report, "support"], [*map(str, range(len(support))), "macro avg", "weighted avg"]
    figure, axes = panel(1.6 + 1.05 * len(columns), 0.9 + 0.33 * len(rows), left=1.3, bottom=0.1, right=0.1, top=0.75)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.45, -0.5)
    begin = _beginning([value for values in report.values() for value in values])
    has_images = np.asarray(support) > 0
    for column, values in enumerate(report.values()):
        counted = np.asarray([value or 0.0 for value in values])
        averages = float(counted[has_images].mean()), float(np.average(counted, weights=support))
        for row, value in enumerate([*values, *averages]):
            _tinted(axes, (column, row), value, begin, bold=row >= len(support))
    for row, count in enumerate([*support, sum(support), sum(support)]):
        axes.text(columns.index("support"), row, f"{count:,}", ha="center", va="center", color=palette().quiet)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.xaxis.tick_top()
    axes.set_title("Classification report", pad=26, x=-0.55 / len(columns))
    axes.axhline(len(support) - 0.5, color=palette().quiet, linewidth=0.8)
    return figure


def _tinted(axes: Axes, at: tuple[int, int], value: float | None, begin: float, *, bold: bool) -> None:
    column, row = at
    if value is None:
        axes.text(column, row, "–", ha="center", va="center", color=palette().quiet)
        return
    alpha = 0.65 * (1 - value) / (1 - min(begin, value))  # stronger for lower values
    axes.add_patch(
        Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, facecolor=palette().orange, alpha=alpha, linewidth=0)
    )
    axes.text(column, row, f"{value:.4f}", ha="center", va="center", weight="bold" if bold else "normal")


@styled
def runs_by_digit_figure(values: Mapping[str, Sequence[float | None]], name: str) -> Figure:
    """A metric of each digit, e.g. recall, for several runs: one dot per run, side by side over each digit.

    values: by run name, ten shares; no dot for None
    """
    columns = 2 if max(map(len, values)) > _SHORT else 8
    rows = -(-len(values) // columns)
    figure, axes = panel(height=3.3 + 0.24 * rows, top=0.4 + 0.24 * rows)
    for number, ((run, shares), style) in enumerate(zip(values.items(), line_styles(len(values)), strict=True)):
        aside = 0.6 * ((number + 0.5) / len(values) - 0.5)
        marker = "osD^v"[number // len(palette().series) % 5]
        heights = np.asarray(shares, float)  # None becomes NaN, which is not drawn
        axes.plot(np.arange(len(shares)) + aside, heights, marker, color=style["color"], markersize=6, label=run)
    for x in np.arange(0.5, 9):
        axes.axvline(x, color=palette().line, linewidth=0.8)
    axes.set_xticks(range(10))
    axes.set_xlim(-0.5, 9.5)
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("digit")
    axes.set_title(f"{name} of each digit", y=1, pad=8 + 17 * rows)
    axes.legend(
        axes.lines[: len(values)],  # explicit, since matplotlib skips names that begin with _
        list(values),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        borderaxespad=0.2,
        handletextpad=0.1,
        columnspacing=0.8,
        handlelength=1.2,
    )
    return figure
