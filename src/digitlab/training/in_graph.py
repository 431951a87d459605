"""Augmentation inside the compiled graph, from random numbers that are drawn outside it from the seed.

Produces the same images as `datasets.transforms` with the same generator, to within one of 255 grey levels where a
value lies between two. Written in `keras.ops`, so it runs wherever the network runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.transforms import cutout
from digitlab.datasets.transforms.affine import draw_matrices
from digitlab.models.backend import keras
from digitlab.models.sobel import SobelImage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitlab.datasets.transforms.affine import AffineRanges

ops = keras.ops

__all__ = ["InGraph", "chained", "cutting_out", "making_sobel", "moving"]


@dataclass(frozen=True, slots=True)
class InGraph:
    """An augmentation in two halves: drawing random numbers, and applying them.

    width: random numbers per image
    draw: (generator, count) → float32 (count, width)
    vary: (images (B, 28, 28), numbers (B, width)) → images (B, 28, 28), tensors of whole numbers 0..255
    """

    width: int
    draw: Callable[[np.random.Generator, int], NDArray[np.float32]]
    vary: Callable[[Any, Any], Any]


def moving(ranges: AffineRanges, fill: str) -> InGraph:
    """Create the affine augmentation within ``ranges``, drawn as in `transforms.affine`."""

    def draw(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
        return draw_matrices(rng, count, ranges).reshape(count, 6).astype(np.float32)

    def vary(images: Any, matrices: Any) -> Any:
        projective = ops.pad(matrices, [[0, 0], [0, 2]])  # a projective map whose last row is (0, 0, 1)
        grey = ops.cast(images, "float32")[..., None]
        transformed = ops.image.affine_transform(
            grey, projective, interpolation="bilinear", fill_mode=fill, fill_value=0.0, data_format="channels_last"
        )
        return ops.round(transformed[..., 0])

    return InGraph(6, draw, vary)


def cutting_out() -> InGraph:
    """Create the augmentation that hides a square of each image, drawn as in `transforms.cutout`."""

    def draw(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
        return cutout.draw_squares(rng, count).astype(np.float32)

    def vary(images: Any, starts: Any) -> Any:
        distance = ops.arange(28, dtype="float32") - starts[..., None]  # (B, 2, 28)
        hidden = ops.logical_and(distance >= 0, distance < cutout.SIZE)
        grey = ops.cast(images, "float32")
        return ops.where(ops.logical_and(hidden[:, 0, :, None], hidden[:, 1, None, :]), 0.0, grey)

    return InGraph(2, draw, vary)


def making_sobel() -> InGraph:
    """Create the conversion to Sobel images; it needs no random numbers."""
    layer = SobelImage(dtype="float32")
    return InGraph(0, lambda _, count: np.empty((count, 0), np.float32), lambda images, _: layer(images))


def chained(steps: Sequence[InGraph], *, spawning: bool = True) -> InGraph:
    """Chain augmentations; each draws from its own spawned generator, or (not ``spawning``) from the given one."""

    def draw(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
        generators = rng.spawn(len(steps)) if spawning else [rng] * len(steps)
        numbers = [step.draw(generator, count) for step, generator in zip(steps, generators, strict=True)]
        return np.concatenate(numbers, axis=1)

    def vary(images: Any, numbers: Any) -> Any:
        start = 0
        for step in steps:
            images = step.vary(images, numbers[:, start : start + step.width])
            start += step.width
        return images

    return InGraph(sum(step.width for step in steps), draw, vary)
