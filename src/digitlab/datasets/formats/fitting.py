"""Convert images of any size, depth and number of channels to the uint8 (N, 28, 28) that networks expect."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import as_labels
from digitlab.datasets.formats.polarity import PREPARED, RESIZED
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ArraySource", "Fitter", "fitted", "grey_of"]

_SIDE, _BOX = 28, 20
_INK = 0.3  # ink threshold: contrast with the background, as a share of the image's largest contrast
_LEAST_RANGE = 32  # grey levels; an image with a smaller range is empty


class Fitter:
    """Converter of images to 28×28 that also counts the sizes it has seen.

    preparation: "prepared": light ink on dark, the ink's longest side 20 pixels, its centre of mass in the middle, as
        MNIST was made and the reader prepares a photo; "resized": the whole image scaled to 28×28; None: 28×28 images
        are left unchanged, others are prepared, with a warning
    """

    def __init__(self, path: Path, preparation: str | None) -> None:
        self._path, self._preparation, self._warned = path, preparation, False
        self.sizes: Counter[tuple[int, int]] = Counter()

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Convert uint8 (N, H, W) or (N, H, W, channels) to uint8 (N, 28, 28)."""
        size = images.shape[1], images.shape[2]
        self.sizes[size] += len(images)
        grey = grey_of(images)
        if size == (_SIDE, _SIDE) and self._preparation != PREPARED:
            return grey
        if self._preparation is None:
            self._warn(size)
        one = _resized if self._preparation == RESIZED else fitted
        return np.stack([one(image) for image in grey]) if len(grey) else np.empty((0, _SIDE, _SIDE), np.uint8)

    def _warn(self, size: tuple[int, int]) -> None:
        """Warn, once, that the images differ from those in the file."""
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"{self._path}: images of {size[1]}×{size[0]} are prepared as the reader prepares a photo: light ink "
                f"on dark, in a box of 20×20, centred by mass. {self._path}#resized only resizes them to 28×28",
                stacklevel=1,
            )


def grey_of(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert uint8 (N, H, W[, 1 | 3 | 4]) to grey (N, H, W), with the weights of ITU-R BT.601."""
    if images.ndim == 3:
        return np.ascontiguousarray(images)
    if images.shape[3] < 3:
        return np.ascontiguousarray(images[..., 0])
    weighted = images[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.rint(weighted).astype(np.uint8)


def _resized(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    interpolation = cv2.INTER_AREA if min(image.shape) >= _SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (_SIDE, _SIDE), interpolation=interpolation), np.uint8)


def fitted(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert one digit of any polarity, uint8 (H, W), to MNIST's form, uint8 (28, 28); an empty image becomes black.

    >>> paper = np.full((64, 48), 230, np.uint8); paper[10:50, 20:26] = 20
    >>> digit = fitted(paper); int(digit.max()), int(np.count_nonzero(digit.any(axis=1)))
    (255, 20)
    """
    import cv2

    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    ground, low, high = float(np.median(edge)), float(image.min()), float(image.max())
    placed = np.zeros((_SIDE, _SIDE), np.uint8)
    if high - low < _LEAST_RANGE:
        return placed
    light = high - ground >= ground - low
    ink = (image - ground) / (high - ground) if light else (ground - image) / (ground - low)
    rows, columns = np.nonzero(ink >= _INK)
    ink = np.clip(ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], 0, 1).astype(np.float32)
    ink[ink < _INK / 2] = 0  # removes the grain of the paper
    scale = _BOX / max(ink.shape)
    width, height = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    small = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    # Not cv2.moments, which interprets an array two pixels wide as a list of points.
    left = min(max(round(_SIDE / 2 - small.sum(axis=0) @ np.arange(width) / small.sum()), 0), _SIDE - width)
    top = min(max(round(_SIDE / 2 - small.sum(axis=1) @ np.arange(height) / small.sum()), 0), _SIDE - height)
    placed[top : top + height, left : left + width] = np.rint(small * (255 / small.max()))
    return placed


class ArraySource(Closing):
    """Source of in-memory arrays of any numeric type, as read from .mat and pickled files.

    Pixel scale is inferred from the range: 0 to 255, 0 to 1, or −1 to 1. ``images``: (N, H, W) or (N, H, W, channels);
    ``labels``: (N,). Not a `RowSource`: training would prepare the images again in each epoch.
    """

    def __init__(self, path: Path, images: NDArray[Any], labels: NDArray[Any], fitter: Fitter) -> None:
        self._path, self._images, self._fitter = path, images, fitter
        self._labels = as_labels(labels, path, lambda row: f"label {row}")
        self.sizes = fitter.sizes
        self.count = len(images)
        self._factor, self._plus = self._scale()

    def _scale(self) -> tuple[float, float]:
        if self._images.dtype == np.uint8 or not self.count:
            return 1.0, 0.0
        parts = [self._images[start : start + BATCH] for start in range(0, self.count, BATCH)]
        least, most = min(float(part.min()) for part in parts), max(float(part.max()) for part in parts)
        if -1.01 <= least < 0 and most <= 1.01:
            return 127.5, 127.5
        if least >= 0 and most <= 1:
            return 255.0, 0.0
        if least >= 0 and most <= 255:
            return 1.0, 0.0
        raise DatasetError(
            f"{self._path}: its pixels go from {least:g} to {most:g}; expected 0 to 255, 0 to 1, or -1 to 1"
        )

    def _rows(self, start: int, stop: int) -> Digits:
        images = self._images[start:stop]
        if images.dtype != np.uint8:
            images = np.clip(np.rint(images * self._factor + self._plus), 0, 255).astype(np.uint8)
        return Digits(self._fitter(images), self._labels[start:stop])

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in the file's order; see `ImageSource.batches`."""
        for start in range(0, self.count, size):
            yield self._rows(start, start + size)
