"""Digits that touch: where a stroke of ink may be cut so that two digits stand side by side.

Many cuts are offered; which of them is made is decided by reading what they leave (`lattice`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    margin = max(1, round(_MARGIN * size[1]))
    middles = _valleys(_prices(small), margin, max(2, round(_APART * size[1])), most, _DEAREST * size[1])
    if not middles:
        return []
    ways, prices = _cheapest(small, middles, reach)
    rows = (np.arange(height) * (size[1] / height)).astype(np.intp)
    columns = np.rint(ways[:, rows] / scale).astype(np.intp)
    thickness = max(1.0, stroke * scale)
    offered = [Cut(each, price / thickness) for each, price in zip(columns, prices, strict=True)]
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


def _cheapest(ink: NDArray[np.float32], middles: Sequence[int], reach: int) -> tuple[NDArray[np.intp], list[float]]:
    """The ways down that cross the least ink, each within ``reach`` of its middle; and how much that is.

    The column in each row, intp (ways, H). All ways are found at once: each step is a handful of calls for tiny arrays.
    """
    height, width = ink.shape
    nearby = np.array(middles)[:, None] + np.arange(-reach, reach + 1)  # (ways, 2 reach + 1): columns of the picture
    first, last = np.maximum(nearby[:, 0], 0), np.minimum(nearby[:, -1], width - 1)
    around = ink[:, np.clip(nearby, 0, width - 1)]  # (H, ways, 2 reach + 1)
    around[:, (nearby < 0) | (nearby >= width)] = np.inf
    # Ways begin anywhere, but prefer the middle: nothing is gained by cutting elsewhere.
    centre = first + (last - first + 1) // 2
    spent = around[0] + np.asarray(_THROUGH_PAPER * np.abs(nearby - centre[:, None]), np.float32)
    came = np.zeros(around.shape, np.int8)
    options = np.full((3, *spent.shape), np.inf, np.float32)  # from the left, from straight above, from the right
    for row in range(1, height):
        options[0, :, 1:], options[1], options[2, :, :-1] = spent[:, :-1] + _SIDEWAYS, spent, spent[:, 1:] + _SIDEWAYS
        came[row] = options.argmin(axis=0) - 1
        spent = around[row] + options.min(axis=0)
    ways = np.empty((len(middles), height), np.intp)
    each = np.arange(len(middles))
    at = spent.argmin(axis=1)
    for row in range(height - 1, -1, -1):
        ways[:, row] = nearby[each, at]
        at = at + came[row, each, at]
    return ways, [float(ink[np.arange(height), way].sum()) for way in ways]


def _different(offered: list[Cut], apart: float) -> list[Cut]:
    """Without those that run where another runs already."""
    kept: list[Cut] = []
    for cut in offered:
        if all(float(np.abs(cut.columns - other.columns).mean()) >= apart for other in kept):
            kept.append(cut)
    return sorted(kept, key=lambda cut: float(cut.columns.mean()))
