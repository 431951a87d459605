"""Find datasets by name or path, as all commands accept them, and write them to a file block by block."""

from __future__ import annotations

import contextlib
import functools
import itertools
import warnings
from typing import TYPE_CHECKING

from digitlab.datasets.catalogue import Dataset, load_dataset
from digitlab.datasets.formats import (
    Hdf5Sink,
    RowSource,
    dataset_writer,
    form_of,
    open_dataset_file,
    read_all,
    splits_of,
)
from digitlab.datasets.formats.polarity import AS_IS, INVERTED, Inks, inks_of, inverted, parted_name
from digitlab.datasets.shuffling import joined
from digitlab.errors import DatasetError, UsageError
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from digitlab.datasets.formats import ImageSink, ImageSource
    from digitlab.datasets.formats.hdf5 import PixelType
    from digitlab.values import Digits

__all__ = ["WHOLE", "build_file", "find_dataset", "first_images"]

WHOLE = "all"  # the only split of a file without splits

_LOOKED_AT = 1024  # images of a file that are checked for polarity
_PLACES = 8  # evenly spaced positions that they are read from, if the source allows random access


def find_dataset(text: str, *, seed: int = 0) -> Dataset:
    """Find the dataset with this name or, if there is none, the file or folder of labelled images at this path.

    Names take precedence: write ``./mnist`` for a folder called mnist. A file without splits has one, "all".
    Only the header of a file is read before a split is requested.

    A file with dark ink on light is inverted when it is opened, with a warning: models expect light ink on dark.
    ``NAME#as-is`` leaves the file unchanged, ``NAME#inverted`` always inverts it.

    Raises:
        DatasetError: if it is neither a known name (the message lists them) nor a file, or a file of unknown format.
        StorageError: if the file may not be read.
    """
    try:
        return load_dataset(text, seed=seed)
    except DatasetError as error:
        path, polarity = parted_name(text)
        with saying_what_failed(path, "read"):
            if not path.exists():
                raise DatasetError(f"{error} There is no file or folder {str(path)!r} either.") from error
    return _dataset_of(text, path, polarity)


def _dataset_of(name: str, path: Path, polarity: str | None) -> Dataset:
    """Build the dataset of a file; ``polarity``: the one requested in the name, from `parted_name`."""
    form = form_of(path)
    inverts_dark = polarity is None and form == "grey"  # the border of a Sobel image does not show the polarity
    openers: dict[str, Callable[[], ImageSource]] = {
        split or WHOLE: functools.partial(_open_light if inverts_dark else open_dataset_file, name, split)
        for split in splits_of(path) or (None,)
    }
    makers = {split: functools.partial(_read, opener) for split, opener in openers.items()}
    kind = "folder" if path.is_dir() else "file"
    suffix = {INVERTED: ", inverted", AS_IS: ", as it is"}.get(polarity or "", "")
    return Dataset(name, f"the {kind} {path}{suffix}", makers, form=form, openers=openers)


def _open_light(name: str, split: str | None) -> ImageSource:
    """Open a source, inverted if its images are dark ink on light."""
    source = open_dataset_file(name, split)
    inks = _looked_at(source)
    label = name if split is None else f"{name} ({split})"
    if inks.verdict == "dark":
        warnings.warn(
            f"{label} is dark ink on light; its images are inverted, for models expect light ink on dark. "
            f"{name}#as-is leaves them as they are",
            stacklevel=1,  # this line: shown once, however often the file is opened
        )
        return inverted(source)
    if inks.verdict == "mixed":
        warnings.warn(
            f"{label}: {inks.dark:,} of the {inks.images:,} images examined are dark ink on light, the rest light "
            "ink on dark, as models expect; nothing is inverted. Split them, and use FILE#inverted for the dark ink",
            stacklevel=1,
        )
    return source


def _looked_at(source: ImageSource) -> Inks:
    """Determine the polarity from some of the images; damage is ignored here, and reported on reading."""
    batches: Iterator[Digits]
    if isinstance(source, RowSource):
        starts = [len(source) * number // _PLACES for number in range(_PLACES)]
        batches = (source.read(start, start + _LOOKED_AT // _PLACES) for start in starts)
    else:
        batches = itertools.islice(source.batches(_LOOKED_AT), 1)
    inks = [Inks(0, 0, 0)]
    with contextlib.suppress(DatasetError):
        inks.extend(inks_of(batch.images) for batch in batches)
    return Inks(*(sum(counts) for counts in zip(*inks, strict=True)))


def _read(opener: Callable[[], ImageSource]) -> Digits:
    return read_all(opener())


def first_images(data: Dataset, split: str, count: int) -> Digits:
    """Read the first ``count`` images of a split (in handmade sets: of each copy, in turn), and no others.

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


def build_file(
    data: Dataset,
    out: str | Path,
    on_progress: Callable[[int, int | None], None] | None = None,
    *,
    split: str | None = None,
    jobs: int | None = None,
    dtype: PixelType = "float32",
) -> dict[str, int]:
    """Write a dataset in the format given by the file name; return the number of images of each split.

    In HDF5, a single split is written in the layout of the thesis S0 (``data`` and ``labels`` at the root), several
    as groups. Handmade sets are generated on ``jobs`` threads while they are written, and are not cached; the bytes
    written do not depend on ``jobs``. ``on_progress`` is called with the images done and the total.

    Raises:
        DatasetError: when the set has no such split, or is not on this machine.
        UsageError: when the name's format is unknown, or holds a single split only; for ``jobs`` below 1.
        StorageError: when it cannot be written. After any error, no file remains.
    """
    splits = data.splits if split is None else (split,)
    sizes = {split_name: _size(data, split_name) for split_name in splits}
    done = 0
    with dataset_writer(out, dtype=dtype) as sink:
        write = _writing(sink, out, splits)
        if isinstance(sink, Hdf5Sink):
            sink.mark(data.form)
        for split_name in splits:
            for block in _blocks(data, split_name, jobs):
                write(block, split_name)
                done += len(block)
                if on_progress is not None:
                    on_progress(done, sum(sizes.values()))
    return sizes


def _size(data: Dataset, split: str) -> int:
    data.expect_split(split)
    return data.handmade.size(split) if data.handmade else len(data.split(split))


def _blocks(data: Dataset, split: str, jobs: int | None) -> Iterator[Digits]:
    return data.handmade.blocks(split, jobs) if data.handmade else data.open(split).batches()


def _writing(sink: ImageSink, out: str | Path, splits: tuple[str, ...]) -> Callable[[Digits, str], None]:
    if len(splits) == 1:
        return lambda digits, _: sink.write(digits)
    if isinstance(sink, Hdf5Sink):
        return sink.write
    raise UsageError(f"{out}: only HDF5 (.h5) holds several splits; choose one with --split: {', '.join(splits)}")
