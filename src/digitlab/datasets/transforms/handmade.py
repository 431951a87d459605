"""The handmade sets of the thesis S0 (§4.1.3): plain Sobel copies and transformed copies of MNIST's images.

A transformed copy is scaled, rotated, shifted, given noise, and made a Sobel image, in this order. For comparison (the
study `own-preparation`) the last step can be omitted for both kinds: then they are grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from digitlab.datasets.transforms.batches import BLOCK, Seed, generator, in_order, require_images
from digitlab.datasets.transforms.sobel import edge_strength, sobel_images, to_full_range
from digitlab.datasets.transforms.warp import about_centre, warp
from digitlab.errors import UsageError
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "Changes", "Form", "draw_changes", "handmade_blocks", "make_handmade", "move_images", "noisy_sobel",
    "transform_images",
]  # fmt: skip

Form = Literal["grey", "sobel"]

NOISE_DEVIATION = 0.02**0.5  # of Gaussian noise on pixels of 0..1
_TOGETHER = 100  # images whose float copies fit the L2 cache
_LEVELS = 65_535  # levels of noisy pixels: too fine to be seen, coarse enough for exact Sobel sums


@dataclass(frozen=True, slots=True)
class Changes:
    """The geometric changes of N images, before the noise.

    scales: float64 (N,), 0.5 to 1.5, two decimals
    angles: int64 (N,), degrees, -20 to 20, anticlockwise
    shifts: int64 (N, 2), pixels to the right (±2 for an enlarged image, else ±4) and down (-2 to 1, else -4 to 2)
    """

    scales: NDArray[np.float64]
    angles: NDArray[np.int64]
    shifts: NDArray[np.int64]


def make_handmade(
    digits: Digits, plain: int, transformed: int, seed: Seed, *, jobs: int = 1, form: Form = "sobel"
) -> Digits:
    """Make ``plain`` Sobel and ``transformed`` copies of each image: all first copies, then all second ones ….

    Transformed copies depend only on seed, row and copy number: that of 0-1 is the first one of 0-6 and of 1-6.

    Raises:
        UsageError: when a number of copies or the seed is negative, or ``jobs`` is below 1.
    """
    blocks = handmade_blocks(digits, plain, transformed, seed, jobs=jobs, form=form)
    images = np.empty((len(digits) * max(0, plain + transformed), 28, 28), np.uint8)
    start = 0
    for block in blocks:
        images[start : start + len(block)] = block.images
        start += len(block)
    return Digits(images, np.tile(digits.labels, plain + transformed))


def handmade_blocks(
    digits: Digits, plain: int, transformed: int, seed: Seed, *, jobs: int = 1, form: Form = "sobel"
) -> Iterator[Digits]:
    """Yield what `make_handmade` returns, in blocks of at most `BLOCK` rows, at most ``2 * jobs`` of them in memory.

    Raises:
        UsageError: when a number of copies or the seed is negative, or ``jobs`` is below 1.
    """
    if plain < 0 or transformed < 0:
        raise UsageError(f"copies are {plain} plain and {transformed} transformed; expected 0 or more")

    def make(block: tuple[int, int]) -> Digits:
        copy, number = block
        source = digits[slice(number * BLOCK, (number + 1) * BLOCK)]
        if copy < plain:
            return Digits(source.images if form == "grey" else sobel_images(source.images), source.labels)
        images = transform_images(source.images, generator(seed, copy - plain, number), form=form)
        return Digits(images, source.labels)

    blocks = -(-len(digits) // BLOCK)
    pairs = ((copy, number) for copy in range(plain + transformed) for number in range(blocks))
    yield from in_order(make, pairs, jobs=jobs)


def transform_images(images: NDArray[np.uint8], rng: np.random.Generator, *, form: Form = "sobel") -> NDArray[np.uint8]:
    """Make one transformed copy of each image: uint8 (N, 28, 28) → uint8 (N, 28, 28).

    form: "grey" omits the Sobel filter; changes and noise are the same

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
    """
    require_images(images)
    geometry, noises = rng.spawn(2)  # so that row i does not depend on the number of rows
    moved = move_images(images, draw_changes(geometry, len(images)))
    for start in range(0, len(images), _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        normals = noises.standard_normal(moved[rows].shape, np.float32)
        if form == "sobel":
            moved[rows] = noisy_sobel(moved[rows], normals)
        else:
            moved[rows] = np.rint(_noisy(moved[rows], normals) * (255 / _LEVELS))
    return moved


def draw_changes(rng: np.random.Generator, count: int) -> Changes:
    """Draw ``count`` changes from S0's distributions; change i does not depend on ``count``."""
    numbers = rng.random((count, 4))
    scales = np.round(0.5 + numbers[:, 0], 2)
    enlarged = scales[:, None] > 1
    lowest = np.where(enlarged, (-20, -2, -2), (-20, -4, -4))  # angle, right, down
    choices = np.where(enlarged, (41, 5, 4), (41, 9, 7))
    whole = lowest + (numbers[:, 1:] * choices).astype(np.int64)
    return Changes(scales, whole[:, 0], whole[:, 1:])


def move_images(images: NDArray[np.uint8], changes: Changes) -> NDArray[np.uint8]:
    """Scale, rotate, shift: uint8 (N, 28, 28) → uint8 (N, 28, 28), 0 outside."""
    pixels = np.arange(28)
    sizes = np.rint(28 * changes.scales).astype(np.int64)
    starts = -((sizes - 28) // 2)  # position of the scaled image's first pixel: padding, or minus the crop
    scales = np.where(sizes == 28, 1, changes.scales)  # OpenCV's resize, used in S0, does not change such an image
    scaling = np.zeros((len(images), 2, 3))
    scaling[:, 0, 0] = scaling[:, 1, 1] = 1 / scales
    scaling[:, :, 2] = ((0.5 - starts) / scales - 0.5)[:, None]
    inside = (pixels >= starts[:, None]) & (pixels < (starts + sizes)[:, None])
    scaled = _keep(warp(images, scaling, "nearest"), inside, inside)

    radians = np.deg2rad(changes.angles)
    turns = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]]).transpose(2, 0, 1)
    origins = pixels - changes.shifts[:, :, None]  # (N, 2, 28): each column and row before the shift
    inside = (origins >= 0) & (origins < 28)  # what the rotation moves out of the frame is lost, as in three steps
    return _keep(warp(scaled, about_centre(turns, -changes.shifts.astype(np.float64))), inside[:, 0], inside[:, 1])


def noisy_sobel(images: NDArray[np.uint8], normals: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Add noise, then compute the Sobel image: uint8 (N, 28, 28); ``normals``, of the same shape, are overwritten."""
    return to_full_range(edge_strength(_noisy(images, normals)))


def _noisy(images: NDArray[np.uint8], normals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale pixels to 0 … `_LEVELS` and add noise; the result overwrites ``normals``."""
    normals *= NOISE_DEVIATION * _LEVELS
    normals += np.multiply(images, _LEVELS // 255, dtype=np.float32)
    return np.clip(np.rint(normals, out=normals), 0, _LEVELS, out=normals)


def _keep(images: NDArray[np.uint8], columns: NDArray[np.bool_], rows: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Set to 0, in place, all but the marked columns and rows, bool (N, 28) each."""
    images *= columns[:, None, :]
    images *= rows[:, :, None]
    return images
