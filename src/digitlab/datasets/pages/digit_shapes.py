"""What other hands add to a digit: a bar through the 7, a slash or dot in the 0, a foot under the 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["with_bar", "with_foot", "with_slash"]


def _stroke(alpha: NDArray[np.uint8]) -> float:
    """The stroke's thickness in pixels: four times the mean distance of its ink from its edge."""
    distances = cv2.distanceTransform((alpha >= 128).astype(np.uint8), cv2.DIST_L2, 3)
    inside = distances[distances > 0]
    return float(max(1.0, 4 * inside.mean() - 1)) if len(inside) else 1.0


def _line(alpha: NDArray[np.uint8], start: tuple[float, float], end: tuple[float, float], thickness: float) -> None:
    """Draw a stroke into ``alpha``, with smooth edges (coordinates in 1/16 pixels inside OpenCV)."""
    points = [tuple(round(16 * value) for value in point) for point in (start, end)]
    cv2.line(alpha, points[0], points[1], 255, max(1, round(thickness)), cv2.LINE_AA, 4)


def with_bar(alpha: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A 7 with a bar across its stem, unless it has one."""
    height = len(alpha)
    widths = (alpha >= 128).sum(1)
    lower = widths[height * 2 // 5 : height * 4 // 5]
    if not lower.any() or lower.max() > 2 * np.median(lower[lower > 0]):
        return alpha
    alpha = np.pad(alpha, height // 4)
    row = round(height // 4 + height * rng.uniform(0.42, 0.62))
    columns = np.flatnonzero(alpha[row] >= 128)
    if not len(columns):
        return alpha
    x, reach, rise = columns.mean(), height * rng.uniform(0.15, 0.27), height * rng.normal(0, 0.04)
    _line(alpha, (x - reach, row + rise), (x + reach, row - rise), _stroke(alpha) * rng.uniform(0.8, 1.0))
    return alpha


def with_slash(alpha: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A 0 with a slash or a dot in it, unless something is there."""
    height, width = alpha.shape
    middle = alpha[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5]
    if not middle.size or middle.max() >= 128:
        return alpha
    alpha = np.pad(alpha, height // 8)
    centre_x, centre_y = alpha.shape[1] / 2, alpha.shape[0] / 2
    thickness = _stroke(alpha)
    if rng.random() < 0.3:
        _line(alpha, (centre_x, centre_y - 0.03 * height), (centre_x, centre_y + 0.03 * height), 1.3 * thickness)
        return alpha
    reach_x, reach_y = width * rng.uniform(0.28, 0.55), height * rng.uniform(0.25, 0.52)
    _line(alpha, (centre_x - reach_x, centre_y + reach_y), (centre_x + reach_x, centre_y - reach_y), 0.9 * thickness)
    return alpha


def with_foot(alpha: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A 1 with a line under it, unless it has one."""
    height = len(alpha)
    rows = np.flatnonzero((alpha >= 128).any(1))
    if not len(rows) or (alpha[rows[-1] - len(rows) // 12] >= 128).sum() > 2.2 * _stroke(alpha):
        return alpha
    pad = height // 4
    alpha = np.pad(alpha, pad)
    row = rows[-1] + pad
    x, reach, rise = (
        np.flatnonzero(alpha[row] >= 128).mean(),
        height * rng.uniform(0.15, 0.3),
        height * rng.normal(0, 0.02),
    )
    thickness = _stroke(alpha)
    _line(alpha, (x - reach, row - thickness / 2 + rise), (x + reach, row - thickness / 2 - rise), 0.9 * thickness)
    return alpha
