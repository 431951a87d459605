"""The datasets by name: `load_dataset("mnist").test.images`."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import mnist
from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.values import Digits

__all__ = ["Dataset", "SplitSummary", "dataset_names", "load_dataset", "summarise"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named set with its splits, in the order train, validation, test; a set need not have all three."""

    name: str
    about: str
    splits: dict[str, Digits]

    def split(self, name: str) -> Digits:
        """One split.

        Raises:
            DatasetError: when the set has no such split.
        """
        if name not in self.splits:
            raise DatasetError(f"{self.name} has no split {name!r}; it has: {', '.join(self.splits)}")
        return self.splits[name]


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """What `digitlab data info` says of a split.

    counts: images of each class, 0 first
    mean, deviation: of all pixels, 0..255
    digest: the first 16 hexadecimal digits of the SHA-256 of images and labels
    """

    images: int
    counts: tuple[int, ...]
    mean: float
    deviation: float
    digest: str


def _mnist() -> Dataset:
    train, test = mnist.load()
    return Dataset("mnist", mnist.ABOUT, {"train": train, "test": test})


_LOADERS: dict[str, Callable[[], Dataset]] = {"mnist": _mnist}


def dataset_names() -> tuple[str, ...]:
    """The names that `load_dataset` knows."""
    return tuple(_LOADERS)


def load_dataset(name: str) -> Dataset:
    """Load a set by its name; the images may be memory-mapped and read-only.

    Raises:
        DatasetError: for an unknown name, with the nearest known one.
    """
    if name not in _LOADERS:
        near = difflib.get_close_matches(name, _LOADERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise DatasetError(f"there is no dataset {name!r}; known: {', '.join(_LOADERS)}.{hint}")
    return _LOADERS[name]()


def summarise(digits: Digits) -> SplitSummary:
    """Count, average and digest a split; one pass over the pixels, in bounded memory."""
    counts = np.bincount(digits.labels, minlength=10)
    # A histogram of the pixels gives mean and deviation exactly, without a float copy of the images.
    histogram = np.zeros(256, np.int64)
    digest = hashlib.sha256()
    for start in range(0, len(digits), 10_000):
        block = np.ascontiguousarray(digits.images[start : start + 10_000])
        histogram += np.bincount(block.ravel(), minlength=256)
        digest.update(block)
    digest.update(np.ascontiguousarray(digits.labels))
    levels, pixels = np.arange(256), max(1, int(histogram.sum()))
    mean = float(histogram @ levels) / pixels
    variance = float(histogram @ (levels - mean) ** 2) / pixels
    return SplitSummary(len(digits), tuple(counts.tolist()), mean, variance**0.5, digest.hexdigest()[:16])
