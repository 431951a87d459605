"""Digit by digit: precision and recall as bars, the classification report, runs beside each other."""

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

_SHORT = 4  # letters of a run's name, of which many go into a row


@styled
def precision_recall_bars_figure(precision: Sequence[float], recall: Sequence[float]) -> Figure:
    """Two bars a digit (S0, figure 4.4). The axis begins near the lowest, so each bar bears its number, in per cent."""
    figure, axes = panel()
    colours = palette()
    begin = _beginning([*precision, *recall])
    for name, values, colour, aside in (
        ("precision", precision, colours.blue, -0.2),
        ("recall", recall, colours.orange, 0.2),
    ):
        places = np.arange(len(values)) + aside
        axes.bar(places, np.asarray(values) - begin, 0.36, bottom=begin, color=colour, alpha=0.85, label=name)
        for place, value in zip(places, values, strict=True):
            axes.text(place, value, f" {100 * value:.1f}", rotation=90, ha="center", va="bottom", fontsize=8.5)
    axes.set_ylim(begin, 1 + 0.22 * (1 - begin))
    ticks = [tick for tick in axes.get_yticks() if begin <= tick <= 1]
    axes.set_yticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    axes.set_xticks(range(len(precision)))
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("digit")
    axes.set_title("Precision and recall")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2, handlelength=1, columnspacing=1)
    return figure


def _beginning(values: Sequence[float]) -> float:
    """Where an axis of shares begins: as far below the lowest as it is below 1, on a round number; 0 for low ones.

    >>> _beginning([0.991, 0.999]), _beginning([0.96, 0.99]), _beginning([0.3])
    (0.98, 0.9, 0.0)
    """
    return next((1 - step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if 1 - min(values) <= 0.55 * step), 0.0)


@styled
def classification_report_figure(report: Mapping[str, Sequence[float]], support: Sequence[int]) -> Figure:
    """The numbers of every digit as a tinted table; last, their means, plain and weighted by images (S1, §4.2).

    report: by its name, e.g. precision, a column of ten shares
    """
    columns, rows = [*report, "images"], [*map(str, range(len(support))), "mean", "weighted"]
    figure, axes = panel(1.3 + 1.05 * len(columns), 0.9 + 0.33 * len(rows), left=1, bottom=0.1, right=0.1, top=0.75)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.45, -0.5)
    begin = _beginning([min(values) for values in report.values()])
    for column, values in enumerate(report.values()):
        for row, value in enumerate([*values, float(np.mean(values)), float(np.average(values, weights=support))]):
            _tinted(axes, (column, row), value, (value - begin) / (1 - begin), bold=row >= len(support))
    for row, count in enumerate([*support, sum(support), sum(support)]):
        axes.text(columns.index("images"), row, f"{count:,}", ha="center", va="center", color=palette().quiet)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.xaxis.tick_top()
    axes.set_title("Classification report", pad=26, x=-0.55 / len(columns))
    axes.axhline(len(support) - 0.5, color=palette().quiet, linewidth=0.8)
    return figure


def _tinted(axes: Axes, at: tuple[int, int], value: float, height: float, *, bold: bool) -> None:
    column, row = at
    low = palette().orange  # the worse, the stronger
    axes.add_patch(
        Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, facecolor=low, alpha=0.65 * (1 - height), linewidth=0)
    )
    axes.text(column, row, f"{value:.4f}", ha="center", va="center", weight="bold" if bold else "normal")


@styled
def runs_by_digit_figure(values: Mapping[str, Sequence[float]], name: str) -> Figure:
    """A number of each digit, e.g. recall, of several runs: a dot a run, side by side over each digit.

    values: by the run's name, ten shares
    """
    columns = 2 if max(map(len, values)) > _SHORT else 8
    rows = -(-len(values) // columns)
    figure, axes = panel(height=3.3 + 0.24 * rows, top=0.4 + 0.24 * rows)
    for number, ((run, shares), style) in enumerate(zip(values.items(), line_styles(len(values)), strict=True)):
        aside = 0.6 * ((number + 0.5) / len(values) - 0.5)
        marker = "osD^v"[number // len(palette().series) % 5]
        axes.plot(np.arange(len(shares)) + aside, shares, marker, color=style["color"], markersize=6, label=run)
    for place in np.arange(0.5, 9):
        axes.axvline(place, color=palette().line, linewidth=0.8)
    axes.set_xticks(range(10))
    axes.set_xlim(-0.5, 9.5)
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("digit")
    axes.set_title(f"{name} of each digit", y=1, pad=8 + 17 * rows)
    axes.legend(
        axes.lines[: len(values)],  # given, because a name that begins with _ would be left out otherwise
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
