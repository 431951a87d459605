"""Look up datasets by name: `load_dataset("mnist").split("test")`."""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from digitlab.datasets import mnist
from digitlab.datasets.formats.protocol import MemorySource
from digitlab.datasets.handmade_sets import PUBLISHED, Handmade, copies_of, form_of, load_handmade
from digitlab.datasets.other_datasets import load_digits_8x8, load_fashion_mnist
from digitlab.datasets.shuffling import joined
from digitlab.errors import DatasetError
from digitlab.shown import Drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from digitlab.datasets.formats import ImageSource
    from digitlab.values import Digits

__all__ = ["Dataset", "Whole", "dataset_names", "load_dataset", "whole_of"]

CORRUPTIONS = (
    "shot-noise", "impulse-noise", "glass-blur", "motion-blur", "shear", "scale", "rotate", "brightness", "translate",
    "stripe", "fog", "spatter", "dotted-line", "zigzag", "canny-edges",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dataset(Drawn):
    """A named dataset. Its splits, in the order train, validation, test, are generated or loaded on demand.

    form: "grey" for ordinary images, "sobel" for sets of Sobel images
    handmade: access to parts of a handmade set; None for all others
    openers: by split, functions that open its file
    """

    name: str
    about: str
    makers: Mapping[str, Callable[[], Digits]]
    form: Literal["grey", "sobel"] = "grey"
    handmade: Handmade | None = None
    openers: Mapping[str, Callable[[], ImageSource]] = field(default_factory=dict)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits."""
        return tuple(self.makers)

    def split(self, name: str) -> Digits:
        """Load one split; the images may be memory-mapped and read-only.

        Raises:
            DatasetError: when the split does not exist, the dataset is not on this machine, or its file is damaged.
        """
        self.expect_split(name)
        return self.makers[name]()

    def open(self, name: str) -> ImageSource:
        """Open one split for reading in batches, as a context manager; a file is not loaded into memory.

        Raises:
            DatasetError: as `split`; damage later in a file is reported when its batches are read.
        """
        self.expect_split(name)
        return self.openers[name]() if name in self.openers else MemorySource(self.split(name))

    def expect_split(self, name: str) -> None:
        """Raise an error for an unknown split.

        Raises:
            DatasetError: if the split does not exist; the message lists those that do.
        """
        if name not in self.makers:
            raise DatasetError(f"{self.name} has no split {name!r}; it has: {', '.join(self.makers)}")


def _mnist(_: int) -> Dataset:
    return Dataset("mnist", mnist.ABOUT, {"train": lambda: mnist.load()[0], "test": lambda: mnist.load()[1]})


def _habits(seed: int) -> Dataset:
    from digitlab.datasets.stroke_variants import with_habits  # loads OpenCV

    about = f"MNIST; in training also other forms of the digits (barred sevens, pointed zeros, …), seed {seed}"
    return replace(
        _mnist(seed),
        name="mnist-habits",
        about=about,
        makers={"train": lambda: with_habits(mnist.load()[0], seed=seed), "test": lambda: mnist.load()[1]},
    )


def _fashion(_: int) -> Dataset:
    about = "Fashion-MNIST: clothes in ten classes, in MNIST's format; Xiao, Rasul, Vollgraf 2017, MIT"
    return Dataset(
        "fashion-mnist", about, {split: functools.partial(load_fashion_mnist, split) for split in ("train", "test")}
    )


def _digits_8x8(_: int) -> Dataset:
    about = "scikit-learn's 8×8 digits of 43 other writers, enlarged; Alpaydin, Kaynak 1998"
    return Dataset(
        "digits-8x8", about, {split: functools.partial(load_digits_8x8, split) for split in ("train", "test")}
    )


def _handmade(name: str, seed: int) -> Dataset:
    plain, transformed = copies_of(name) or (0, 0)
    form = form_of(name)
    copies = "Sobel copies" if form == "sobel" else "copies, still grey,"
    about = f"{plain} plain, {transformed} transformed {copies} per MNIST image (Pascual 2017, §4.1.3), seed {seed}"
    makers = {
        split: functools.partial(load_handmade, name, split, seed=seed) for split in ("train", "validation", "test")
    }
    return Dataset(name, about, makers, form=form, handmade=Handmade(name, seed))


def _handmade_test(name: str, seed: int) -> Dataset:
    whole = _handmade(name, seed)
    return replace(
        whole, name=f"{name}-test", about=f"{whole.about}; test images only", makers={"test": whole.makers["test"]}
    )


def _corrupted(corruption: str, seed: int) -> Dataset:
    from digitlab.datasets.other_datasets import load_corrupted

    about = f"MNIST under the corruption {corruption.replace('-', ' ')} as in MNIST-C (Mu, Gilmer 2019), seed {seed}"
    makers = {split: functools.partial(load_corrupted, corruption, split, seed=seed) for split in ("train", "test")}
    return Dataset(f"mnist-c/{corruption}", about, makers)


_NAMED: dict[str, Callable[[int], Dataset]] = {
    "mnist": _mnist,
    "mnist-habits": _habits,
    "fashion-mnist": _fashion,
    "digits-8x8": _digits_8x8,
}


def dataset_names() -> tuple[str, ...]:
    """Return the names for `load_dataset`, besides any "P-T" and "P-T-test" (P plain and T transformed copies).

    "P-T-grey" and "P-T-grey-test" are the same without the Sobel filter.
    """
    return (*_NAMED, *PUBLISHED, "1-6-test", *(f"mnist-c/{corruption}" for corruption in CORRUPTIONS))


def load_dataset(name: str, *, seed: int = 0) -> Dataset:
    """Look up a dataset by name. ``seed`` determines all random changes, as in handmade and corrupted sets.

    Raises:
        DatasetError: for an unknown name; the message suggests a similar known one.
    """
    if name in _NAMED:
        return _NAMED[name](seed)
    if copies_of(name):
        return _handmade(name, seed)
    if name.endswith("-test") and copies_of(name.removesuffix("-test")):
        return _handmade_test(name.removesuffix("-test"), seed)
    if name.startswith("mnist-c/") and name.removeprefix("mnist-c/") in CORRUPTIONS:
        return _corrupted(name.removeprefix("mnist-c/"), seed)
    similar = difflib.get_close_matches(name, dataset_names(), n=1)
    hint = f" Did you mean {similar[0]!r}?" if similar else ""
    known = ", ".join((*_NAMED, *PUBLISHED, "1-6-test", "mnist-c/…"))
    raise DatasetError(f"there is no dataset {name!r}; known: {known}.{hint}")


@dataclass(frozen=True, slots=True)
class Whole:
    """The images of all splits, concatenated.

    sizes: the number of images of each split, in the order of concatenation
    """

    digits: Digits
    sizes: dict[str, int]

    def place(self, row: int) -> tuple[str, int]:
        """Return the split that a row belongs to, and its index within that split."""
        for split, size in self.sizes.items():
            if row < size:
                return split, row
            row -= size
        raise IndexError(f"row {row} is out of range; there are {len(self.digits)} rows")

    def rows_of(self, split: str) -> NDArray[np.int64]:
        """Return the row indices of a split: int64 (size of the split,)."""
        splits = tuple(self.sizes)
        start = sum(self.sizes[before] for before in splits[: splits.index(split)])
        return np.arange(start, start + self.sizes[split])


def whole_of(dataset: Dataset) -> Whole:
    """Load all splits of a dataset into memory.

    Raises:
        DatasetError: as `Dataset.split`.
    """
    parts = {split: dataset.split(split) for split in dataset.splits}
    return Whole(joined(list(parts.values())), {split: len(part) for split, part in parts.items()})
