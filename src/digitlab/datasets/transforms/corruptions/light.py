"""Lighting and weather corruptions: brightness, stripe, fog, spatter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.transforms.batches import require_images, rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["brightness", "fog", "plasma", "spatter", "stripe"]

BRIGHTER = 0.5  # of white: severity 5
STRIPE = slice(7, 21)  # columns that are not changed
FOG, FOG_DECAY = 3.0, 1.4  # maximum fog, where white is 1; severity 5
SPATTER_MEAN, SPATTER_DEVIATION, SPATTER_THRESHOLD = 0.65, 0.3, 0.65  # severity 4, as the next three
LIQUID_BLUR, DROP_BLUR, DROP_LIMIT = 1.0, 1.5, 0.8
MUD = 63.0  # grey level
_MAP = 256  # side of a fog map, of which an image takes a corner: fog has structures larger than the image


def brightness(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:  # noqa: ARG001 (one signature for all)
    """Brighten every pixel by half of white, clipped; not random."""
    return rounded(require_images(images) + np.float32(255 * BRIGHTER))


def stripe(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:  # noqa: ARG001 (one signature for all)
    """Invert the left and right quarters, so that the middle half is a dark stripe; not random."""
    results = 255 - require_images(images)
    results[:, :, STRIPE] = images[:, :, STRIPE]
    return results


def fog(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Add fog, a plasma fractal of up to three times white; the sum is scaled back to the image's maximum."""
    results = np.empty(require_images(images).shape, np.uint8)
    for start in range(0, len(images), 20):  # 20 fog maps are 5 MB
        rows = slice(start, start + 20)
        sharp = images[rows] / np.float32(255)
        highest = sharp.max((1, 2), keepdims=True)
        wibbles = rng.random((len(sharp), _MAP, _MAP), np.float32) * 2 - 1
        foggy = sharp + FOG * plasma(wibbles, FOG_DECAY)[:, :28, :28]
        results[rows] = rounded(255 * foggy * highest / (highest + FOG))
    return results


def plasma(wibbles: NDArray[np.float32], decay: float) -> NDArray[np.float32]:
    """Make fractal height maps by the diamond-square method on a torus: float32 (N, S, S) in 0..1, S a power of two.

    wibbles: float32 (N, S, S) in -1..1, each point's deviation from the mean of its four neighbours
    decay: each time the distance halves, deviations are divided by its square (as in the published set)
    """
    heights = np.zeros_like(wibbles)
    size, strength = wibbles.shape[1], 1.0
    while size > 1:
        half = size // 2
        corners = heights[:, ::size, ::size]
        right, below = np.roll(corners, -1, 2), np.roll(corners, -1, 1)
        middles = (corners + right + below + np.roll(below, -1, 2)) / 4 + strength * wibbles[:, half::size, half::size]
        above, left = np.roll(middles, 1, 1), np.roll(middles, 1, 2)
        heights[:, half::size, half::size] = middles
        heights[:, ::size, half::size] = (corners + right + middles + above) / 4 + strength * wibbles[
            :, ::size, half::size
        ]
        heights[:, half::size, ::size] = (corners + below + middles + left) / 4 + strength * wibbles[
            :, half::size, ::size
        ]
        size, strength = half, strength / decay**2
    heights -= heights.min((1, 2), keepdims=True)
    heights /= np.maximum(heights.max((1, 2), keepdims=True), 1e-6)
    return heights


def spatter(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Add mud: cover the image with dark grey where blurred noise is high."""
    noise = rng.standard_normal(require_images(images).shape, np.float32)
    liquid = _gaussian(SPATTER_MEAN + SPATTER_DEVIATION * noise, LIQUID_BLUR)
    drops = _gaussian((liquid > SPATTER_THRESHOLD).astype(np.float32), DROP_BLUR)
    drops[drops < DROP_LIMIT] = 0
    return rounded(images * (1 - drops) + MUD * drops)


def _gaussian(images: NDArray[np.float32], deviation: float) -> NDArray[np.float32]:
    """Apply a Gaussian blur, replicating the border: float32 (N, 28, 28) → the same."""
    size = 2 * round(4 * deviation) + 1  # four deviations, as the published set's filter
    blurred = [cv2.GaussianBlur(image, (size, size), deviation, borderType=cv2.BORDER_REPLICATE) for image in images]
    return np.array(blurred, np.float32).reshape(images.shape)
