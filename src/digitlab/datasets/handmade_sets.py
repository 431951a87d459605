"""The handmade datasets of the thesis S0 (§4.1.3) by name: "sobel", "0-1", "1-6" …, and "1-6-test".

P-T holds P plain and T transformed Sobel copies of each image: training and validation from S0's split of MNIST's
training images, test from its test images. P-T-grey holds the same copies without the last step, the Sobel filter. Sets
are generated once per seed, and cached.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from digitlab.datasets import mnist
from digitlab.datasets.cache import cached_arrays
from digitlab.datasets.splits import thesis_split
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "PUBLISHED", "Handmade", "copies_of", "first_of_each_copy", "form_of", "handmade_blocks_of", "handmade_size",
    "load_handmade",
]  # fmt: skip

PUBLISHED = ("sobel", "0-1", "1-1", "0-6", "1-6")
_MOST_COPIES = 20  # of each kind; 40 copies of 60,000 images are two gigabytes
_SPLITS = ("train", "validation", "test")
_GREY = "-grey"
# Part of the cache key: increase it when the bytes change.
_EDITION = 1


def copies_of(name: str) -> tuple[int, int] | None:
    """Parse the numbers of plain and transformed copies from a set's name; None for other names.

    >>> copies_of("sobel"), copies_of("1-6"), copies_of("0-1-grey"), copies_of("0-0"), copies_of("mnist")
    ((1, 0), (1, 6), (0, 1), None, None)
    """
    if name == "sobel":
        return 1, 0
    match = re.fullmatch(rf"(\d{{1,2}})-(\d{{1,2}})(?:{_GREY})?", name)
    if match is None:
        return None
    plain, transformed = int(match[1]), int(match[2])
    return (plain, transformed) if 0 < max(plain, transformed) <= _MOST_COPIES else None


def form_of(name: str) -> Literal["grey", "sobel"]:
    """Return the form of a set's images."""
    return "grey" if name.endswith(_GREY) else "sobel"


def _source(split: str) -> Digits:
    train, test = mnist.load()
    if split == "test":
        return test
    return thesis_split(train)[_SPLITS.index(split)]


def handmade_size(name: str, split: str) -> int:
    """Return the number of images in a split of a set."""
    plain, transformed = copies_of(name) or (0, 0)
    return {"train": 48_000, "validation": 12_000, "test": 10_000}[split] * (plain + transformed)


def handmade_blocks_of(name: str, split: str, *, seed: int = 0, jobs: int | None = None) -> Iterator[Digits]:
    """Generate a split in blocks of at most 1,000 images, on ``jobs`` threads; the bytes do not depend on ``jobs``."""
    from digitlab.datasets.transforms import handmade_blocks

    plain, transformed = copies_of(name) or (0, 0)
    jobs, form = jobs or os.cpu_count() or 1, form_of(name)
    yield from handmade_blocks(_source(split), plain, transformed, _seed(split, seed), jobs=jobs, form=form)


def first_of_each_copy(name: str, split: str, count: int, *, seed: int = 0) -> Digits:
    """Generate only the first ``count`` images of every copy, in order."""
    from digitlab.datasets.transforms import make_handmade

    plain, transformed = copies_of(name) or (0, 0)
    return make_handmade(_source(split)[:count], plain, transformed, _seed(split, seed), form=form_of(name))


def _seed(split: str, seed: int) -> tuple[int, int]:
    """Make the split part of the seed, so that validation images do not get the changes of training images."""
    return seed, _SPLITS.index(split)


def load_handmade(name: str, split: str, *, seed: int = 0, jobs: int | None = None) -> Digits:
    """Load a complete split, memory-mapped from the cache; the first call generates it."""
    count = handmade_size(name, split)

    def fill(arrays: dict[str, NDArray[np.uint8]]) -> None:
        start = 0
        for block in handmade_blocks_of(name, split, seed=seed, jobs=jobs):
            rows = slice(start, start + len(block))
            arrays["images"][rows], arrays["labels"][rows] = block.images, block.labels
            start += len(block)

    shapes = {"images": (count, 28, 28), "labels": (count,)}
    arrays = cached_arrays(f"handmade-{_EDITION}-{name}-{split}-{seed}", shapes, fill)
    return Digits(arrays["images"], arrays["labels"])


@dataclass(frozen=True, slots=True)
class Handmade:
    """Access to parts of a handmade set ("sobel", "P-T" or "P-T-grey", with its seed) without the cache."""

    name: str
    seed: int

    @property
    def copies(self) -> int:
        """The total number of plain and transformed copies of each MNIST image."""
        return sum(copies_of(self.name) or ())

    def size(self, split: str) -> int:
        """Return the number of images in a split."""
        return handmade_size(self.name, split)

    def blocks(self, split: str, jobs: int | None = None) -> Iterator[Digits]:
        """Generate a split in blocks; see `handmade_blocks_of`."""
        return handmade_blocks_of(self.name, split, seed=self.seed, jobs=jobs)

    def first(self, split: str, count: int) -> Digits:
        """Generate the first images of each copy; see `first_of_each_copy`."""
        return first_of_each_copy(self.name, split, count, seed=self.seed)
