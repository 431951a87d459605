"""Normalise the ink of one digit to the 28×28 image that networks expect, as MNIST's authors did."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["normalise", "stroke_width"]

_SIDE = 28
_LONGEST = 20  # pixels: the digit's longest side
_FINE = 4  # strokes are thickened at this multiple of the final size
_BOLDEST = 4.0
_THINNEST = 1.8


def normalise(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Convert the ink of one digit, float32 (H, W) of 0 … 1 cropped to it, to uint8 (28, 28), light on dark.

    The longest side is scaled to 20 pixels, smoothly; the centre of mass is moved to the middle; the brightest pixel
    becomes 255. Hairlines are thickened to stroke widths that networks have seen.
    """
    small = _resized(_with_even_strokes(ink), _LONGEST)
    height, width = small.shape
    # Not with cv2.moments, which would take two columns of floats (a hairline) for a list of points.
    columns, rows = small.sum(axis=0, dtype=np.float64), small.sum(axis=1, dtype=np.float64)
    mass = columns.sum() + 1e-6
    left = min(max(round(_SIDE / 2 - columns @ np.arange(width) / mass), 0), _SIDE - width)
    top = min(max(round(_SIDE / 2 - rows @ np.arange(height) / mass), 0), _SIDE - height)
    brightest = max(cv2.minMaxLoc(small)[1], 1e-6)
    canvas = np.zeros((_SIDE, _SIDE), np.uint8)
    canvas[top : top + height, left : left + width] = cv2.convertScaleAbs(small, alpha=255.0 / brightest)
    return canvas


def _resized(ink: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    height, width = ink.shape
    scale = longest / max(height, width)
    if scale == 1.0:
        return ink
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    interpolation = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(ink, size, interpolation=interpolation), np.float32)


def _with_even_strokes(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Change the strokes to between _THINNEST and _BOLDEST pixels wide at the final size."""
    width = stroke_width(ink) * _LONGEST / max(ink.shape)
    change = round((min(max(width, _THINNEST), _BOLDEST) - width) * _FINE)  # pixels across, at the fine size
    if not change:
        return ink
    fine = _resized(ink, _LONGEST * _FINE)
    brush = _brush(abs(change) + 1)
    if change < 0:
        return np.asarray(cv2.erode(fine, brush), np.float32)
    padded = cv2.copyMakeBorder(fine, change, change, change, change, cv2.BORDER_CONSTANT)
    return np.asarray(cv2.dilate(padded, brush), np.float32)


@functools.cache
def _brush(side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def stroke_width(ink: NDArray[np.float32]) -> float:
    """Return the mean stroke width in pixels, at least 1.

    Across a stroke of w pixels the distances to the nearest paper pixel (1, 2, … 2, 1) average (w + 1)² / 4 w.
    """
    solid = (ink >= 0.5).view(np.uint8)
    padded = cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 3)
    twice = 2.0 * cv2.sumElems(distance)[0] / max(1, cv2.countNonZero(solid)) - 1.0
    return twice + max(0.0, twice * twice - 1.0) ** 0.5 if twice > 1.0 else 1.0
