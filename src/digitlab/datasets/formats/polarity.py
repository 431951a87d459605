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

AS_IS, INVERTED = "as-is", "inverted"  # optional suffixes of a file's name, after "#"
PREPARED, RESIZED = "prepared", "resized"  # likewise: how images of other sizes are converted

_CLEAR = 0.25  # of the grey range: the border must be this near to one end; in noise or pictures full of ink it is not
_LEAST_RANGE = 32  # grey values; an image with a smaller range is empty
_NEARLY_ALL = 0.9


class Inks(NamedTuple):
    """Numbers of images: those certainly light ink on dark, those certainly dark ink on light, all."""

    light: int
    dark: int
    images: int

    @property
    def verdict(self) -> Literal["light", "dark", "mixed"]:
        """The polarity of the set; "light" also where too few images are certain."""
        certain = self.light + self.dark
        if 2 * certain < self.images or self.dark <= (1 - _NEARLY_ALL) * certain:
            return "light"
        return "dark" if self.dark >= _NEARLY_ALL * certain else "mixed"


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
    edge_level = (np.median(edge, axis=1) - low) / np.maximum(
        high - low, 1
    )  # 0: the edge is the darkest, 1: the lightest
    written = high - low >= _LEAST_RANGE
    light = int(np.count_nonzero(written & (edge_level < 0.5 - _CLEAR)))
    dark = int(np.count_nonzero(written & (edge_level > 0.5 + _CLEAR)))
    return Inks(light, dark, len(images))


def parted_name(path: str | Path) -> tuple[Path, str | None]:
    """Split a name into the file and the polarity requested after "#": "inverted", "as-is", or None.

    >>> parted_name("scans.npz#inverted")[1], parted_name("scans.npz")[1], parted_name("a.mat#resized#inverted")[1]
    ('inverted', None, 'inverted')
    """
    stem, requests = _asked(path)
    return stem, next((request for request in requests if request in (AS_IS, INVERTED)), None)


def preparation_in(path: str | Path) -> str | None:
    """Return how the name requests images to be converted to 28×28: "prepared", "resized", or None.

    >>> preparation_in("svhn.mat#resized"), preparation_in("svhn.mat#inverted")
    ('resized', None)
    """
    return next((request for request in _asked(path)[1] if request in (PREPARED, RESIZED)), None)


def _asked(path: str | Path) -> tuple[Path, list[str]]:
    """Split a name into the file and the requests after "#", last one first."""
    stem, requests = str(path), list[str]()
    while stem.rpartition("#")[2] in (AS_IS, INVERTED, PREPARED, RESIZED) and "#" in stem:
        stem, _, last = stem.rpartition("#")
        requests.append(last)
    return (Path(stem) if requests else Path(path)), requests


def inverted(source: ImageSource) -> ImageSource:
    """Wrap a source so that each pixel is 255 − its value; a `RowSource` remains one."""
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
