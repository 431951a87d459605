"""Read a whole file into memory, or convert it to another format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.formats.hdf5 import Hdf5Sink
from digitlab.datasets.formats.opening import dataset_writer, form_of, open_dataset_file
from digitlab.datasets.formats.polarity import parted_name
from digitlab.datasets.shuffling import prefetched
from digitlab.errors import UsageError
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.datasets.formats.hdf5 import PixelType
    from digitlab.datasets.formats.protocol import ImageSource

__all__ = ["convert", "read_all"]


def read_all(source: ImageSource) -> Digits:
    """Read all images into memory and close the source.

    Raises:
        DatasetError: at the first unusable record; the message names it.
    """
    with source:
        if source.count is None:
            parts = list(source.batches())
            images = [np.empty((0, 28, 28), np.uint8), *(part.images for part in parts)]
            labels = [np.empty(0, np.uint8), *(part.labels for part in parts)]
            return Digits(np.concatenate(images), np.concatenate(labels))
        # Filled in place: concatenation would need twice the memory. There may be fewer images than counted: broken
        # pictures in class folders are left out.
        whole = Digits(np.zeros((source.count, 28, 28), np.uint8), np.zeros(source.count, np.uint8))
        done = 0
        for part in source.batches():
            whole.images[done : done + len(part)] = part.images
            whole.labels[done : done + len(part)] = part.labels
            done += len(part)
        return whole[:done]


def convert(
    source_path: str | Path,
    target_path: str | Path,
    on_progress: Callable[[int, int | None], None] | None = None,
    *,
    split: str | None = None,
    dtype: PixelType = "float32",
) -> int:
    """Convert a file to the format given by the target's name; return the number of images.

    ``on_progress`` is called with the images done and the total, where known.

    Raises:
        DatasetError: when the source cannot be used; the message names file and record.
        UsageError: when both paths are the same, or the target's name has no known format.
        StorageError: when the target cannot be written. After any error, no target remains.
    """
    if parted_name(source_path)[0].resolve() == Path(target_path).resolve():
        raise UsageError(f"{source_path} would be converted into itself; choose another name")
    done = 0
    with open_dataset_file(source_path, split) as source, dataset_writer(target_path, dtype=dtype) as sink:
        if isinstance(sink, Hdf5Sink):
            sink.mark(form_of(source_path))
        # Read ahead in a thread: reading and writing hardly slow each other down.
        for digits in prefetched(source.batches(), lambda _, batch: batch):
            sink.write(digits)
            done += len(digits)
            if on_progress is not None:
                on_progress(done, source.count)
    return done
