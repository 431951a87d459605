"""Figures of hyperparameter searches: trials in order, and Pareto fronts."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from digitlab.reports.figures.style import canvas, palette, panel, styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

__all__ = ["front_figure", "trials_figure"]

_WIDTH, _HEIGHT = 4.8, 3.7  # inches


@styled
def trials_figure(
    numbers: Sequence[int],
    values: Sequence[float | None],
    complete: Sequence[bool],
    objective: str,
    *,
    more_is_better: bool = True,
) -> Figure:
    """Trials in order: complete ones as dots, pruned ones as crosses where they ended.

    The line is the best complete trial so far. Pruned trials far below may be outside.
    """
    figure, axes = panel(7.2, 3.7, bottom=0.95)
    colours = palette()
    numeric = np.asarray([np.nan if value is None else value for value in values], float)
    whole = np.asarray(complete, bool)
    positions = np.asarray(numbers)
    marks = []
    if (~whole).any():
        marks += axes.plot(positions[~whole], numeric[~whole], "x", color=colours.quiet, markersize=5, label="pruned")
    marks += axes.plot(positions[whole], numeric[whole], "o", color=colours.blue, markersize=5, label="complete")
    if whole.any():
        best = list(accumulate(numeric[whole], max if more_is_better else min))
        until = [*positions[whole], positions.max()]
        marks += axes.step(until, [*best, best[-1]], where="post", color=colours.orange, label="best so far")
        shown = numeric[whole]
        half = abs(float(np.nanmedian(numeric)) - best[-1])  # half of all trials are visible, if few are complete
        room = max(float(np.ptp(shown)), half, 1e-3)
        axes.set_ylim(*_near(float(shown.min()), float(shown.max()), room, more_is_better=more_is_better))
    axes.set_xlabel("trial")
    axes.set_title(objective)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    figure.legend(handles=marks, loc="lower center", ncols=3)
    return figure


@styled
def front_figure(
    others: Mapping[str, Sequence[float]],
    first: Sequence[float],
    numbers: Sequence[int],
    front: Sequence[int],
    objective: str,
    *,
    more_is_better: bool = True,
) -> Figure:
    """Every complete trial by two objectives, one panel per further objective; the Pareto front in colour.

    The line is the Pareto front of the panel's two objectives; with three, the front has more trials, labelled with
    their numbers. Costs that differ tenfold have a logarithmic axis.

    others: by title, one value per trial; less is better
    """
    figure = canvas(_WIDTH * len(others), _HEIGHT)
    colours = palette()
    values, trials = np.asarray(first, float), np.asarray(numbers)
    chosen = np.isin(trials, front)
    for index, (title, others_values) in enumerate(others.items()):
        x = np.asarray(others_values, float)
        left, wide = (index + 0.75 / _WIDTH) / len(others), (1 - 0.95 / _WIDTH) / len(others)
        axes = figure.add_axes((left, 0.95 / _HEIGHT, wide, (_HEIGHT - 1.35) / _HEIGHT))
        axes.plot(x[~chosen], values[~chosen], "o", color=colours.quiet, alpha=0.5, markersize=4)
        axes.plot(x[chosen], values[chosen], "o", color=colours.blue, markersize=5)
        steps = _unbeaten(x, values if more_is_better else -values)
        axes.step(x[steps], values[steps], where="post", color=colours.orange, linewidth=1.4, zorder=1)
        for row in steps:
            at = (x[row], values[row])
            axes.annotate(str(trials[row]), at, xytext=(-4, 3), textcoords="offset points", ha="right", fontsize=8.5)
        if x.min() > 0 and x.max() > 10 * x.min():
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
            axes.minorticks_off()
        axes.set_xlabel(title)
        axes.set_title(objective)
        axes.margins(0.08)
        axes.grid(visible=True)
        axes.tick_params(length=0)
    names = [
        ("o", colours.blue, "on the Pareto front"),
        ("o", colours.quiet, "dominated"),
        ("-", colours.orange, "Pareto front of the two axes"),
    ]
    marks = [figure.axes[0].plot([], [], mark, color=colour, markersize=5)[0] for mark, colour, _ in names]
    figure.legend(marks, [name for *_, name in names], loc="lower center", ncols=3)
    return figure


def _near(low: float, high: float, room: float, *, more_is_better: bool) -> tuple[float, float]:
    """Axis limits with more room on the bad side, where pruned trials are."""
    return (low - room, high + 0.15 * room) if more_is_better else (low - 0.15 * room, high + room)


def _unbeaten(costs: np.ndarray, gains: np.ndarray) -> list[int]:
    """Rows of the Pareto front of two objectives, the cheapest first.

    >>> _unbeaten(np.array([3.0, 1.0, 2.0]), np.array([0.9, 0.7, 0.6]))
    [1, 0]
    """
    rows: list[int] = []
    for row in np.lexsort((-gains, costs)):
        if not rows or gains[row] > gains[rows[-1]]:
            rows.append(int(row))
    return rows
