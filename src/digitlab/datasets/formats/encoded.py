"""Pictures or pixels in records, each with its label, in batches: what Parquet, TFRecord and folders have in common."""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import as_labels
from digitlab.datasets.formats.fitting import Fitter
from digitlab.datasets.formats.pictures import decode_grey
from digitlab.errors import DatasetError
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Encoded"]


class Encoded:
    """Decodes records and brings them to 28×28.

    files: whether each is a picture file, never raw pixels
    sizes: how many images of each (height, width) were met
    """

    def __init__(self, path: Path, how: str | None, *, files: bool = False) -> None:
        self._path, self._fitter, self._files = path, Fitter(path, how), files
        self.sizes = self._fitter.sizes

    def batches(self, pairs: Iterator[tuple[Any, Any, str]], size: int) -> Iterator[Digits]:
        """``pairs``: picture or pixels, label, and the record's name for messages.

        Raises:
            DatasetError: at the first record that cannot be used.
        """
        while part := list(itertools.islice(pairs, size)):
            images = np.stack([self._fitter(self._image(image, name)[np.newaxis])[0] for image, _, name in part])
            labels = np.array([_label(label, name) for _, label, name in part])
            names = [name for *_, name in part]
            yield Digits(images, as_labels(labels, self._path, functools.partial(_label_name, names)))

    def _image(self, image: Any, name: str) -> NDArray[np.uint8]:
        """A picture file, or raw pixels of a square image: uint8 (H, W)."""
        if isinstance(image, bytes):
            square = math.isqrt(len(image)) ** 2 == len(image)
            if self._files or not square or image[:4] == b"\x89PNG" or image[:3] == b"\xff\xd8\xff":
                return decode_grey(image, name)
            image = np.frombuffer(image, np.uint8)
        pixels = np.asarray(image if image is not None else [])
        side = math.isqrt(pixels.size)
        if pixels.dtype.kind not in "uif" or not side or side * side != pixels.size:
            raise DatasetError(f"{name} holds no picture, nor the pixels of a square one")
        scale = 255.0 if pixels.dtype.kind == "f" and pixels.max() <= 1 else 1.0
        if pixels.min() < 0 or pixels.max() * scale > 255:
            raise DatasetError(f"{name} holds {pixels.min()} to {pixels.max()}; expected 0 to 255, or 0 to 1")
        return np.rint(pixels * scale).astype(np.uint8).reshape(side, side)


def _label_name(names: list[str], row: int) -> str:
    return f"label of {names[row]}"


def _label(label: Any, name: str) -> float:
    if isinstance(label, bytes):
        label = label.decode("utf-8", "replace")
    if isinstance(label, str):
        label = int(label) if label.strip().isdecimal() and len(label) < 4 else None
    values = np.asarray([] if label is None else label).reshape(-1)
    if values.size != 1 or values.dtype.kind not in "uif":
        raise DatasetError(f"{name} has no label; expected a whole number 0 to 9")
    return float(values[0])
