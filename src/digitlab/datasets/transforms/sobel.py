"""The Sobel image: where an image changes, whatever its light and its polarity (S0, §4.1.2).

|gx| + |gy| of the Sobel kernels of size 5, stretched to 0..255 and cut to whole numbers. S0 prints the kernels of size
3; its code used size 5 in floating point, and so do we.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.transforms.batches import require_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["edge_strength", "sobel_images", "to_full_range"]

_TOGETHER = 100  # images in one call of OpenCV: their canvas of 360 kB fits the second-level cache


def sobel_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The Sobel image of each: uint8 (N, 28, 28) → uint8 (N, 28, 28). An image of one grey gives zeros.

    >>> sobel_images(np.eye(28, dtype=np.uint8)[None]).max()
    np.uint8(255)

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
    """
    require_images(images)
    results = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        results[rows] = to_full_range(edge_strength(images[rows]))
    return results


def edge_strength(images: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    """|gx| + |gy|, kernels of size 5: (N, 28, 28) → float32 (N, 28, 28).

    Exact, on every processor, for whole numbers up to 65,535: no sum then exceeds 2**24, where float32 ends to count.
    """
    canvas = np.empty((len(images), 32, 28), np.float32)
    # OpenCV's own border, abcd → cb|abcd|cb, laid out by hand, so that one call can take the stacked images for one.
    canvas[:, :2] = images[:, 2:0:-1]
    canvas[:, 2:30] = images
    canvas[:, 30:] = images[:, 26:24:-1]
    stack = canvas.reshape(-1, 28)
    strength = np.abs(cv2.Sobel(stack, cv2.CV_32F, 1, 0, ksize=5))
    strength += np.abs(cv2.Sobel(stack, cv2.CV_32F, 0, 1, ksize=5))
    return strength.reshape(-1, 32, 28)[:, 2:30]


def to_full_range(strength: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Each image's lowest value to 0 and its highest to 255, cut to whole numbers: (N, 28, 28) → uint8 (N, 28, 28).

    For whole numbers this is floor(255 · (g - min) / (max - min)) exactly. S0's cv2.normalize multiplies by a rounded
    quotient instead and gets one less now and then where the exact value is whole (254 for 255, one image in seven).
    """
    flat = strength.reshape(len(strength), -1).astype(np.float64)
    flat -= flat.min(1, keepdims=True)
    highest = flat.max(1, keepdims=True)
    flat *= 255
    flat /= np.where(highest > 0, highest, 1)
    return flat.astype(np.uint8).reshape(strength.shape)
