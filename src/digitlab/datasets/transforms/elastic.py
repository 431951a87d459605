"""Elastic deformation (Simard, Steinkraus and Platt 2003): smooth random displacement of pixels.

The paper smooths a random field with a Gaussian; here random displacements on a coarse grid are interpolated by cubic
splines, which is as smooth at a fiftieth of the cost.
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

PULL = 0.9  # pixels; standard deviation of the displacement at a knot, for x and y
_KNOTS = 5  # along each side: seven pixels apart, about the scale of a stroke's bend
# The weight of each knot for each of 28 pixels.
_SHARES = cv2.resize(np.eye(_KNOTS, dtype=np.float32), (_KNOTS, 28), interpolation=cv2.INTER_CUBIC)


def deform(images: NDArray[np.uint8], rng: np.random.Generator, *, pull: float = PULL) -> NDArray[np.uint8]:
    """Deformed images, black outside: uint8 (N, 28, 28) → uint8 (N, 28, 28).

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
    """Displacements in x and y at each knot, float32 (count, 2, 5, 5), pixels; row i does not depend on ``count``."""
    return rng.standard_normal((count, 2, _KNOTS, _KNOTS), np.float32) * np.float32(pull)
