"""NumPy's .npy: images without labels, for those who need none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.formats.checks import refusing
from digitlab.datasets.formats.fitting import ArraySource, Fitter
from digitlab.datasets.formats.named_arrays import images_and_labels

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["npy_source"]


def npy_source(path: Path, how: str | None) -> ArraySource:
    """The images of a file, which stay on the disk.

    Raises:
        DatasetError: when it is damaged, holds Python objects, or no images.
    """
    with refusing(path, "is not a readable .npy file", OSError, ValueError, EOFError, SyntaxError, MemoryError):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    images, labels = images_and_labels(path, array, None)
    return ArraySource(path, images, labels, Fitter(path, how))
