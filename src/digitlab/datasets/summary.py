"""What `digitlab data info` says of images, counted in one pass over batches of them."""

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

_TOGETHER = 1000  # rows counted at once: bincount makes 64-bit numbers of them, 6 MB


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """What `digitlab data info` says of a split.

    counts: images of each class, 0 first
    mean, deviation: of all pixels, 0..255
    digest: the first 16 hexadecimal digits of the SHA-256 of images and labels
    dark_ink: images that are surely dark ink on light, where models expect light ink on dark
    """

    images: int
    counts: tuple[int, ...]
    mean: float
    deviation: float
    digest: str
    dark_ink: int


def summarise(digits: Digits) -> SplitSummary:
    """Count, average and digest images at hand."""
    return summarise_batches([digits])


def summarise_batches(batches: Iterable[Digits]) -> SplitSummary:
    """The same of images that come in batches; the pixels are not kept, the labels are (a byte an image).

    However the images are parted into batches, the summary is the same.
    """
    # A histogram of the pixels gives mean and deviation exactly, without a float copy of the images.
    histogram = np.zeros(256, np.int64)
    digest = hashlib.sha256()
    dark = 0
    labels = bytearray()  # digested after all images, whose number is not known before
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
