"""Corruptions by drawing (dotted line, zigzag, Canny edges) and geometry (shear, scale, rotate, translate).

The geometric ones are about the centre, bilinear, 0 outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.transforms.batches import require_images, rounded
from digitlab.datasets.transforms.warp import about_centre, warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["canny_edges", "dotted_line", "rotate", "scale", "shear", "translate", "zigzag"]

LINE_REACH = 2.3  # pixels from a line's middle to where its brightness, 1 + log(1 - distance / reach), is undefined
ZIGZAG_FIRST, ZIGZAG_LAST = 2, 25  # columns
TOOTH = 2.0  # pixels: a quarter of a zigzag's period, and its height above the middle
CANNY_DEVIATION, CANNY_LOW, CANNY_HIGH = 1.0, 0.1, 0.2  # pixels; thresholds as shares of white, for kernels of size 3


def dotted_line(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a light dotted line from edge to edge, two columns off, two on; its ends are in random rows."""
    ends = rng.integers(0, 27, (len(require_images(images)), 2))
    columns, rows = np.arange(28), np.arange(28)[:, None]
    middle = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * columns / 27  # (N, 28): the line's row in each column
    line = _light(rows - middle[:, None, :])
    line[:, :, columns % 4 < 2] = 0
    return rounded(images + 255 * line)


def zigzag(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a light zigzag from column 2 to 25, from a random row to one at most five away; teeth 4 wide and 4 high."""
    starts = rng.integers((0, -5), (27, 5), (len(require_images(images)), 2))
    across = np.arange(28.0) - ZIGZAG_FIRST
    down = np.arange(28.0)[:, None] - starts[:, 0, None, None]
    slopes = np.arctan2(starts[:, 1], ZIGZAG_LAST - ZIGZAG_FIRST)[:, None, None]
    along = across * np.cos(slopes) + down * np.sin(slopes)  # (N, 28, 28): the line's own coordinates
    aside = down * np.cos(slopes) - across * np.sin(slopes)
    # A triangular wave with a period of four teeth; distances are perpendicular to the line, not to the tooth.
    wave = TOOTH - np.abs((along - TOOTH) % (4 * TOOTH) - 2 * TOOTH)
    light = _light(aside + wave)
    light[(along < 0) | (along > (ZIGZAG_LAST - ZIGZAG_FIRST) / np.cos(slopes))] = 0
    return rounded(images + 255 * light)


def canny_edges(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:  # noqa: ARG001 (one signature for all)
    """Replace images by their Canny edges, one pixel wide, after a Gaussian blur; not random."""
    results = np.empty(require_images(images).shape, np.uint8)
    for row, image in enumerate(images):
        soft = cv2.GaussianBlur(image, (9, 9), CANNY_DEVIATION, borderType=cv2.BORDER_CONSTANT)
        results[row] = cv2.Canny(soft, 255 * CANNY_LOW, 255 * CANNY_HIGH, L2gradient=True)
    return results


def _light(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the brightness of a line, 0..1, at these distances in pixels from its middle."""
    near = np.minimum(np.abs(distances), LINE_REACH - 1e-9)
    return np.asarray(np.clip(1 + np.log(1 - near / LINE_REACH), 0, 1))


SHEAR = 0.4  # radians: severity 2
ROTATION = 0.4  # radians, 23°: severity 2
SCALE = 0.7  # severity 3
SHIFT = 3.0  # pixels: severity 3


def shear(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shear by 0.4 radians to the left or right, with equal probability."""
    angles = SHEAR * _signs(rng, len(require_images(images)))
    ones, zeros = np.ones(len(images)), np.zeros(len(images))
    linear = np.array([[ones, -np.sin(angles)], [zeros, np.cos(angles)]]).transpose(2, 0, 1)
    return warp(images, about_centre(linear))


def rotate(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rotate by 0.4 radians (23°) to the left or right, with equal probability."""
    angles = ROTATION * _signs(rng, len(require_images(images)))
    linear = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    return warp(images, about_centre(linear))


def scale(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:  # noqa: ARG001 (one signature for all)
    """Scale to 0.7 of the size; not random."""
    return warp(images, about_centre(np.tile(np.eye(2) / SCALE, (len(require_images(images)), 1, 1))))


def translate(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shift by 3 pixels sideways and 3 vertically, each direction with equal probability."""
    shifts = SHIFT * _signs(rng, 2 * len(require_images(images))).reshape(-1, 2)
    return warp(images, about_centre(np.tile(np.eye(2), (len(images), 1, 1)), shifts))


def _signs(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Draw -1 or 1 with equal probability: float64 (count,)."""
    return np.where(rng.random(count) < 0.5, -1.0, 1.0)
