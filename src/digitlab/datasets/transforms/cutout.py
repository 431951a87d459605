"""Cutout (DeVries and Taylor 2017): a square of each training image is hidden, so that no single stroke decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.transforms.batches import require_images
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cut_out"]


def cut_out(images: NDArray[np.uint8], rng: np.random.Generator, *, size: int = 8) -> NDArray[np.uint8]:
    """The images with a square of zeros in each: uint8 (N, 28, 28) → uint8 (N, 28, 28).

    The square's centre is any pixel, so that some squares reach beyond the border and hide less. Of the ink of MNIST's
    digits, squares of 8×8 hide 8 %.

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
        UsageError: when the size is not 1 to 28.
    """
    require_images(images)
    if not 1 <= size <= 28:
        raise UsageError(f"the size of cutout's square is {size}; expected 1 to 28 pixels")
    starts = rng.integers(0, 28, (len(images), 2)) - size // 2
    distance = np.arange(28) - starts[:, :, None]  # (N, 2, 28)
    hidden = (distance >= 0) & (distance < size)
    return np.where(hidden[:, 0, :, None] & hidden[:, 1, None, :], np.uint8(0), images)
