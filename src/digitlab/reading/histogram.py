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
    away = np.zeros(256)
    away[: len(counts) - level] = counts[level:]
    away[1 : level + 1] += counts[:level][::-1]
    return away


def lower_median(counts: NDArray[np.float64]) -> int:
    """Return the median; if two are in the middle, the lower one."""
    upto = counts.cumsum()
    return int(upto.searchsorted(upto[-1] / 2))


def median_and_spread(counts: NDArray[np.float64]) -> tuple[int, int]:
    """Return the lower median, and the lower median of the distances from it.

    >>> median_and_spread(np.array([0.0, 5.0, 1.0, 1.0])), median_and_spread(np.array([2.0, 2.0, 1.0, 1.0]))
    ((1, 0), (1, 1))
    """
    upto = counts.cumsum()
    half = upto[-1] / 2
    middle = int(upto.searchsorted(half))
    if counts[middle] >= half:  # at least half are at distance 0
        return middle, 0
    return middle, lower_median(distances(counts, middle))


def quantile(counts: NDArray[np.float64], share: float) -> float:
    """Return the level below which this share lies, interpolated linearly between levels, as by `np.quantile`.

    >>> quantile(np.array([1.0, 0.0, 1.0, 2.0]), 0.5), quantile(np.array([0.0, 9.0, 1.0, 1.0]), 0.9)
    (2.5, 2.0)
    """
    upto = counts.cumsum()
    last = int(upto[-1]) - 1
    place = share * last
    below = int(place)
    lower, upper = (int(upto.searchsorted(each, side="right")) for each in (below, min(below + 1, last)))
    return lower + (place - below) * (upper - lower)
