"""Conversion of decoders' and drivers' images to uint8 RGB."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from digitlab.errors import SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["rgb_from_jpeg", "rgb_from_opencv"]

_CONVERSIONS = {1: cv2.COLOR_GRAY2RGB, 2: cv2.COLOR_YUV2RGB_YUY2, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}


def rgb_from_opencv(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Convert a frame in OpenCV's channel order to uint8 (H, W, 3) RGB.

    image: uint8, or uint16 (the upper eight bits are used); (H, W) grey, or (H, W, C) with C of 1 (grey), 2 (YUYV, from
        some drivers), 3 (BGR) or 4 (BGRA; alpha is ignored)

    Raises:
        SourceError: for anything else.
    """
    channels = 1 if image.ndim == 2 else image.shape[2] if image.ndim == 3 else 0
    if image.dtype == np.uint16:
        image = np.right_shift(image, 8).astype(np.uint8)
    if image.dtype != np.uint8 or channels not in _CONVERSIONS or image.size == 0:
        raise SourceError(f"a frame of {image.dtype} {image.shape}; expected grey or colour of 8 or 16 bits")
    if channels == 2 and image.shape[1] % 2:
        raise SourceError(f"a frame of {image.shape[1]}×{image.shape[0]} in YUYV; expected an even width")
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), _CONVERSIONS[channels]), np.uint8)


def rgb_from_jpeg(picture: bytes) -> NDArray[np.uint8] | None:
    """Decode a JPEG file to uint8 (H, W, 3) RGB; return None when it cannot be decoded.

    Uses Pillow, because OpenCV's decoder writes its warnings to stderr.
    """
    try:
        with JpegImageFile(io.BytesIO(picture)) as decoded:
            return np.asarray(decoded.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, LookupError, struct.error):
        return None
