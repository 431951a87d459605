"""Figures of a robustness test under distribution shift, and of suspicious labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import PercentFormatter

from digitlab.evaluation.robustness import ANSWERED, LEVELS
from digitlab.reports.figures.digits import draw_digit_grid
from digitlab.reports.figures.style import canvas, line_styles, palette, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from digitlab.evaluation.robustness import Robustness, SetResult

__all__ = ["label_errors_figure", "robustness_figure"]

_WIDE, _HIGH = 11.6, 9.2  # inches
_ROW = 0.335  # inches per corruption
_LEFT, _RIGHT, _BAR = 1.62, 6.85, 4.45  # left edges of the left and right diagrams, and their width


@styled
def robustness_figure(robustness: Robustness) -> Figure:
    """Accuracy on each corruption, over rotation and translation, on another dataset; OOD images accepted."""
    figure = canvas(_WIDE, _HIGH)
    spoilt = (robustness.plain, *robustness.of("corruption"))
    high = _ROW * len(spoilt)
    below = _HIGH - 0.4 - high
    _corruptions(_axes(figure, _LEFT, below, 4.1, high), spoilt, robustness.corruption_mean)
    _pictures(figure, [each.examples[:1] for each in spoilt], (_LEFT - 0.4, below, _ROW, high), down=True)
    _others(figure, robustness, below - 0.75)
    _rotation(figure, robustness, 6.55)
    _shift(_axes(figure, _RIGHT, 3.6, _BAR, 2.0), robustness)
    _strangers(_axes(figure, _RIGHT, 0.6, _BAR, 2.1), robustness)
    return figure


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a position in inches."""
    axes = figure.add_axes((left / _WIDE, bottom / _HIGH, width / _WIDE, height / _HIGH))
    axes.tick_params(length=0)
    return axes


def _pictures(
    figure: Figure, sets: Sequence[NDArray[np.uint8]], box: tuple[float, float, float, float], *, down: bool = False
) -> None:
    """Images in a row, or one below the other, in a box in inches."""
    images = np.concatenate(sets)
    shape = (len(images), 1) if down else (1, len(images))
    axes = _axes(figure, *box)
    draw_digit_grid(axes, images, shape, (32, 32), at=(2, 2))
    axes.set_aspect("auto")


def _corruptions(axes: Axes, spoilt: Sequence[SetResult], mean: float | None) -> None:
    colours = palette()
    for row, each in enumerate(spoilt):
        colour = colours.ink if each.kind == "plain" else colours.blue
        accuracy, (low, high) = each.accuracy or 0.0, each.interval or (0.0, 0.0)
        axes.plot([0, accuracy], [row, row], color=colours.line, linewidth=1.5, zorder=1)
        axes.plot([low, high], [row, row], color=colour, linewidth=4, alpha=0.45, solid_capstyle="butt")
        axes.plot(accuracy, row, "o", color=colour, markersize=6, clip_on=False)
        axes.text(1.03, row, f"{100 * accuracy:.1f}", va="center", fontsize=10, color=colours.ink)
    if mean is not None:
        axes.axvline(mean, color=colours.orange, linewidth=1.2, linestyle="--", zorder=1)
        axes.set_title(f"MNIST-C corruptions: mean accuracy {100 * mean:.1f} %")
    axes.set_ylim(len(spoilt) - 0.5, -0.5)
    axes.set_yticks(range(len(spoilt)), ["clean", *(each.name.replace("-", " ") for each in spoilt[1:])])
    axes.tick_params(axis="y", pad=34)  # room for pictures between names and bars
    axes.set_xlim(0, 1)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("accuracy (bar: 95 % confidence interval)")


def _others(figure: Figure, robustness: Robustness, top: float) -> None:
    """The first images of another dataset and of the out-of-distribution sets, each under its numbers."""
    for index, each in enumerate(robustness.of("other-hand", "stranger")):
        bottom = top - 0.35 - 0.78 * index
        if each.by_confidence is None:
            low, high = each.interval or (0.0, 0.0)
            text = f"accuracy {100 * (each.accuracy or 0.0):.1f} % ({100 * low:.1f} to {100 * high:.1f})"
        else:
            text = f"out of distribution: AUROC {each.by_confidence.auroc:.3f}, {100 * each.answered:.1f} % accepted"
        figure.text(0.25 / _WIDE, (bottom + 0.5) / _HIGH, each.name, weight="bold", fontsize=10.5)
        figure.text(_LEFT / _WIDE, (bottom + 0.5) / _HIGH, text, fontsize=10.5)
        shown = each.examples
        _pictures(figure, [shown], (0.25, bottom, 0.42 * len(shown), 0.42))


