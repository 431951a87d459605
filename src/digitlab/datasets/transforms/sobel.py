"""The Sobel image: edges, independent of brightness and polarity (thesis S0, §4.1.2).

|gx| + |gy| of the Sobel kernels of size 5, scaled to 0..255 and truncated to integers. S0 prints the kernels of size
3, but its code used size 5 in floating point, as is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.transforms.batches import require_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["edge_strength", "sobel_images", "to_full_range"]

_TOGETHER = 100  # images per call of OpenCV: their canvas of 360 kB fits the L2 cache


def sobel_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Compute the Sobel image of each: uint8 (N, 28, 28) → uint8 (N, 28, 28). A constant image gives zeros.

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
    """Compute |gx| + |gy| with kernels of size 5: (N, 28, 28) → float32 (N, 28, 28).

    Exact on every processor for integers up to 65,535: no sum exceeds 2**24, up to which float32 is exact.
    """
    canvas = np.empty((len(images), 32, 28), np.float32)
    # OpenCV's reflected border, abcd → cb|abcd|cb, added explicitly, so that one call can process the stacked images.
    canvas[:, :2] = images[:, 2:0:-1]
    canvas[:, 2:30] = images
    canvas[:, 30:] = images[:, 26:24:-1]
    stack = canvas.reshape(-1, 28)
    strength = np.abs(cv2.Sobel(stack, cv2.CV_32F, 1, 0, ksize=5))
    strength += np.abs(cv2.Sobel(stack, cv2.CV_32F, 0, 1, ksize=5))
    return strength.reshape(-1, 32, 28)[:, 2:30]


def to_full_range(strength: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale each image's minimum to 0 and maximum to 255, truncated to integers: (N, 28, 28) → uint8 (N, 28, 28).

    For integers this is exactly floor(255 · (g - min) / (max - min)). S0's cv2.normalize multiplies by a rounded
    quotient and is sometimes one less where the exact value is an integer (254 for 255, in one image of seven).
    """
    flat = strength.reshape(len(strength), -1).astype(np.float64)
    flat -= flat.min(1, keepdims=True)
    highest = flat.max(1, keepdims=True)
    flat *= 255
    flat /= np.where(highest > 0, highest, 1)
    return flat.astype(np.uint8).reshape(strength.shape)
