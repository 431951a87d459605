"""Medians of many pixels from the histogram of their 256 levels: a fraction of the time that sorting takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["counted", "distances", "lower_median", "quantile"]


def counted(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Count each level in uint8 (H, W): float64 (256,); exact below 2²⁴ pixels, as OpenCV counts in float32.

    >>> counted(np.array([[3, 3, 5]], np.uint8))[:6]
    array([0., 0., 0., 2., 0., 1.])
    """
    return cv2.calcHist([pixels], [0], None, [256], [0, 256]).ravel().astype(np.float64)


def distances(counts: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    """Count each distance from a level, to either side: float64 (256,).

    counts: float64 (N,), N up to 256, of the levels 0 to N - 1; level: below N

    >>> distances(np.array([1.0, 4.0, 2.0, 7.0]), 1)[:4]
    array([4., 3., 7., 0.])
    """
    result = np.zeros(256)
    result[: len(counts) - level] = counts[level:]
    result[1 : level + 1] += counts[:level][::-1]
    return result


def lower_median(counts: NDArray[np.float64]) -> int:
    """Return the median; if two are in the middle, the lower one."""
    cumulative = counts.cumsum()
    return int(cumulative.searchsorted(cumulative[-1] / 2))


def median_and_spread(counts: NDArray[np.float64]) -> tuple[int, int]:
    """Return the lower median, and the lower median of the distances from it.

    >>> median_and_spread(np.array([0.0, 5.0, 1.0, 1.0])), median_and_spread(np.array([2.0, 2.0, 1.0, 1.0]))
    ((1, 0), (1, 1))
    """
    cumulative = counts.cumsum()
    half = cumulative[-1] / 2
    middle = int(cumulative.searchsorted(half))
    if counts[middle] >= half:  # at least half are at distance 0
        return middle, 0
    return middle, lower_median(distances(counts, middle))


def quantile(counts: NDArray[np.float64], share: float) -> float:
    """Return the level below which this share lies, interpolated linearly between levels, as by `np.quantile`.

    >>> quantile(np.array([1.0, 0.0, 1.0, 2.0]), 0.5), quantile(np.array([0.0, 9.0, 1.0, 1.0]), 0.9)
    (2.5, 2.0)
    """
    cumulative = counts.cumsum()
    last = int(cumulative[-1]) - 1
    position = share * last
    below = int(position)
    lower, upper = (int(cumulative.searchsorted(rank, side="right")) for rank in (below, min(below + 1, last)))
    return lower + (position - below) * (upper - lower)
