"""From a digit of 28×28 pixels to a pen stroke of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import ShapeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BODY", "extent", "stroke"]

BODY = 20  # MNIST fits each digit into 20 by 20 pixels

_INK = 64  # grey level from which a pixel counts as ink
# Coverage rises from 0 to 1 between these. With them a stroke keeps its area (1.04 times that of the pixels above 127),
# and of the first 3,000 test digits 14 fall into more parts than they had.
_EDGE = (0.40, 0.62)
_FAINTEST = 0.3  # a stroke fainter than this stays faint: it is the smear beside one


def extent(image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """The box of the ink, (x0, y0, x1, y1) in pixels of the image, x1 and y1 exclusive.

    image: uint8 (28, 28), light ink on dark

    Raises:
        ShapeError: when there is no ink.
    """
    ys, xs = np.nonzero(image >= _INK)
    if not len(ys):
        raise ShapeError("digit", expected="an image with ink in it", received="an empty one")
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def stroke(image: NDArray[np.uint8], scale: float) -> NDArray[np.float32]:
    """The digit `scale` times as large, with smooth edges.

    image: uint8 (28, 28), light ink on dark

    Returns:
        float32 (h, w), how much of each pixel ink covers, 0..1, cropped to the ink.
    """
    x0, y0, x1, y1 = extent(image)
    padded = np.pad(image, 2)[y0 : y1 + 4, x0 : x1 + 4].astype(np.float32) / 255.0
    size = round(padded.shape[1] * scale), round(padded.shape[0] * scale)
    large = cv2.resize(padded, size, interpolation=cv2.INTER_CUBIC)
    # The pixels of the original show as steps of `scale`; a blur of a third of one removes them and keeps the stroke.
    smooth = cv2.GaussianBlur(large, (0, 0), max(0.3, 0.35 * scale))
    return _cropped(_smoothstep(_evened(np.asarray(smooth, np.float32), scale)))


def _evened(values: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Bring thin strokes, which MNIST shows in grey, to the level of thick ones: a pen has one colour."""
    reach = int(4 * scale) | 1
    around = cv2.blur(cv2.dilate(values, np.ones((reach, reach), np.uint8)), (reach, reach))
    return np.asarray(values / np.clip(around, _FAINTEST, 1.0), np.float32)


def _smoothstep(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = _EDGE
    rise = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(rise * rise * (3.0 - 2.0 * rise), np.float32)


def _cropped(coverage: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part in which at least half a pixel is ink."""
    ys, xs = np.nonzero(coverage >= 0.5)
    return coverage[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
