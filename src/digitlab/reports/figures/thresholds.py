"""One-vs-rest ROC and precision–recall curves of each digit, whole and near the corner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from digitlab.reports.figures.style import line_styles, palette, panel, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from digitlab.evaluation.curves import Curve

__all__ = ["precision_recall_figure", "roc_figure"]

_NEAREST, _FURTHEST = 0.002, 0.5  # smallest and largest part of an axis that a corner figure shows
_AROUND = 4  # axis limits, in multiples of the distance of the furthest bend from the corner


@styled
def roc_figure(curves: Sequence[Curve | None], mean: Curve | None = None, *, corner: bool = False) -> Figure:
    """ROC of each digit and their macro average, with the areas (report S1, figures 4.1 and 4.3).

    curves: ten, None for an absent digit; x is the false positive rate, y the true positive rate
    corner: the top left corner only, where the curves bend
    """
    figure, axes = panel()
    _one_each(axes, curves, areas=not corner)
    if mean is not None:
        label = "macro" if corner else f"macro {mean.area:.5f}"
        axes.plot(mean.x, mean.y, color=palette().ink, linewidth=1, zorder=1.9, label=label)
    if corner:
        wide, high = _reach([(curve.x, 1 - curve.y) for curve in curves if curve])
        axes.set_xlim(-0.025 * wide, wide)
        axes.set_ylim(1 - high, 1 + 0.025 * high)
    else:
        axes.set_xlim(-0.02, 1)
        axes.set_ylim(0, 1.02)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    axes.set_title("ROC curves, top left corner" if corner else "ROC curves, with AUC")
    _name_digits(axes, "lower right")
    return figure


@styled
def precision_recall_figure(curves: Sequence[Curve | None], *, corner: bool = False) -> Figure:
    """Precision against recall of each digit, with the average precisions (report S1, figures 4.2 and 4.4).

    curves: ten, None for an absent digit; x is recall, y precision
    corner: the top right corner only, where the curves bend
    """
    figure, axes = panel()
    # Steps: straight lines between the points would be too optimistic.
    _one_each(axes, curves, areas=not corner, drawstyle="steps-pre")
    if corner:
        wide, high = _reach([(1 - curve.x, 1 - curve.y) for curve in curves if curve])
        axes.set_xlim(1 - wide, 1 + 0.025 * wide)
        axes.set_ylim(1 - high, 1 + 0.025 * high)
    else:
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.02)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_title("Precision–recall curves, top right corner" if corner else "Precision–recall curves, with AP")
    _name_digits(axes, "lower left")
    return figure


def _one_each(axes: Axes, curves: Sequence[Curve | None], *, areas: bool, drawstyle: str = "default") -> None:
    for digit, (curve, style) in enumerate(zip(curves, line_styles(len(curves)), strict=True)):
        if curve is not None:
            label = f"{digit}  {curve.area:.5f}" if areas else str(digit)
            axes.plot(curve.x, curve.y, linewidth=1.5, label=label, drawstyle=drawstyle, **style)  # type: ignore[arg-type]


def _name_digits(axes: Axes, location: Literal["lower left", "lower right"]) -> None:
    if axes.lines:
        axes.legend(loc=location, ncols=2, fontsize=9, handlelength=1.9, columnspacing=1.2, labelspacing=0.3)


def _reach(curves: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> tuple[float, float]:
    """The extent of both axes around the corner; curves are given as distances from it."""
    bends = np.array([[across[index], up[index]] for across, up in curves for index in [np.argmin(across + up)]])
    if not len(bends):
        return _FURTHEST, _FURTHEST
    wide, high = np.clip(_AROUND * bends.max(axis=0), _NEAREST, _FURTHEST)
    return float(wide), float(high)
