"""Transfer learning: accuracy over the number of training examples, compared with training from scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.reports.figures import canvas, palette, styled
from digitlab.reports.figures.style import line_styles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

__all__ = ["transfer_figure"]

_WIDTH, _HEIGHT, _ROW = 4.6, 3.5, 0.24  # inches: a panel, a row of the legend


@styled
def transfer_figure(panels: Mapping[str, Mapping[str, Mapping[int, Sequence[float]]]]) -> Figure:
    """One panel per dataset, one line per method through the means over the seeds, each seed as a dot.

    panels: by dataset, by method, by the number of examples per class: for each seed, the test accuracy
    """
    names = list(dict.fromkeys(name for ways in panels.values() for name in ways))
    styles = dict(zip(names, line_styles(len(names)), strict=True))
    across = max(1, round(1.5 * len(panels)))
    legend = 0.15 + _ROW * -(-len(names) // across)
    height = _HEIGHT + legend
    figure = canvas(_WIDTH * len(panels), height)
    for place, (title, ways) in enumerate(panels.items()):
        axes = figure.add_axes(
            ((place + 0.15) / len(panels), (legend + 0.6) / height, 0.81 / len(panels), (_HEIGHT - 1.0) / height)
        )
        counts = sorted({count for points in ways.values() for count in points})
        for name, points in ways.items():
            known = sorted(points)
            axes.plot(known, [100 * float(np.mean(points[count])) for count in known], **styles[name], marker="o", ms=5)  # type: ignore[arg-type]
            for count in known:
                dots = 100 * np.asarray(points[count])
                axes.plot([count] * len(dots), dots, ".", color=styles[name]["color"], alpha=0.45, markersize=5)
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
        axes.minorticks_off()
        axes.set_title(title)
        axes.set_xlabel("training examples per class")
        axes.set_ylabel("test accuracy, %" if place == 0 else "")
        axes.grid(visible=True, color=palette().line)
        axes.tick_params(length=0)
    lines = [figure.axes[0].plot([], [], marker="o", **styles[name])[0] for name in names]  # type: ignore[arg-type]
    figure.legend(lines, names, loc="lower center", ncols=across)
    return figure
