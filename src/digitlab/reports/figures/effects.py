"""Effects of changes: differences with their intervals, one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.reports.figures.style import canvas, palette, styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Estimated = tuple[float, float, float]  # a value, and the ends of its interval
    Rows = Mapping[str, Mapping[str, Estimated | None]]  # by row, then by series

__all__ = ["effects_figure"]

_ROW, _PANEL, _LETTER = 0.3, 2.5, 0.082  # inches


@styled
def effects_figure(
    panels: Mapping[str, Rows], *, from_zero: Sequence[str] = (), linear_to: float | None = None
) -> Figure:
    """One panel per quantity, one row per change, dots with 95 % intervals; a vertical line marks "no change".

    panels: by title; rows in order of first appearance; a row may lack a series, or have no estimate yet
    from_zero: titles of quantities that are not differences: they are drawn from 0, without the line
    linear_to: beyond this the scale is logarithmic, on both sides: for changes that differ in size a hundredfold
    """
    rows = list(dict.fromkeys(row for panel in panels.values() for row in panel))
    series = list(dict.fromkeys(name for panel in panels.values() for row in panel.values() for name in row if name))
    names, top, bottom = 0.25 + _LETTER * max(map(len, rows), default=1), 0.4, 0.65 if series else 0.4
    panel_width = _PANEL if len(panels) > 1 else 4.2
    width, height = names + (panel_width + 0.25) * len(panels), top + bottom + _ROW * len(rows)
    figure = canvas(width, height)
    for index, (title, panel) in enumerate(panels.items()):
        left = names + (panel_width + 0.25) * index
        axes = figure.add_axes((left / width, bottom / height, panel_width / width, _ROW * len(rows) / height))
        _draw(axes, [panel.get(row, {}) for row in rows], series)
        axes.set_yticks(range(len(rows)), rows if index == 0 else [""] * len(rows), ha="left")
        if index == 0:
            axes.tick_params(axis="y", pad=72 * (names - 0.1))
        axes.set_title(title)
        if title in from_zero:
            axes.set_xlim(left=0.0)
        else:
            axes.axvline(0.0, color=palette().quiet, linewidth=1.0)
        if linear_to is not None:
            _bend(axes, linear_to)
    if series:
        marks = [figure.axes[0].plot([], [], "o", color=colour)[0] for colour in palette().series[: len(series)]]
        figure.legend(marks, series, loc="lower left", ncols=len(series), bbox_to_anchor=(names / width, 0.0))
    return figure


def _bend(axes: Axes, linear_to: float) -> None:
    axes.set_xscale("symlog", linthresh=linear_to, linscale=1.0)
    low, high = axes.get_xlim()
    steps = [linear_to * 10**power for power in range(4)]
    ticks = [*(-step for step in reversed(steps)), 0.0, *steps]
    shown = [tick for tick in ticks if low <= tick <= high]
    axes.set_xticks(shown, [f"{tick:+g}".replace("-", "−") if tick else "0" for tick in shown])
    axes.minorticks_off()


def _draw(axes: Axes, rows: Sequence[Mapping[str, Estimated | None]], series: Sequence[str]) -> None:
    colours = dict(zip(series or [""], palette().series, strict=False))
    for row, estimates in enumerate(rows):
        for number, (name, colour) in enumerate(colours.items()):
            estimate = estimates.get(name)
            if estimate is None:
                continue
            value, low, high = estimate
            y = row + 0.24 * (number - (len(colours) - 1) / 2)
            axes.plot((low, high), (y, y), color=colour, linewidth=2.4, alpha=0.55, solid_capstyle="round")
            axes.plot(value, y, "o", color=colour, markersize=6)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=True, axis="x")
    axes.tick_params(length=0)
    axes.locator_params(axis="x", nbins=5)  # the scale may become logarithmic afterwards
    axes.spines["left"].set_visible(False)
