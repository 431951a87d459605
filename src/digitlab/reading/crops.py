"""What the classifier of the page reader sees of a candidate: its box with half as much around it, 32×32 pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CROP", "cut_crops"]

CROP = 32  # pixels: the side of a crop
_CONTEXT = 1.5  # the crop's side in parts of the box's longest


def cut_crops(image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """uint8 (N, 32, 32, 3) for an image uint8 (H, W, 3) and boxes float32 (N, 4), x0, y0, x1, y1 in pixels.

    Beyond the image's border its last pixels go on.
    """
    pyramid = [image]
    crops = np.empty((len(boxes), CROP, CROP, 3), np.uint8)
    for row, box in enumerate(boxes):
        crops[row] = _crop(pyramid, box)
    return crops


def _crop(pyramid: list[NDArray[np.uint8]], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """One crop; ``pyramid`` is the image, and grows by its halves as far as they are needed."""
    x0, y0, x1, y1 = box.tolist()
    side = max(x1 - x0, y1 - y0, 2.0) * _CONTEXT
    level, scale = 0, side / CROP  # pixels of the image for one of the crop
    while scale >= 2.0:
        level, scale = level + 1, scale / 2
        if level == len(pyramid):
            last = pyramid[-1]
            size = max(1, last.shape[1] // 2), max(1, last.shape[0] // 2)
            pyramid.append(np.asarray(cv2.resize(last, size, interpolation=cv2.INTER_AREA), np.uint8))
    fx, fy = pyramid[level].shape[1] / pyramid[0].shape[1], pyramid[level].shape[0] / pyramid[0].shape[0]
    left, top = ((x0 + x1) / 2 - side / 2) * fx, ((y0 + y1) / 2 - side / 2) * fy
    sx, sy = side * fx / CROP, side * fy / CROP
    matrix = np.array([[sx, 0.0, left + 0.5 * sx - 0.5], [0.0, sy, top + 0.5 * sy - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(pyramid[level], matrix, (CROP, CROP), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
