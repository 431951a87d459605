"""Pictures of digits in the colours of the chosen style; misclassified ones with their three most probable classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from digitlab.reports.figures.style import canvas, ink_colours, palette, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["digits_figure", "draw_digit_grid", "mistakes_figure", "sets_figure"]

# The size of a digit with its caption, and of a title, in pixels of the digit; pixels per inch.
_CELL, _TITLE, _PIXELS = (40, 32), 20, 50


def digits_figure(images: NDArray[np.uint8], captions: Sequence[str], columns: int = 10) -> Figure:
    """A grid of captioned digits: images uint8 (N, 28, 28)."""
    return sets_figure([("", images, captions)], columns)


@styled
def sets_figure(sets: Sequence[tuple[str, NDArray[np.uint8], Sequence[str]]], columns: int = 12) -> Figure:
    """Grids of captioned digits, one below the other, each under its title: (title, images, captions).

    images: uint8 (N, 28, 28)
    """
    across = max(1, min(columns, max(len(images) for _, images, _ in sets)))
    downs = [max(1, -(-len(images) // across)) for _, images, _ in sets]
    heights = [_CELL[0] * down + (_TITLE if title else 0) for down, (title, _, _) in zip(downs, sets, strict=True)]
    whole = sum(heights)
    figure = canvas(_CELL[1] * across / _PIXELS, whole / _PIXELS)
    below = whole
    for (title, images, captions), down, height in zip(sets, downs, heights, strict=True):
        below -= height
        axes = figure.add_axes((0, below / whole, 1, _CELL[0] * down / whole))
        _draw_captioned(axes, images, captions, (down, across))
        figure.text(0.1 / across, (below + height - 12) / whole, title, fontsize=10, weight="bold", va="center")
    return figure


def _draw_captioned(axes: Axes, images: NDArray[np.uint8], captions: Sequence[str], shape: tuple[int, int]) -> None:
    high, wide = _CELL
    draw_digit_grid(axes, images, shape, _CELL, at=(11, 2))
    for index, caption in enumerate(captions):
        row, column = divmod(index, shape[1])
        axes.text(wide * (column + 0.5) - 0.5, high * row + 5.5, caption, ha="center", va="center", fontsize=8)
    axes.set_aspect("auto")


def draw_digit_grid(
    axes: Axes, images: NDArray[np.uint8], shape: tuple[int, int], cell: tuple[int, int], at: tuple[int, int]
) -> None:
    """Draw all images as one picture, row by row, since a thousand axes take a minute.

    images: uint8 (N, 28, 28); shape: cells down and across; cell: its height and width; at: the position of an image in
        it; all in pixels, which become the units of ``axes``
    """
    (down, across), (high, wide), (top, left) = shape, cell, at
    pixels = np.zeros((down, high, across, wide), np.uint8)
    for index, image in enumerate(images):
        row, column = divmod(index, across)
        pixels[row, top : top + 28, column, left : left + 28] = image
    axes.imshow(pixels.reshape(high * down, -1), cmap=ink_colours(), vmin=0, vmax=255, interpolation="nearest")
    axes.set_axis_off()


_HIGH, _WIDE, _PER_INCH = 44, 76, 36  # the size of a cell in pixels of the digit
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
    figure = canvas(across * _WIDE / _PER_INCH, down * _HIGH / _PER_INCH)
    axes = figure.add_axes((0, 0, 1, 1))
    draw_digit_grid(axes, images, (down, across), (_HIGH, _WIDE), at=(13, 4))
    colours = palette()
    for index, (label, row, number) in enumerate(zip(labels, probabilities, numbers, strict=True)):
        top, left = _HIGH * (index // across), _WIDE * (index % across)
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
