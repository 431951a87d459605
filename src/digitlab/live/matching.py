"""Match the boxes of a frame with those of the previous frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.values import Box

__all__ = [
    "GROWN",
    "JITTER",
    "SHRUNK",
    "distance",
    "is_smaller",
    "longest_side",
    "moved_on",
    "overlapping",
    "same_size",
    "share_within",
    "shift",
]

_OVERLAP = 0.4  # minimum share of the smaller box: a digit that is being written keeps its track while its box grows
GROWN, SHRUNK, JITTER = 1.08, 0.8, 1  # factors of a box's longest side, and pixels


def overlapping(new: Sequence[Box], old: Sequence[Box]) -> list[tuple[int, int, float]]:
    """Match new boxes with old ones greedily, best first; return their indices and their overlap."""
    scores = _overlaps(new, old)
    pairs: list[tuple[int, int, float]] = []
    for flat in np.argsort(-scores, axis=None, kind="stable"):
        row, column = divmod(int(flat), len(old))
        if scores[row, column] <= 0.0:
            break
        if all(row != r and column != c for r, c, _ in pairs):
            pairs.append((row, column, float(scores[row, column])))
    return pairs


def shift(before: Sequence[Box], now: Sequence[Box]) -> tuple[float, float]:
    """Return how far boxes moved, x and y in pixels: the median motion of their centres."""
    if not before:
        return 0.0, 0.0
    steps = np.asarray(now, np.float64) - np.asarray(before, np.float64)
    right, down = np.median((steps[:, :2] + steps[:, 2:]) / 2.0, axis=0)
    return float(right), float(down)


def moved_on(box: Box, by: tuple[float, float]) -> Box:
    """Move a box by this many pixels to the right and down."""
    right, down = round(by[0]), round(by[1])
    return box[0] + right, box[1] + down, box[2] + right, box[3] + down


def share_within(box: Box, other: Box) -> float:
    """Return the fraction of a box that lies within another."""
    wide = min(box[2], other[2]) - max(box[0], other[0])
    high = min(box[3], other[3]) - max(box[1], other[1])
    return max(0, wide) * max(0, high) / max(1, (box[2] - box[0]) * (box[3] - box[1]))


def distance(box: Box, other: Box) -> float:
    """Return the distance between the centres of two boxes, in pixels."""
    return float(np.hypot(box[0] + box[2] - other[0] - other[2], box[1] + box[3] - other[1] - other[3])) / 2.0


def is_smaller(box: Box, other: Box) -> bool:
    """Return whether a box is clearly smaller than the other."""
    return longest_side(box) < SHRUNK * longest_side(other) - JITTER


def same_size(box: Box, other: Box) -> bool:
    """Return whether neither box is clearly smaller than the other."""
    return not is_smaller(box, other) and not is_smaller(other, box)


def longest_side(box: Box) -> int:
    """Return the longest side of a box, in pixels."""
    return max(box[2] - box[0], box[3] - box[1])


def _overlaps(new: Sequence[Box], old: Sequence[Box]) -> NDArray[np.float64]:
    """Compute the IoU of boxes, float64 (new, old); 0 where they share too little of the smaller box."""
    first, second = np.asarray(new, np.float64)[:, None], np.asarray(old, np.float64)[None]  # (N, 1, 4), (1, M, 4)
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    common = np.clip(sides, 0.0, None).prod(-1)
    areas = (first[..., 2:] - first[..., :2]).prod(-1), (second[..., 2:] - second[..., :2]).prod(-1)
    smaller = np.maximum(np.minimum(*areas), 1.0)
    union = np.maximum(areas[0] + areas[1] - common, 1.0)
    return np.where(common >= _OVERLAP * smaller, common / union, 0.0)
