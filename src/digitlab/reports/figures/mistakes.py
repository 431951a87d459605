"""Misclassified images, each with its three most probable classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.patches import Rectangle

from digitlab.reports.figures.digits import draw_digit_grid
from digitlab.reports.figures.style import canvas, palette, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["mistakes_figure"]

_HIGH, _WIDE, _PIXELS = 44, 76, 36  # the size of a cell in pixels of the digit, and pixels per inch
_BAR = 22  # length of the bar for a probability of 1


@styled
def mistakes_figure(
    images: NDArray[np.uint8],
    labels: Sequence[int],
    probabilities: NDArray[np.floating],
    numbers: Sequence[int],
    columns: int = 4,
) -> Figure:
    """Each misclassified image under its true digit, beside its three most probable classes as bars.

    images: uint8 (N, 28, 28); labels: (N,), the true digits; probabilities: (N, 10); numbers: (N,), each image's row
        in its dataset
    """
    across = max(1, min(columns, len(images)))
    down = max(1, -(-len(images) // across))
    figure = canvas(across * _WIDE / _PIXELS, down * _HIGH / _PIXELS)
    axes = figure.add_axes((0, 0, 1, 1))
    draw_digit_grid(axes, images, (down, across), (_HIGH, _WIDE), at=(13, 4))
    colours = palette()
    for place, (label, row, number) in enumerate(zip(labels, probabilities, numbers, strict=True)):
        top, left = _HIGH * (place // across), _WIDE * (place % across)
        axes.text(left + 4, top + 7, f"{label}", fontsize=11, weight="bold", va="center")
        axes.text(left + 32, top + 7, f"#{number}", fontsize=8, va="center", ha="right", color=colours.quiet)
        for line, guess in enumerate(row.argsort()[::-1][:3]):
            middle = top + 18 + 9 * line
            colour = colours.blue if guess == label else colours.orange
            axes.text(left + 37, middle, f"{guess}", fontsize=10, weight="bold", va="center", color=colour)
            axes.add_patch(Rectangle((left + 42, middle - 2.5), _BAR * row[guess], 5, facecolor=colour, linewidth=0))
            axes.text(
                left + 43.5 + _BAR * row[guess],
                middle,
                f"{100 * row[guess]:.0f}",
                fontsize=8,
                va="center",
                color=colours.quiet,
            )
    return figure
