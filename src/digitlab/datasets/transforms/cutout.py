"""Cutout (DeVries and Taylor 2017): hide a square of each training image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.transforms.batches import require_images
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SIZE", "cut_out", "draw_squares"]

SIZE = 8  # pixels; such squares hide 8 % of the ink of MNIST's digits


def cut_out(images: NDArray[np.uint8], rng: np.random.Generator, *, size: int = SIZE) -> NDArray[np.uint8]:
    """Replace a square of each image by zeros: uint8 (N, 28, 28) → uint8 (N, 28, 28).

    The square's centre may be any pixel, so some squares reach over the border and hide less.

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
        UsageError: when the size is not 1 to 28.
    """
    require_images(images)
    if not 1 <= size <= 28:
        raise UsageError(f"the size of cutout's square is {size}; expected 1 to 28 pixels")
    starts = draw_squares(rng, len(images), size)
    distance = np.arange(28) - starts[:, :, None]  # (N, 2, 28)
    hidden = (distance >= 0) & (distance < size)
    return np.where(hidden[:, 0, :, None] & hidden[:, 1, None, :], np.uint8(0), images)


def draw_squares(rng: np.random.Generator, count: int, size: int = SIZE) -> NDArray[np.int64]:
    """Draw the first row and column of each square, int64 (count, 2); some lie outside the image."""
    return np.asarray(rng.integers(0, 28, (count, 2)) - size // 2)
