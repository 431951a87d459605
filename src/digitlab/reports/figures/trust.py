"""Calibration and selective classification: the reliability diagram and the error–rejection curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.evaluation.intervals import wilson
from digitlab.reports.figures.style import palette, panel, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from digitlab.evaluation.curves import Curve, Reliability

__all__ = ["error_reject_figure", "reliability_figure"]


@styled
def reliability_figure(reliability: Reliability) -> Figure:
    """Accuracy over confidence, with 95 % confidence intervals; below, the number of predictions in each bin.

    A dot below the diagonal means overconfidence. Few predictions give a long interval.
    """
    figure, axes = panel(bottom=1.15)
    colours = palette()
    axes.plot([0, 1], [0, 1], color=colours.quiet, linewidth=1, linestyle=":")
    bounds = np.array(
        [
            wilson(round(right * many), int(many))
            for right, many in zip(reliability.accuracy, reliability.count, strict=True)
        ]
    )
    axes.vlines(reliability.confidence, bounds[:, 0], bounds[:, 1], color=colours.blue, alpha=0.45, linewidth=3)
    axes.plot(reliability.confidence, reliability.accuracy, "o", color=colours.blue, markersize=6)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.tick_params(labelbottom=False)
    axes.set_ylabel("accuracy")
    axes.set_title("Reliability diagram")
    axes.text(
        0.985,
        0.11,
        f"expected calibration error {reliability.error:.4f}",
        transform=axes.transAxes,
        ha="right",
        fontsize=10,
    )
    axes.text(
        0.985,
        0.03,
        "dotted: perfect calibration",
        transform=axes.transAxes,
        ha="right",
        fontsize=9,
        color=colours.quiet,
    )
    _counts(figure, axes, reliability)
    return figure


def _counts(figure: Figure, above: Axes, reliability: Reliability) -> None:
    position = above.get_position()
    axes = figure.add_axes((position.x0, 0.6 / figure.get_figheight(), position.width, 0.45 / figure.get_figheight()))
    axes.vlines(reliability.confidence, 0.5, reliability.count, color=palette().quiet, linewidth=5)
    axes.set_yscale("log")
    most = int(reliability.count.max())
    shown = [10**power for power in (0, 2, 4, 6, 8) if 10**power <= max(1, most)]
    axes.set_yticks(shown, [f"{count:,}" for count in shown], fontsize=8)
    axes.minorticks_off()
    axes.set_xlim(above.get_xlim())
    axes.set_ylim(0.5, 3 * most)
    axes.tick_params(length=0)
    axes.set_xlabel("confidence")
    axes.set_ylabel("count", fontsize=9)


@styled
def error_reject_figure(curve: Curve) -> Figure:
    """Error–rejection curve: the error rate of the rest when the least confident predictions are rejected.

    curve: x is the rejection rate, y the error rate of the rest
    """
    figure, axes = panel()
    colours = palette()
    axes.plot(curve.x, curve.y, color=colours.blue, drawstyle="steps-post")
    little = np.flatnonzero(curve.y <= 0.05 * curve.y[0])
    furthest = min(1.0, max(0.02, 1.2 * float(curve.x[little[0]] if len(little) else curve.x[-1])))
    for share in (0.01, 0.05, 0.2):
        left = float(curve.y[np.searchsorted(curve.x, share, side="right") - 1])
        if share < furthest and left > 0:
            axes.plot(share, left, "o", color=colours.orange, markersize=6)
            late = share > 0.6 * furthest
            axes.annotate(
                f"{100 * share:g} % rejected: {100 * left:.2f} %",
                (share, left),
                (4 if late else 7, 8 if late else 5),
                textcoords="offset points",
                ha="right" if late else "left",
            )
    axes.set_xlim(0, furthest)
    axes.set_ylim(0, 1.1 * max(float(curve.y[0]), 1e-4))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.set_xlabel("rejection rate (least confident first)")
    axes.set_ylabel("error rate of the rest")
    axes.set_title("Error–rejection curve")
    return figure
