"""Writes a named dataset into a file, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.datasets.formats import Hdf5Sink, dataset_writer
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from digitlab.datasets.catalogue import Dataset
    from digitlab.datasets.formats import ImageSink
    from digitlab.datasets.formats.hdf5 import PixelType
    from digitlab.values import Digits

__all__ = ["build_file"]


def build_file(
    data: Dataset,
    out: Path,
    on_progress: Callable[[int, int | None], None] | None = None,
    *,
    split: str | None = None,
    jobs: int | None = None,
    dtype: PixelType = "float32",
) -> dict[str, int]:
    """Write a dataset in the format of the file name; return the number of images of each split.

    A single split is written in the layout of the thesis S0: ``data`` and ``labels`` at the root of an HDF5. Several
    become groups of an HDF5. Handmade sets are generated on ``jobs`` threads while they are written and are not cached;
    the bytes do not depend on ``jobs``. ``on_progress`` is called with the images done and the total.

    Raises:
        DatasetError: when the set has no such split, or is not on this machine.
        UsageError: when the name has no known format, or one for a single split only; for ``jobs`` below 1.
        StorageError: when it cannot be written. After any error there is no file.
    """
    splits = data.splits if split is None else (split,)
    sizes = {each: _size(data, each) for each in splits}
    done = 0
    with dataset_writer(out, dtype=dtype) as sink:
        write = _writing(sink, out, splits)
        if isinstance(sink, Hdf5Sink):
            sink.mark(data.form)
        for each in splits:
            for block in _blocks(data, each, jobs):
                write(block, each)
                done += len(block)
                if on_progress is not None:
                    on_progress(done, sum(sizes.values()))
    return sizes


def _size(data: Dataset, split: str) -> int:
    data.expect_split(split)
    return data.handmade.size(split) if data.handmade else len(data.split(split))


def _blocks(data: Dataset, split: str, jobs: int | None) -> Iterator[Digits]:
    return data.handmade.blocks(split, jobs) if data.handmade else data.open(split).batches()


def _writing(sink: ImageSink, out: Path, splits: tuple[str, ...]) -> Callable[[Digits, str], None]:
    if len(splits) == 1:
        return lambda digits, _: sink.write(digits)
    if isinstance(sink, Hdf5Sink):
        return sink.write
    raise UsageError(f"{out}: only HDF5 (.h5) holds several splits; choose one with --split: {', '.join(splits)}")
