"""The page's gallery: test digits, hard cases, images without digits; and the training images for browser networks."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GallerySet", "deflated", "gallery_sets", "measured_images", "trained_images"]

_EACH = 20  # images per set


@dataclass(frozen=True, slots=True)
class GallerySet:
    """Glyphs to try out.

    images: uint8 (N, 28, 28), light ink on dark; labels: the digits shown, None for images without a digit
    """

    name: str
    images: NDArray[np.uint8]
    labels: tuple[int | None, ...]


def gallery_sets() -> list[GallerySet]:
    """Make two of each test digit, the same rotated, shifted, noisy, thinned and with a bar erased, and shapes."""
    from digitlab.datasets import load_dataset
    from digitlab.datasets.ood.test_images import draw_shapes
    from digitlab.datasets.robustness_sets import rotated, shifted

    test = load_dataset("mnist").split("test")
    rows = np.concatenate([np.flatnonzero(test.labels == digit)[:2] for digit in range(10)])
    images, labels = np.asarray(test.images[rows]), tuple(test.labels[rows].tolist())
    noise = np.random.default_rng(0).normal(0.0, 60.0, images.shape)
    changed = {
        "mnist": images,
        "hard-turned": rotated(images, 35.0),
        "hard-moved": shifted(images, 5, 4),
        "hard-noisy": np.clip(images + noise, 0, 255),
        "hard-thin": np.array([cv2.erode(each, np.ones((2, 2))) for each in images]),
        "hard-cut": _cut(images),
    }
    sets = [GallerySet(name, np.asarray(each, np.uint8), labels) for name, each in changed.items()]
    return [*sets, GallerySet("strangers", np.asarray(draw_shapes(_EACH, seed=0), np.uint8), (None,) * _EACH)]


def measured_images(count: int = 500) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return MNIST's first test images, uint8 (N, 28, 28), and labels: damaged networks are measured on them."""
    from digitlab.datasets import load_dataset

    test = load_dataset("mnist").split("test")
    return np.asarray(test.images[:count]), np.asarray(test.labels[:count])


def trained_images(each: int = 200) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return MNIST's first training images of every digit, uint8 (10 · each, 28, 28), in order, and their labels."""
    from digitlab.datasets import load_dataset

    train = load_dataset("mnist").split("train")
    rows = np.sort(np.concatenate([np.flatnonzero(train.labels == digit)[:each] for digit in range(10)]))
    return np.asarray(train.images[rows]), np.asarray(train.labels[rows])


def deflated(images: NDArray[np.uint8]) -> bytes:
    """Compress the images' bytes with zlib, which browsers can decompress, to a fifth of their size."""
    return zlib.compress(images.tobytes(), 9)


def _cut(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Erase a bar across the middle."""
    cut = images.copy()
    cut[:, 13:16] = 0
    return cut
