"""Polarity: light ink on dark, as in MNIST and as models expect, or dark ink on light, as on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from digitlab.datasets.formats.protocol import BATCH, Closing, ImageSource, RowSource
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["AS_IS", "INVERTED", "PREPARED", "RESIZED", "Inks", "inks_of", "inverted", "parted_name", "preparation_in"]

AS_IS, INVERTED = "as-is", "inverted"  # may follow a file's name after "#"
PREPARED, RESIZED = "prepared", "resized"  # as well: how images of other sizes are taken

_CLEAR = 0.25  # share of an image's range: in noise and in pictures full of ink, the border is not this near to an end
_LEAST_RANGE = 32  # grey values; less is an empty image
_NEARLY_ALL = 0.9


class Inks(NamedTuple):
    """Numbers of images with certain polarity: light ink on dark, dark ink on light, all images."""

    light: int
    dark: int
    images: int

    @property
    def verdict(self) -> Literal["light", "dark", "mixed"]:
        """The polarity of the set; "light" also where too few images are certain."""
        told = self.light + self.dark
        if 2 * told < self.images or self.dark <= (1 - _NEARLY_ALL) * told:
            return "light"
        return "dark" if self.dark >= _NEARLY_ALL * told else "mixed"


def inks_of(images: NDArray[np.uint8]) -> Inks:
    """Count polarities in uint8 (N, 28, 28): the border of an image shows the background.

    >>> paper = np.full((1, 28, 28), 200, np.uint8); paper[:, 8:20, 13:15] = 40
    >>> inks_of(np.concatenate([paper, paper, 255 - paper]))
    Inks(light=1, dark=2, images=3)
    """
    if not len(images):
        return Inks(0, 0, 0)
    edge = np.concatenate([images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]], axis=1)  # (N, 108)
    flat = images.reshape(len(images), 784)
    low, high = flat.min(axis=1).astype(np.float32), flat.max(axis=1).astype(np.float32)
    place = (np.median(edge, axis=1) - low) / np.maximum(high - low, 1)  # 0: the edge is the darkest, 1: the lightest
    written = high - low >= _LEAST_RANGE
    light = int(np.count_nonzero(written & (place < 0.5 - _CLEAR)))
    dark = int(np.count_nonzero(written & (place > 0.5 + _CLEAR)))
    return Inks(light, dark, len(images))


def parted_name(path: str | Path) -> tuple[Path, str | None]:
    """The file, and the polarity that its name asks for after "#": "inverted", "as-is", or None.

    >>> parted_name("scans.npz#inverted")[1], parted_name("scans.npz")[1], parted_name("a.mat#resized#inverted")[1]
    ('inverted', None, 'inverted')
    """
    stem, asked = _asked(path)
    return stem, next((each for each in asked if each in (AS_IS, INVERTED)), None)


def preparation_in(path: str | Path) -> str | None:
    """How the name asks for images to be brought to 28×28: "prepared", "resized", or None.

    >>> preparation_in("svhn.mat#resized"), preparation_in("svhn.mat#inverted")
    ('resized', None)
    """
    return next((each for each in _asked(path)[1] if each in (PREPARED, RESIZED)), None)


def _asked(path: str | Path) -> tuple[Path, list[str]]:
    """The file, and what its name asks for after "#", the last first."""
    stem, asked = str(path), list[str]()
    while stem.rpartition("#")[2] in (AS_IS, INVERTED, PREPARED, RESIZED) and "#" in stem:
        stem, _, last = stem.rpartition("#")
        asked.append(last)
    return (Path(stem) if asked else Path(path)), asked


def inverted(source: ImageSource) -> ImageSource:
    """The same images with 255 − each pixel; a `RowSource` stays one."""
    return _InvertedRows(source) if isinstance(source, RowSource) else _Inverted(source)


class _Inverted(Closing):
    def __init__(self, source: ImageSource) -> None:
        self._source = source

    @property
    def count(self) -> int | None:
        return self._source.count

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        for digits in self._source.batches(size):
            yield _turned(digits)

    def close(self) -> None:
        self._source.close()


class _InvertedRows(_Inverted):
    def __init__(self, source: RowSource) -> None:
        super().__init__(source)
        self._rows = source

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, start: int, stop: int) -> Digits:
        return _turned(self._rows.read(start, stop))


def _turned(digits: Digits) -> Digits:
    return Digits(255 - digits.images, digits.labels)