def _rotation(figure: Figure, robustness: Robustness, bottom: float) -> None:
    axes = _axes(figure, _RIGHT, bottom, _BAR, 2.25)
    angles, _, _ = robustness.sweep("rotation")
    _sweep(axes, robustness, "rotation", palette().blue, "")
    axes.set_title("Accuracy under rotation (+: counter-clockwise)")
    step = (angles[-1] - angles[0]) / max(1, len(angles) - 1) or 1.0
    axes.set_xlim(angles[0] - step / 2, angles[-1] + step / 2)  # the width of a picture
    axes.set_xticks(angles[:: 1 if len(angles) < 8 else 2], [])
    turned = sorted((robustness.plain, *robustness.of("rotation")), key=lambda each: each.place or 0.0)
    wide = _BAR / len(turned)
    _pictures(figure, [each.examples[:1] for each in turned], (_RIGHT, bottom - wide - 0.03, _BAR, wide))
    for angle in angles[:: 1 if len(angles) < 8 else 2]:
        text = f"{angle:+.0f}°".replace("-", "−") if angle else "0°"
        axes.text(angle, -0.23, text, ha="center", va="top", fontsize=10)


def _shift(axes: Axes, robustness: Robustness) -> None:
    colours = palette()
    _sweep(axes, robustness, "shift-x", colours.blue, "x, to the right")
    _sweep(axes, robustness, "shift-y", colours.orange, "y, down", "s--")
    axes.set_title("Accuracy under translation")
    axes.set_xlabel("shift in pixels")
    axes.legend(loc="lower center")


def _sweep(axes: Axes, robustness: Robustness, kind: str, colour: str, name: str, style: str = "o-") -> None:
    positions, accuracies, intervals = robustness.sweep(kind)
    axes.fill_between(positions, intervals[:, 0], intervals[:, 1], color=colour, alpha=0.25, linewidth=0)
    axes.plot(positions, accuracies, style, color=colour, markersize=5, label=name)
    axes.set_ylim(0, 1.02)
    axes.grid(visible=True)
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _strangers(axes: Axes, robustness: Robustness) -> None:
    """Out-of-distribution detection by confidence: OOD images accepted (FPR) against digits rejected (1 − TPR)."""
    colours, strangers = palette(), [each for each in robustness.of("stranger") if each.by_confidence is not None]
    refused = 1 - np.array(LEVELS)
    for each, style in zip(strangers, line_styles(len(strangers)), strict=True):
        detection = each.by_confidence
        if detection is not None:
            axes.plot(refused, detection.curve, label=each.name, **style)  # type: ignore[arg-type]
            axes.plot(1 - ANSWERED, detection.answered, "o", color=style["color"], markersize=6)
    axes.axvline(1 - ANSWERED, color=colours.quiet, linewidth=1, linestyle=":")
    axes.set_xlim(-0.002, refused.max())
    axes.set_ylim(0, 1.02)
    axes.grid(visible=True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("digits rejected (1 − true positive rate)")
    axes.set_title("Out-of-distribution images accepted (FPR)")
    axes.text(
        1 - ANSWERED + 0.001, 0.97, f"{ANSWERED:.0%} of the digits accepted", va="top", fontsize=9, color=colours.quiet
    )
    if strangers:
        axes.legend(loc="center right")


_CELL, _PIXELS = (54, 50), 44  # of an image with its label, in pixels of the image; pixels per inch


@styled
def label_errors_figure(
    images: NDArray[np.uint8],
    labels: Sequence[int],
    guesses: Sequence[int],
    scores: Sequence[float],
    names: Sequence[str],
    columns: int = 10,
) -> Figure:
    """Images with a suspicious label, each over its label and the digit predicted out of fold, most suspicious first.

    images: uint8 (N, 28, 28); labels, guesses, scores: (N,), see `evaluation.label_errors`; names: of the images
    """
    across = max(1, min(columns, len(images)))
    down = max(1, -(-len(images) // across))
    (high, wide), colours = _CELL, palette()
    figure = canvas(wide * across / _PIXELS, high * down / _PIXELS)
    axes = figure.add_axes((0, 0, 1, 1))
    draw_digit_grid(axes, images, (down, across), _CELL, at=(10, 11))
    axes.set_aspect("auto")
    for index, (label, guess, score, name) in enumerate(zip(labels, guesses, scores, names, strict=True)):
        top, middle = high * (index // across), wide * (index % across) + wide / 2
        axes.text(middle, top + 5, name, ha="center", va="center", fontsize=8, color=colours.quiet)
        axes.text(middle - 17, top + 44, f"{label}", ha="center", va="center", fontsize=11, weight="bold")
        axes.text(middle - 8, top + 44, "or", ha="center", va="center", fontsize=8, color=colours.quiet)
        axes.text(
            middle + 1, top + 44, f"{guess}", ha="center", va="center", fontsize=11, weight="bold", color=colours.orange
        )
        axes.text(middle + 14, top + 44, _signed(score), ha="center", va="center", fontsize=8, color=colours.quiet)
    return figure


def _signed(score: float) -> str:
    return f"{score:+.2f}".replace("-", "−")
