"""The statistics of `digitlab data info`, in one pass over batches."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.formats.polarity import inks_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from digitlab.values import Digits

__all__ = ["SplitSummary", "summarise", "summarise_batches"]

_TOGETHER = 1000  # rows counted at once: bincount converts them to 64-bit integers, 6 MB


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """The statistics of a split.

    counts: images per class, 0 first
    mean, deviation: of all pixels, 0..255 (standard deviation)
    digest: the first 16 hexadecimal digits of the SHA-256 of images and labels
    dark_ink: images that certainly are dark ink on light, where models expect light ink on dark
    """

    images: int
    counts: tuple[int, ...]
    mean: float
    deviation: float
    digest: str
    dark_ink: int


def summarise(digits: Digits) -> SplitSummary:
    """The statistics of images in memory."""
    return summarise_batches([digits])


def summarise_batches(batches: Iterable[Digits]) -> SplitSummary:
    """The same for batches; pixels are not kept in memory, labels are (one byte per image).

    The result does not depend on the size of the batches.
    """
    # A histogram of the pixels gives mean and deviation exactly, without a float copy of the images.
    histogram = np.zeros(256, np.int64)
    digest = hashlib.sha256()
    dark = 0
    labels = bytearray()  # hashed after all images, whose number is not known before
    for batch in batches:
        for start in range(0, len(batch), _TOGETHER):
            block = np.ascontiguousarray(batch.images[start : start + _TOGETHER])
            histogram += np.bincount(block.ravel(), minlength=256)
            digest.update(block.data)
            dark += inks_of(block).dark
        labels += batch.labels.tobytes()
    digest.update(labels)
    counts = np.bincount(np.frombuffer(labels, np.uint8), minlength=10)
    mean, deviation = _mean_and_deviation(histogram)
    return SplitSummary(len(labels), tuple(counts.tolist()), mean, deviation, digest.hexdigest()[:16], dark)


def _mean_and_deviation(histogram: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> tuple[float, float]:
    levels, pixels = np.arange(256), max(1, int(histogram.sum()))
    mean = float(histogram @ levels) / pixels
    return mean, (float(histogram @ (levels - mean) ** 2) / pixels) ** 0.5
