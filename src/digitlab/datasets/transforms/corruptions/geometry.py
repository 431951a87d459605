"""Geometric corruptions: shear, scale, rotate, translate. About the centre, bilinear, 0 outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.transforms.batches import require_images
from digitlab.datasets.transforms.warp import about_centre, warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["rotate", "scale", "shear", "translate"]

SHEAR = 0.4  # radians: severity 2
ROTATION = 0.4  # radians, 23°: severity 2
SCALE = 0.7  # severity 3
SHIFT = 3.0  # pixels: severity 3


def shear(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sheared by 0.4 radians to the left or right, with equal probability."""
    angles = SHEAR * _signs(rng, len(require_images(images)))
    ones, zeros = np.ones(len(images)), np.zeros(len(images))
    linear = np.array([[ones, -np.sin(angles)], [zeros, np.cos(angles)]]).transpose(2, 0, 1)
    return warp(images, about_centre(linear))


def rotate(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rotated by 0.4 radians (23°) to the left or right, with equal probability."""
    angles = ROTATION * _signs(rng, len(require_images(images)))
    linear = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    return warp(images, about_centre(linear))


def scale(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:  # noqa: ARG001 (one signature for all)
    """Scaled to 0.7 of the size; not random."""
    return warp(images, about_centre(np.tile(np.eye(2) / SCALE, (len(require_images(images)), 1, 1))))


def translate(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shifted by 3 pixels sideways and 3 vertically, each direction with equal probability."""
    shifts = SHIFT * _signs(rng, 2 * len(require_images(images))).reshape(-1, 2)
    return warp(images, about_centre(np.tile(np.eye(2), (len(images), 1, 1)), shifts))


def _signs(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """-1 or 1 with equal probability: float64 (count,)."""
    return np.where(rng.random(count) < 0.5, -1.0, 1.0)
