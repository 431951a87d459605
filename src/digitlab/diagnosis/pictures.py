"""The pictures of a user's set: not yet prepared, of any size and polarity; with or without labels."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import DatasetError, ImageError, counted
from digitlab.values import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Pictures", "open_pictures"]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Some pictures of a set.

    of: how many the whole set has
    labels: the digit of each; None if it has none
    pixels: returns those of a picture, by its index: uint8 (H, W, 3) or (H, W); None if it cannot be read
    refused: what is wrong with pictures that cannot be read; filled while they are read
    """

    of: int
    labels: tuple[int | None, ...]
    pixels: Callable[[int], NDArray[np.uint8] | None]
    refused: list[str]

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], int | None]]:
        for index, label in enumerate(self.labels):
            pixels = self.pixels(index)
            if pixels is not None:
                yield pixels, label


def open_pictures(data: str, split: str | None, most: int) -> Pictures:
    """Open at most ``most`` pictures of a named dataset, file or folder, chosen at random, always the same ones.

    Pictures in folders are taken as they are; images in files are resized to 28 × 28 if they have another size, and
    are not inverted, unless the name asks for it: FILE#prepared, FILE#inverted.

    Raises:
        DatasetError: when there is no such set or split, or it holds no picture.
    """
    path = Path(data)
    if path.is_dir() and not _is_name(data):
        from digitlab.datasets.formats.picture_tree import holds_pictures, pictures_of, tree_splits

        if holds_pictures(path):
            labelled, without = pictures_of(path, split or _measured_on(tree_splits(path)))
            return _of_folder(path, labelled, without, most)
    return _of_dataset(data, split, most)


def _is_name(data: str) -> bool:
    """Return whether it names a dataset, which takes precedence over a folder of that name."""
    from digitlab.datasets import load_dataset

    with contextlib.suppress(DatasetError):
        return bool(load_dataset(data).splits)
    return False


def _measured_on(splits: Sequence[str]) -> str | None:
    """Return the split that is looked at unless one is named: test, or the last one; None where there is none."""
    return "test" if "test" in splits else splits[-1] if splits else None


def _of_folder(path: Path, labelled: list[tuple[str, int]], without: list[str], most: int) -> Pictures:
    if labelled and without:
        warnings.warn(f"{path}: left out {counted(len(without), 'picture')} without a class in the name", stacklevel=2)
    named: list[tuple[str, int | None]] = [*labelled] if labelled else [(name, None) for name in without]
    indices = np.random.default_rng(0).permutation(len(named))[:most]
    chosen = [named[index] for index in np.sort(indices)]
    refused: list[str] = []

    def pixels(index: int) -> NDArray[np.uint8] | None:
        from digitlab.reading.images import load_image

        try:
            return load_image(path / chosen[index][0])
        except ImageError as error:
            refused.append(str(error))
            return None

    return Pictures(len(named), tuple(label for _, label in chosen), pixels, refused)


def _of_dataset(data: str, split: str | None, most: int) -> Pictures:
    from digitlab.datasets import find_dataset
    from digitlab.datasets.examining import Sample
    from digitlab.datasets.formats.checks import loose_labels
    from digitlab.datasets.formats.polarity import AS_IS, RESIZED, parted_name, preparation_in

    path, polarity = parted_name(data)
    name = data
    if path.exists() and not _is_name(data):
        name += "" if preparation_in(data) else f"#{RESIZED}"
        name += "" if polarity else f"#{AS_IS}"
    with loose_labels(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*are prepared as the reader prepares a photo")
        dataset = find_dataset(name)
        sample, count = Sample(most, np.random.default_rng(0)), 0
        with dataset.open(split or _measured_on(dataset.splits) or "") as source:
            for batch in source.batches():
                if len(batch):
                    sample.add(batch)
                    count += len(batch)
    if not count:
        raise DatasetError(f"{data} contains no pictures; expected pictures of one digit each")
    labels = tuple(None if label == NONE else int(label) for label in sample.labels[:, 1])
    return Pictures(count, labels, lambda index: sample.images[index], [])
