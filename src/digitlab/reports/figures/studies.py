"""Figures of studies: cells over epochs, measured and published results, learning-rate range tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from digitlab.reports.figures.style import canvas, line_styles, palette, panel, styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Seeds = Sequence[Sequence[float]]  # by seed: one number per epoch

__all__ = ["against_figure", "batches_figure", "cells_figure", "cells_over_epochs_figure", "range_tests_figure"]

_WIDTH, _HEIGHT, _LEGEND_ROW = 4.8, 3.5, 0.24  # inches


@styled
def cells_over_epochs_figure(
    panels: Mapping[str, Mapping[str, Seeds]],
    published: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    ends: Mapping[str, float] | None = None,
) -> Figure:
    """One panel per quantity, one colour per cell: seeds as thin lines, their mean as a bold one.

    panels: by title, then by cell: for each seed, numbers over epochs; the mean ends with the shortest seed
    published: by the same names, one number per epoch, drawn as crosses
    ends: by cell, the epoch in which the published training ended, a triangle on the axis
    """
    names = list(dict.fromkeys(name for cells in panels.values() for name in cells))
    styles = dict(zip(names, line_styles(len(names)), strict=True))
    ends, marks = ends or {}, []
    if any((published or {}).values()):
        marks.append(("x", "published"))
    if ends:
        marks.append(("^", "published: last epoch"))
    entries = [*names, *(description for _, description in marks)]
    across = _legend_columns(entries)
    legend = 0.15 + _LEGEND_ROW * -(-len(entries) // across)
    columns = min(2, max(1, len(panels)))
    height = _HEIGHT * -(-len(panels) // columns) + legend
    figure = canvas(_WIDTH * columns, height)
    for index, (title, cells) in enumerate(panels.items()):
        row, column = divmod(index, columns)
        left, wide = (column + 0.75 / _WIDTH) / columns, (1 - 0.9 / _WIDTH) / columns
        below = height - _HEIGHT * (row + 1) + 0.6
        axes = figure.add_axes((left, below / height, wide, (_HEIGHT - 1.0) / height))
        _over_epochs(axes, title, cells, styles, (published or {}).get(title, {}))
        for name, epoch in ends.items():
            axes.plot(epoch, 0.03, "^", transform=axes.get_xaxis_transform(), color=styles[name]["color"], markersize=9)
    lines = [figure.axes[0].plot([], [], **styles[name])[0] for name in names]  # type: ignore[arg-type]
    lines += [figure.axes[0].plot([], [], mark, color=palette().quiet, markersize=8)[0] for mark, _ in marks]
    figure.legend(lines, entries, loc="lower center", ncols=across)
    return figure


def _legend_columns(names: Sequence[str]) -> int:
    """The number of names that fit side by side below two panels."""
    longest = max(map(len, names), default=1)
    return max(1, min(len(names), round(95 / (longest + 7))))


def _over_epochs(
    axes: Axes,
    title: str,
    cells: Mapping[str, Seeds],
    styles: Mapping[str, Mapping[str, str]],
    published: Mapping[str, Sequence[float]],
) -> None:
    shown: list[float] = []
    for name, seeds in cells.items():
        for seed in seeds:
            epochs = np.arange(1, len(seed) + 1)
            axes.plot(epochs, seed, **{**styles[name], "alpha": 0.3, "linewidth": 0.9})  # type: ignore[arg-type]
            shown.extend(seed)
        together = min(map(len, seeds), default=0)
        if together:
            mean = np.mean([seed[:together] for seed in seeds], axis=0)
            marker = "o" if together < 3 else None  # a single point would be invisible as a line
            axes.plot(np.arange(1, together + 1), mean, **styles[name], marker=marker)  # type: ignore[arg-type]
    for name, numbers in published.items():
        axes.plot(np.arange(1, len(numbers) + 1), numbers, "x", color=styles[name]["color"], markersize=7)
    _show(axes, np.asarray([value for value in shown if np.isfinite(value)]), more_is_better="accuracy" in title)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.grid(visible=True)
    axes.tick_params(length=0)


def _show(axes: Axes, values: np.ndarray, *, more_is_better: bool) -> None:
    """Set axis limits that show the differences: a few extreme epochs may lie outside."""
    if not len(values):
        return
    low, high = np.quantile(values, [0.02, 0.98])
    room = 0.08 * max(high - low, 1e-4)
    if more_is_better:
        axes.set_ylim(low - room, min(1.0, values.max() + room))
    else:
        axes.set_ylim(max(0.0, values.min() - room), high + room)


_BETWEEN = 0.55  # inches between two panels, for the tick labels at the ends of their axes


@styled
def cells_figure(
    panels: Mapping[str, tuple[Mapping[str, Sequence[float]], Mapping[str, float]]], *, logarithmic: bool = False
) -> Figure:
    """One row per cell: seeds as dots, the mean as a bar, the published value as an open diamond.

    panels: by title, side by side: the seeds' values and the published one, each by cell
    """
    rows = list(dict.fromkeys(name for cells, _ in panels.values() for name in cells))
    names, legend = 0.3 + 0.085 * max(map(len, rows), default=0), any(printed for _, printed in panels.values())
    panel_width = 3.9 if len(panels) == 1 else max(2.6, 0.098 * max(map(len, panels)))
    width, height = names + (panel_width + _BETWEEN) * len(panels), 0.9 + 0.27 * len(rows) + 0.35 * legend
    figure = canvas(width, height)
    for index, (title, (cells, printed)) in enumerate(panels.items()):
        axes = figure.add_axes(
            ((names + (panel_width + _BETWEEN) * index) / width, (0.4 + 0.35 * legend) / height, panel_width / width,
             0.27 * len(rows) / height)
        )  # fmt: skip
        _dots(axes, [(cells.get(name, ()), printed.get(name)) for name in rows])
        if logarithmic:
            axes.set_xscale("log")
            axes.minorticks_off()
        else:
            axes.locator_params(axis="x", nbins=5)
        axes.set_yticks(range(len(rows)), rows if index == 0 else [""] * len(rows))
        axes.set_title(title)
    if legend:
        colours = palette()
        marks = [
            figure.axes[0].plot([], [], mark, color=colour, markerfacecolor=fill)[0]
            for mark, colour, fill in (("o", colours.blue, colours.blue), ("D", colours.orange, "none"))
        ]
        figure.legend(
            marks, ["measured, one dot per seed; bar: mean", "published"], loc="lower left", ncols=2, handletextpad=0.1,
            bbox_to_anchor=(max(0.0, (names - 0.2) / width), 0.0),
        )  # fmt: skip
    return figure


def _dots(axes: Axes, rows: Sequence[tuple[Sequence[float], float | None]]) -> None:
    colours = palette()
    for row, (values, printed) in enumerate(rows):
        axes.plot(values, [row] * len(values), "o", color=colours.blue, alpha=0.5, markersize=5)
        if len(values):
            axes.plot(float(np.mean(values)), row, "|", color=colours.blue, markersize=13, markeredgewidth=2.4)
        if printed is not None:
            axes.plot(printed, row, "D", color=colours.orange, markerfacecolor="none", markersize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=True)
    axes.tick_params(length=0)


@styled
def against_figure(
    lines: Mapping[str, Sequence[tuple[float, Sequence[float]]]], across: str, up: str, *, level: float | None = None
) -> Figure:
    """One measure over another on a logarithmic scale: one line per family of cells, through the means of their seeds.

    lines: by family, for each of its cells the x position and the values, one per seed; a family of a single cell is
        drawn as a mark
    across, up: the titles of the axes; level: of a horizontal line, e.g. an accuracy to be reached
    """
    figure, axes = panel(6.4, 4.2, left=0.8, bottom=0.6, top=0.25)
    for (name, cells), style in zip(lines.items(), line_styles(len(lines)), strict=True):
        points = sorted((x, values) for x, values in cells if len(values))
        for x, values in points:
            axes.plot([x] * len(values), values, "o", color=style["color"], alpha=0.35, markersize=4)
        means = [float(np.mean(values)) for _, values in points]
        marker = "D" if len(cells) == 1 else None
        axes.plot([x for x, _ in points], means, **style, marker=marker, label=name)  # type: ignore[arg-type]
    if level is not None:
        axes.axhline(level, color=palette().quiet, linewidth=0.9, linestyle=":")
    axes.set_xscale("log")
    xs = [x for cells in lines.values() for x, values in cells if len(values)]
    ticks = [tick for tick in (10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000) if _within(tick, xs)]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True)
    axes.tick_params(length=0)
    axes.legend(loc="lower right")
    return figure


def _within(tick: float, xs: Sequence[float]) -> bool:
    return bool(xs) and 0.8 * min(xs) <= tick <= 1.25 * max(xs)


@styled
def range_tests_figure(
    tests: Mapping[str, Sequence[tuple[Sequence[float], Sequence[float]]]], published: Mapping[str, float]
) -> Figure:
    """Loss over a rising learning rate, one panel per cell, one line per seed (report S1, figure 3.9).

    tests: by cell, for each seed: rates and smoothed losses; published: the published rate, a vertical line
    """
    across = min(3, len(tests))
    down = -(-len(tests) // across)
    height = 2.6 * down + 0.3
    figure = canvas(3.4 * across, height)
    colours = palette()
    every = [rate for seeds in tests.values() for rates, _ in seeds for rate in rates]
    powers = np.arange(-10, 11, 2)
    for index, (name, seeds) in enumerate(tests.items()):
        row, column = divmod(index, across)
        below = height - 2.6 * (row + 1) + 0.52
        axes = figure.add_axes(((column + 0.17) / across, below / height, 0.78 / across, 1.72 / height))
        for rates, losses in seeds:
            axes.semilogx(rates, losses, color=colours.blue, alpha=0.7, linewidth=1.3)
        if name in published:
            axes.axvline(published[name], color=colours.orange, linestyle="--")
        first = max((losses[0] for _, losses in seeds if len(losses)), default=1.0)
        axes.set_ylim(0, 1.4 * first)
        axes.set_xticks(10.0**powers, [f"$\\mathdefault{{10^{{{power}}}}}$" for power in powers], parse_math=True)
        axes.minorticks_off()
        if every:
            axes.set_xlim(min(every), max(every))
        axes.set_title(name)
        axes.grid(visible=True)
        axes.tick_params(length=0, labelsize=9)
        if column == 0:
            axes.set_ylabel("loss")
    words = "x axis: learning rate, raised at each step" + ("; dashed: the published rate" if published else "")
    figure.text(0.5, 0.12 / height, words, ha="center", color=colours.quiet, fontsize=10)
    return figure


@styled
def batches_figure(
    histories: Mapping[str, Mapping[str, Sequence[float | None]]], batches: Mapping[str, Mapping[str, Sequence[float]]]
) -> Figure:
    """Training loss and accuracy with validation points, one row per cell, same scale for all (S0, figure 5.7).

    histories: by cell, columns accuracy, loss, validation_accuracy, validation_loss, one number per epoch
    batches: by cell, columns place (in epochs), accuracy, loss: means of several batches
    """
    down = max(1, len(histories))
    height = 2.9 * down + 0.3
    figure = canvas(2 * _WIDTH, height)
    colours = palette()
    grid = figure.subplots(down, 2, squeeze=False, sharex=True, sharey="col")
    figure.subplots_adjust(left=0.075, right=0.985, top=1 - 0.3 / height, bottom=0.85 / height, hspace=0.25)
    for (name, history), row in zip(histories.items(), grid, strict=False):
        for axes, column in zip(row, ("loss", "accuracy"), strict=True):
            drawn = batches[name]
            axes.plot(drawn["place"], drawn[column], color=colours.blue, linewidth=0.9)
            points = np.asarray(history[f"validation_{column}"], float)
            axes.plot(np.arange(1, len(points) + 1), points, "o", color=colours.orange, markersize=4)
            axes.set_title(f"{name}: {column}")
            axes.grid(visible=True)
            axes.tick_params(length=0)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    shown = [value for each in batches.values() for value in each["loss"][len(each["loss"]) // 20 :]]
    grid[0, 0].set_ylim(0, 1.05 * max(shown, default=1.0))
    grid[0, 1].set_ylim(max(0.0, 1 - max(shown, default=1.0) / 2), 1.0)
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    figure.legend(
        grid[0, 0].lines[:2], ["training, means of batches", "validation, after the epoch"], loc="lower center", ncols=2
    )
    return figure
