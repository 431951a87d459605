"""Datasets by name or by path, as all commands accept them."""

from __future__ import annotations

import contextlib
import functools
import itertools
import warnings
from typing import TYPE_CHECKING

from digitlab.datasets.catalogue import Dataset, load_dataset
from digitlab.datasets.formats import RowSource, form_of, open_dataset_file, read_all, splits_of
from digitlab.datasets.formats.polarity import AS_IS, INVERTED, Inks, inks_of, inverted, parted_name
from digitlab.datasets.shuffling import joined
from digitlab.errors import DatasetError
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from digitlab.datasets.formats import ImageSource
    from digitlab.values import Digits

__all__ = ["WHOLE", "find_dataset", "first_images"]

WHOLE = "all"  # the only split of a file without splits

_LOOKED_AT = 1024  # images of a file that are checked for polarity
_PLACES = 8  # positions in the file where they are taken from, if rows can be read in any order


def find_dataset(text: str, *, seed: int = 0) -> Dataset:
    """The dataset with this name or, if there is none, the file or folder of labelled images at this path.

    Names take precedence: write ``./mnist`` for a folder called mnist. A file without splits has one, "all".
    Only the header of a file is read before a split is requested.

    A file with dark ink on light is inverted when it is opened, with a warning: models expect light ink on dark.
    ``NAME#as-is`` leaves the file unchanged, ``NAME#inverted`` always inverts it.

    Raises:
        DatasetError: for neither a known name nor a file, listing the names; for a file of unknown format.
        StorageError: for a file that may not be read.
    """
    try:
        return load_dataset(text, seed=seed)
    except DatasetError as error:
        path, asked = parted_name(text)
        with saying_what_failed(path, "read"):
            if not path.exists():
                raise DatasetError(f"{error} Nor is there a file or folder {str(path)!r}.") from error
    return _dataset_of(text, path, asked)


def _dataset_of(name: str, path: Path, asked: str | None) -> Dataset:
    """``asked``: the polarity in the name, from `parted_name`."""
    form = form_of(path)
    told = asked is None and form == "grey"  # the border of a Sobel image does not show the polarity
    openers: dict[str, Callable[[], ImageSource]] = {
        split or WHOLE: functools.partial(_open_light if told else open_dataset_file, name, split)
        for split in splits_of(path) or (None,)
    }
    makers = {split: functools.partial(_read, opener) for split, opener in openers.items()}
    kind = "folder" if path.is_dir() else "file"
    as_asked = {INVERTED: ", inverted", AS_IS: ", as it is"}.get(asked or "", "")
    return Dataset(name, f"the {kind} {path}{as_asked}", makers, form=form, openers=openers)


def _open_light(name: str, split: str | None) -> ImageSource:
    """The source, inverted where its images are dark ink on light."""
    source = open_dataset_file(name, split)
    inks = _looked_at(source)
    where = name if split is None else f"{name} ({split})"
    if inks.verdict == "dark":
        warnings.warn(
            f"{where} is dark ink on light; its images are inverted, for models expect light ink on dark. "
            f"{name}#as-is leaves them as they are",
            stacklevel=1,  # here: once, however often it is opened
        )
        return inverted(source)
    if inks.verdict == "mixed":
        warnings.warn(
            f"{where}: {inks.dark:,} of the {inks.images:,} images looked at are dark ink on light, the rest light "
            "ink on dark, as models expect; nothing is inverted. Split them, and use FILE#inverted for the dark ink",
            stacklevel=1,
        )
    return source


def _looked_at(source: ImageSource) -> Inks:
    """The polarity of some of the images; damaged ones are reported when they are read."""
    batches: Iterator[Digits]
    if isinstance(source, RowSource):
        starts = [len(source) * place // _PLACES for place in range(_PLACES)]
        batches = (source.read(start, start + _LOOKED_AT // _PLACES) for start in starts)
    else:
        batches = itertools.islice(source.batches(_LOOKED_AT), 1)
    found = [Inks(0, 0, 0)]
    with contextlib.suppress(DatasetError):
        found.extend(inks_of(batch.images) for batch in batches)
    return Inks(*(sum(counts) for counts in zip(*found, strict=True)))


def _read(opener: Callable[[], ImageSource]) -> Digits:
    return read_all(opener())


def first_images(data: Dataset, split: str, count: int) -> Digits:
    """The first ``count`` images of a split; in handmade sets, of each copy in turn; others are not read or generated.

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
