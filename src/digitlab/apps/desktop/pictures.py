"""From arrays to what Qt paints, without a copy that is not needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["grey_image", "scaled_frame", "signed_image"]


def scaled_frame(pixels: NDArray[np.uint8], width: int, height: int) -> QImage:
    """A frame, uint8 (H, W, 3) RGB, at exactly so many pixels of the screen, in the order that the screen has them.

    Scaled once a frame by OpenCV, so that painting it again is a plain copy. Shrunk by area, enlarged smoothly.
    """
    width, height = max(1, width), max(1, height)
    if (height, width) != pixels.shape[:2]:
        shrinks = width * height < pixels.shape[0] * pixels.shape[1]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)
    screen = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA), np.uint8)
    # The image holds on to the array.
    return QImage(screen.data, width, height, 4 * width, QImage.Format.Format_RGB32)


def grey_image(pixels: NDArray[np.uint8]) -> QImage:
    """A grey picture, uint8 (H, W), 0 black."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape
    return QImage(pixels.data, width, height, width, QImage.Format.Format_Grayscale8)


def signed_image(
    values: NDArray[np.float32], largest: float, zero: tuple[int, int, int], below: tuple[int, int, int],
    above: tuple[int, int, int],
) -> QImage:  # fmt: skip
    """Numbers, float32 (H, W), as a picture: `zero` at 0, towards `above` at +largest and `below` at −largest."""
    share = np.clip(values / max(largest, 1e-12), -1.0, 1.0)[..., np.newaxis]  # (H, W, 1)
    middle = np.asarray(zero, np.float32)
    ends = np.where(share >= 0.0, np.asarray(above, np.float32), np.asarray(below, np.float32))
    colours = np.ascontiguousarray(np.rint(middle + np.abs(share) * (ends - middle)).astype(np.uint8))
    height, width = values.shape
    return QImage(colours.data, width, height, 3 * width, QImage.Format.Format_RGB888)
