"""Elastic changes (Simard, Steinkraus and Platt 2003): the paper is rubber, and each place of it is pulled a little.

They smooth a field of random numbers with a Gaussian; here a few random pulls are drawn on a coarse grid and joined by
cubic curves, which is as smooth and costs a fiftieth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.transforms.batches import require_images
from digitlab.datasets.transforms.warp import sample_at
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PULL", "deform", "draw_pulls"]

PULL = 0.9  # pixels; the deviation of the pull at a knot, each of x and y
_KNOTS = 5  # along each side: seven pixels from one to the next, about a stroke's bend
# What each knot gives to each of 28 pixels in between.
_SHARES = cv2.resize(np.eye(_KNOTS, dtype=np.float32), (_KNOTS, 28), interpolation=cv2.INTER_CUBIC)


def deform(images: NDArray[np.uint8], rng: np.random.Generator, *, pull: float = PULL) -> NDArray[np.uint8]:
    """Images pulled out of shape, black outside: uint8 (N, 28, 28) → uint8 (N, 28, 28).

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
        UsageError: when the pull is not 0 to 10 pixels.
    """
    require_images(images)
    if not 0 <= pull <= 10:
        raise UsageError(f"pull is {pull}; expected 0 to 10 pixels")
    fields = np.asarray(_SHARES @ draw_pulls(rng, len(images), pull) @ _SHARES.T, np.float32)  # (N, 2, 28, 28)
    pixels = np.arange(28, dtype=np.float32)
    fields[:, 0] += pixels
    fields[:, 1] += pixels[:, None]
    return sample_at(images, fields)


def draw_pulls(rng: np.random.Generator, count: int, pull: float = PULL) -> NDArray[np.float32]:
    """Pulls in x and y at each knot, float32 (count, 2, 5, 5), in pixels; row i does not depend on ``count``."""
    return rng.standard_normal((count, 2, _KNOTS, _KNOTS), np.float32) * np.float32(pull)
