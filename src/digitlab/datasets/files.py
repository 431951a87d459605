"""Datasets by name or by path: what `digitlab` takes wherever it asks for a dataset."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.datasets.catalogue import Dataset, load_dataset
from digitlab.datasets.formats import form_of, open_dataset_file, read_all, splits_of
from digitlab.datasets.shuffling import joined
from digitlab.errors import DatasetError
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from digitlab.datasets.formats import ImageSource
    from digitlab.values import Digits

__all__ = ["WHOLE", "find_dataset", "first_images"]

WHOLE = "all"  # the one split of a file that is not parted


def find_dataset(text: str, *, seed: int = 0) -> Dataset:
    """The set of this name or, where there is no such name, the file or folder of labelled images at this path.

    A name goes first: write ``./mnist`` for a folder called mnist. A file without splits has one, "all".
    Nothing of a file but its head is read before a split is asked for.

    Raises:
        DatasetError: for neither a name nor a file, with the known names; for a file of no known format.
        StorageError: for a file that may not be read.
    """
    try:
        return load_dataset(text, seed=seed)
    except DatasetError as error:
        with saying_what_failed(Path(text), "read"):
            if not Path(text).exists():
                raise DatasetError(f"{error} Nor is there a file or folder {text!r}.") from error
    return _dataset_of(Path(text))


def _dataset_of(path: Path) -> Dataset:
    openers = {
        split or WHOLE: functools.partial(open_dataset_file, path, split) for split in splits_of(path) or (None,)
    }
    makers = {split: functools.partial(_read, opener) for split, opener in openers.items()}
    kind = "folder" if path.is_dir() else "file"
    return Dataset(str(path), f"the {kind} {path}", makers, form=form_of(path), openers=openers)


def _read(opener: functools.partial[ImageSource]) -> Digits:
    return read_all(opener())


def first_images(data: Dataset, split: str, count: int) -> Digits:
    """The first ``count`` images of a split, in handmade sets of each copy in turn; others are not read nor made.

    Raises:
        DatasetError: when there is no such split, or one of these images is damaged.
    """
    data.expect_split(split)
    if data.handmade is not None:
        return data.handmade.first(split, count)
    parts: list[Digits] = []
    with data.open(split) as source:
        for batch in source.batches(count):
            parts.append(batch[: count - sum(map(len, parts))])
            if sum(map(len, parts)) == count:
                break
    return joined(parts)
