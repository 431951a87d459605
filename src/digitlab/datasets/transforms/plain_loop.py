"""The transformed images of the thesis S0, one at a time, step by step, in float64: the reference implementation.

It is the speed baseline of `digitlab bench data`, and the reference in the tests of `handmade`, which makes the same
images in batches of a hundred. With the same random numbers the two differ by a few grey levels in a few pixels,
because OpenCV's resize uses fixed-point arithmetic (at most 1 level) and the Sobel image is truncated, not rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.transforms.handmade import NOISE_DEVIATION, Changes, draw_changes
from digitlab.datasets.transforms.warp import CENTRE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["move_one", "plain_loop", "sobel_one", "transform_with"]


def plain_loop(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Make one transformed copy of each image: uint8 (N, 28, 28) → uint8 (N, 28, 28)."""
    results = []
    for image in images:
        noise = rng.normal(0, NOISE_DEVIATION, (1, 28, 28))
        results.append(transform_with(image[None], draw_changes(rng, 1), noise)[0])
    return np.array(results, np.uint8).reshape(images.shape)


def transform_with(images: NDArray[np.uint8], changes: Changes, noise: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Make the copies with given changes, and given noise (N, 28, 28) for pixels of 0..1."""
    results = np.empty(images.shape, np.uint8)
    for row, image in enumerate(images):
        moved = move_one(image, changes.scales[row], changes.angles[row], changes.shifts[row])
        results[row] = sobel_one(np.clip(moved / 255 + noise[row], 0, 1))
    return results


def move_one(image: NDArray[np.uint8], scale: float, angle: float, shift: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Scale, rotate, shift: uint8 (28, 28) → uint8 (28, 28), 0 outside."""
    scaled = _centred(np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR), np.uint8))
    turned = cv2.warpAffine(scaled, cv2.getRotationMatrix2D((CENTRE, CENTRE), float(angle), 1), (28, 28))
    right, down = shift
    moved = np.array([[1, 0, right], [0, 1, down]], np.float32)
    return np.asarray(cv2.warpAffine(turned, moved, (28, 28)), np.uint8)


def sobel_one(image: NDArray[np.floating] | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Compute the Sobel image of one image (28, 28) of any range, as in S0's camera program."""
    across = cv2.Sobel(image, cv2.CV_64F, 1, 0, ksize=5)
    upright = cv2.Sobel(image, cv2.CV_64F, 0, 1, ksize=5)
    edges = cv2.add(np.abs(across), np.abs(upright))
    return np.asarray(cv2.normalize(edges, np.empty_like(edges), 0, 255, cv2.NORM_MINMAX)).astype(np.uint8)


def _centred(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Crop the middle 28×28 of a square image; a smaller one is first padded equally with 0 to at least 28."""
    padding = max(0, (28 - len(image) + 1) // 2)
    padded = cv2.copyMakeBorder(image, padding, padding, padding, padding, cv2.BORDER_CONSTANT, value=0)
    start = (len(padded) - 28) // 2
    return np.asarray(padded[start : start + 28, start : start + 28], np.uint8)
