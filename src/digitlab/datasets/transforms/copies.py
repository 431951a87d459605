"""Copies for test-time augmentation: fixed small shifts and rotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.transforms.batches import require_images
from digitlab.datasets.transforms.warp import about_centre, warp
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["MOST_COPIES", "mean_answer", "tta_copies"]

# (degrees, pixels to the right, pixels down), in pairs that cancel out: networks work best on centred, upright digits,
# and an odd number of copies keeps the mean position.
_MOVES = (
    (0, 0, 0),
    (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1),
    (6, 0, 0), (-6, 0, 0),
    (0, 1, 1), (0, -1, -1), (0, 1, -1), (0, -1, 1),
    (6, 1, 0), (-6, -1, 0), (6, -1, 0), (-6, 1, 0), (6, 0, 1), (-6, 0, -1), (6, 0, -1), (-6, 0, 1),
)  # fmt: skip
MOST_COPIES = len(_MOVES)


def tta_copies(images: NDArray[np.uint8], count: int) -> Iterator[NDArray[np.uint8]]:
    """Make ``count`` copies of the images, uint8 (N, 28, 28) each: unchanged, then shifted by a pixel or rotated by 6°.

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
        UsageError: when the count is not 1 to MOST_COPIES.
    """
    require_images(images)
    if not 1 <= count <= MOST_COPIES:
        raise UsageError(f"{count} copies of each image were requested; expected 1 to {MOST_COPIES}")
    return (images if move == _MOVES[0] else _moved(images, *move) for move in _MOVES[:count])


def mean_answer(
    answer: Callable[[NDArray[np.uint8]], NDArray[np.floating]],
    images: NDArray[np.uint8],
    count: int,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float32]:
    """Compute the mean prediction over ``count`` copies of the images: float32 (N, 10).

    on_progress: called with the number of copies done, from 0

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
        UsageError: when the count is not 1 to MOST_COPIES.
    """
    copies = tta_copies(images, count)
    on_progress(0)
    total = np.asarray(answer(next(copies)), np.float64)
    for done, copy in enumerate(copies, start=1):
        on_progress(done)
        total = total + answer(copy)
    on_progress(count)
    return np.asarray(total / count, np.float32)


def _moved(images: NDArray[np.uint8], degrees: float, right: float, down: float) -> NDArray[np.uint8]:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = about_centre(turn[None], np.array([[-right, -down]], np.float64))  # from positions in the result
    return warp(images, np.broadcast_to(matrix, (len(images), 2, 3)))
