"""Digits that touch: where a stroke of ink may be cut so that two digits stand side by side.

Many cuts are offered; which of them is made is decided by reading what they leave (`lattice`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Cut", "cuts"]

_ROWS = 40  # pixels of height at which cuts are looked for
_SIDEWAYS = 0.06  # of full ink: what a step to the side costs, so that cuts go straight down through paper
_THROUGH_PAPER = 0.01
_APART = 0.14  # of the height: between the middles of two cuts
_MARGIN = 0.12  # of the height: a digit is wider than that
_DEAREST = 0.75  # of the height in ink: no joint is that thick
_AWAY = 0.22  # of the height that a cut may stray from its middle


@dataclass(frozen=True, slots=True)
class Cut:
    """A line from top to bottom. columns: intp (H,), the first column right of it; ink: what it crosses, in strokes."""

    columns: NDArray[np.intp]
    ink: float


def cuts(ink: NDArray[np.float32], stroke: float, most: int) -> list[Cut]:
    """The ``most`` cheapest cuts through a mark, from left to right.

    Each is the way from top to bottom that crosses the least ink, among those near its middle.

    ink: float32 (H, W), 0 … 1; stroke: the width of its strokes in pixels
    """
    height, width = ink.shape
    scale = min(1.0, _ROWS / height)
    size = max(2, round(width * scale)), max(2, round(height * scale))
    small = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.float32)
    reach = max(1, round(_AWAY * size[1]))
    offered = []
    margin = max(1, round(_MARGIN * size[1]))
    prices = _prices(small)
    for middle in _valleys(prices, margin, max(2, round(_APART * size[1])), most, _DEAREST * size[1]):
        left, right = max(0, middle - reach), min(size[0], middle + reach + 1)
        way, price = _cheapest(small[:, left:right])
        rows = (np.arange(height) * (size[1] / height)).astype(np.intp)
        columns = np.rint((way[rows] + left) / scale).astype(np.intp)
        offered.append(Cut(columns, price / max(1.0, stroke * scale)))
    return _different(offered, max(1.0, 0.06 * height))


def _prices(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """The least ink that any way through the middle of each column crosses, float32 (W,): straight and slanted ones."""
    height, width = ink.shape
    prices = np.full(width, np.inf, np.float32)
    for slant in (-0.5, -0.25, 0.0, 0.25, 0.5):
        turn = np.array([[1.0, slant, -slant * (height - 1) / 2.0], [0.0, 1.0, 0.0]], np.float32)
        leaning = cv2.warpAffine(ink, turn, (width, height), flags=cv2.INTER_LINEAR)
        prices = np.minimum(prices, np.asarray(leaning, np.float32).sum(axis=0) + abs(slant) * 0.04 * height)
    return prices


def _valleys(prices: NDArray[np.float32], margin: int, apart: int, most: int, dearest: float) -> list[int]:
    """The columns of the lowest prices, none nearer to another than ``apart``, from left to right."""
    chosen: list[int] = []
    for column in np.argsort(prices, kind="stable").tolist():
        if len(chosen) == most or prices[column] > dearest:
            break
        if margin <= column < len(prices) - margin and all(abs(column - other) >= apart for other in chosen):
            chosen.append(column)
    return sorted(chosen)


def _cheapest(ink: NDArray[np.float32]) -> tuple[NDArray[np.intp], float]:
    """The column in each row, intp (H,), of the way down that crosses the least ink; and how much that is."""
    height, width = ink.shape
    spent = np.empty((height, width), np.float32)
    came = np.zeros((height, width), np.int8)
    # Ways begin anywhere, but prefer the middle: nothing is gained by cutting elsewhere.
    spent[0] = ink[0] + _THROUGH_PAPER * np.abs(np.arange(width) - width // 2)
    options = np.full((3, width), np.inf, np.float32)  # from the left, from straight above, from the right
    columns = np.arange(width)
    for row in range(1, height):
        above = spent[row - 1]
        options[0, 1:], options[1], options[2, :-1] = above[:-1] + _SIDEWAYS, above, above[1:] + _SIDEWAYS
        best = options.argmin(axis=0)
        came[row] = best - 1
        spent[row] = ink[row] + options[best, columns]
    way = np.empty(height, np.intp)
    way[-1] = int(spent[-1].argmin())
    for row in range(height - 1, 0, -1):
        way[row - 1] = way[row] + came[row, way[row]]
    return way, float(ink[np.arange(height), way].sum())


def _different(offered: list[Cut], apart: float) -> list[Cut]:
    """Without those that run where another runs already."""
    kept: list[Cut] = []
    for cut in offered:
        if all(float(np.abs(cut.columns - other.columns).mean()) >= apart for other in kept):
            kept.append(cut)
    return sorted(kept, key=lambda cut: float(cut.columns.mean()))
