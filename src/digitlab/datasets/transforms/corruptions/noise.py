"""Noise and blur: shot noise, impulse noise, glass blur, motion blur."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.transforms.batches import require_images, rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["glass_blur", "impulse_noise", "motion_blur", "shot_noise"]

PHOTONS = 3  # expected number for a white pixel: severity 5
SALT_AND_PEPPER = 0.17  # of the pixels: severity 4
GLASS_DEVIATION, GLASS_ROUNDS = 0.7, 2  # pixels; swaps reach one pixel far: severity 1
MOTION_DEVIATION, MOTION_LENGTH = 3.0, 21  # pixels: severity 1


def shot_noise(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Apply shot noise: Poisson counts, with mean 3 for white, in steps of a third of white, clipped at white."""
    counts = rng.poisson(require_images(images) * np.float32(PHOTONS / 255))
    return rounded(counts * (255 / PHOTONS))


def impulse_noise(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Make 17 % of the pixels black or white, with equal probability."""
    numbers = rng.random(require_images(images).shape, np.float32)
    results = images.copy()
    results[numbers < SALT_AND_PEPPER] = 255
    results[numbers < SALT_AND_PEPPER / 2] = 0
    return results


def glass_blur(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blur as through frosted glass: blur, swap pixels randomly with neighbours, blur again."""
    results = _gaussian(require_images(images))
    # Three random bits per pixel and round: swap or not, one to the left or not, one up or not.
    bits = rng.integers(0, 8, (len(images), GLASS_ROUNDS, 28, 28), np.uint8)
    swapped = np.moveaxis(results, 0, -1).copy()  # (28, 28, N): each swap runs over all images at once
    for turn in range(GLASS_ROUNDS):
        for row in range(27, 1, -1):
            for column in range(27, 1, -1):
                _swap(swapped, row, column, bits[:, turn, row, column])
    return _gaussian(np.ascontiguousarray(np.moveaxis(swapped, -1, 0)))


def _swap(pixels: NDArray[np.uint8], row: int, column: int, bits: NDArray[np.uint8]) -> None:
    """Swap a pixel of (28, 28, N), in place, with the neighbour given by ``bits`` (N,)."""
    (images,) = np.nonzero(bits & 1)
    rows, columns = row - (bits[images] >> 1 & 1), column - (bits[images] >> 2)
    saved = pixels[row, column, images]
    pixels[row, column, images] = pixels[rows, columns, images]
    pixels[rows, columns, images] = saved


def motion_blur(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Apply motion blur at -45° to 45°: half a Gaussian of standard deviation 3 pixels, replicating the border."""
    angles = np.deg2rad(rng.uniform(-45, 45, len(require_images(images))))
    results = np.empty(images.shape, np.uint8)
    for row, (image, angle) in enumerate(zip(images, angles.tolist(), strict=True)):
        results[row] = cv2.filter2D(image, -1, _motion_kernel(angle), borderType=cv2.BORDER_REPLICATE)
    return results


def _motion_kernel(angle: float) -> NDArray[np.float32]:
    """Build a kernel, float32 (41, 41), with weights on the ray from its centre, ``angle`` radians below horizontal."""
    steps = np.arange(MOTION_LENGTH)
    weights = np.exp(-0.5 * (steps / MOTION_DEVIATION) ** 2)
    positions = np.rint(steps * np.array([[np.sin(angle)], [np.cos(angle)]])).astype(int) + MOTION_LENGTH - 1
    kernel = np.zeros((2 * MOTION_LENGTH - 1, 2 * MOTION_LENGTH - 1), np.float32)
    np.add.at(kernel, tuple(positions), weights / weights.sum())
    return kernel


def _gaussian(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Apply the Gaussian blur of the glass, replicating the border: uint8 (N, 28, 28) → the same."""
    size = 2 * round(4 * GLASS_DEVIATION) + 1  # four deviations, as the published set's filter
    blurred = [
        cv2.GaussianBlur(image, (size, size), GLASS_DEVIATION, borderType=cv2.BORDER_REPLICATE) for image in images
    ]
    return np.array(blurred, np.uint8).reshape(images.shape)
