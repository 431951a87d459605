"""Augmentation for photos: variation of handwriting, pens and cameras.

Random stroke width, rotation, slant, size, position, sharpness, ink and grain for each image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.transforms.batches import require_images, rounded
from digitlab.datasets.transforms.warp import about_centre, warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["draw_hands", "vary_handwriting", "vary_strokes"]

ROTATION = 9.0  # degrees; this and the next three are standard deviations
SLANT = 0.12  # horizontal shear, pixels per pixel
SIZE = 0.1  # of the logarithm of width and of height, independent
SHIFT = 0.8  # pixels
STROKES = (-0.8, 1.8)  # pixels of growth; an erosion by a whole pixel would break thin strokes
BLUR = 0.9  # pixels; largest standard deviation of the Gaussian
INK = (0.6, 1.0)  # level of full ink, of 1
GAMMA = 0.3  # largest absolute logarithm of gamma: soft or hard stroke borders
GRAIN = 0.06  # largest standard deviation of the noise, of 1
_FURTHEST = 2.5  # standard deviations at which normal numbers are clipped: a digit must stay upright and in the frame

_TOGETHER = 100  # images whose float copies fit the L2 cache


def vary_handwriting(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Augment images: uint8 (N, 28, 28) → uint8 (N, 28, 28).

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
    """
    require_images(images)
    geometry, looks, noises = rng.spawn(3)  # so that row i does not depend on the number of rows
    results = warp(images, draw_hands(geometry, len(images)))
    drawn = looks.random((len(images), 5), np.float32)
    for start in range(0, len(images), _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        growth, blur, ink, gamma, grain = drawn[rows].T[:, :, None, None]
        strokes = vary_strokes(results[rows], STROKES[0] + growth * (STROKES[1] - STROKES[0]))
        soft = _softened(strokes, blur * BLUR)
        soft **= np.exp((2 * gamma - 1) * GAMMA)
        soft *= INK[0] + ink * (INK[1] - INK[0])
        soft += noises.standard_normal(soft.shape, np.float32) * (grain * GRAIN)
        results[rows] = rounded(soft * 255)
    return results


def draw_hands(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Draw random matrices for `warp`, float64 (count, 2, 3); matrix i does not depend on ``count``."""
    normal = np.clip(rng.standard_normal((count, 6)), -_FURTHEST, _FURTHEST)
    turn, slant = np.deg2rad(normal[:, 0] * ROTATION), normal[:, 1] * SLANT
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).transpose(2, 0, 1)
    shear = np.array([[np.ones(count), slant], [np.zeros(count), np.ones(count)]]).transpose(2, 0, 1)
    sizes = np.exp(normal[:, 2:4] * SIZE)
    return about_centre(rotation @ shear / sizes[:, None, :], normal[:, 4:] * SHIFT)


def vary_strokes(images: NDArray[np.uint8], growth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make strokes wider or thinner, symmetrically: uint8 (N, 28, 28) → float32 (N, 28, 28), 0..1.

    growth: pixels of stroke width, float32 (N, 1, 1), -1 to 2; an image's maximum is kept
    """
    # At double size the smallest kernel moves each border by half a pixel: a stroke grows by one pixel.
    double = cv2.resize(_stacked(images), None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    wider = cv2.dilate(double, cross)
    widest = cv2.dilate(wider, np.ones((3, 3), np.uint8))  # a cross and a square: nearly a circle
    widths = [_halved(width) for width in (cv2.erode(double, cross), double, wider, widest)]
    strokes = _between(widths, (-1, 0, 1, 2), growth)
    highest = np.maximum(strokes.max((1, 2), keepdims=True), 1e-3)
    strokes *= images.max((1, 2), keepdims=True) / np.float32(255) / highest
    return strokes


def _softened(images: NDArray[np.float32], deviations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Apply a Gaussian blur of 0 to `BLUR` pixels, mixed from three strengths: float32 (N, 28, 28) → the same."""
    stack = _stacked(images)
    half, full = (_unstacked(cv2.GaussianBlur(stack, (5, 5), deviation)) for deviation in (BLUR / 2, BLUR))
    return _between([images, half, full], (0, BLUR / 2, BLUR), deviations)


def _between(
    levels: list[NDArray[np.float32]], positions: tuple[float, ...], target: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Interpolate linearly between the levels (N, 28, 28) at ``positions``."""
    result = levels[0].copy()
    for lower, upper, start, end in zip(levels, levels[1:], positions, positions[1:], strict=False):
        result += (upper - lower) * np.clip((target - start) / (end - start), 0, 1)
    return result


def _stacked(images: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Stack (N, 28, 28) as one image for OpenCV, (N * 32, 32), with a border of two zero pixels around each."""
    stack = np.zeros((len(images), 32, 32), images.dtype)
    stack[:, 2:30, 2:30] = images
    return stack.reshape(-1, 32)


def _unstacked(stack: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.asarray(stack, np.float32).reshape(-1, 32, 32)[:, 2:30, 2:30]


def _halved(double: NDArray[np.generic]) -> NDArray[np.float32]:
    """Halve uint8 (N * 64, 64) to float32 (N, 28, 28), 0..1, each the mean of four pixels."""
    single = cv2.resize(np.asarray(double, np.float32), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return _unstacked(single) / np.float32(255)
