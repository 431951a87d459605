"""Conversion of decoders' and drivers' images to uint8 RGB."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from digitlab.errors import SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["rgb_from_jpeg", "rgb_from_opencv", "rgb_from_pillow"]

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
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), _CONVERSIONS[channels]), np.uint8)


def rgb_from_pillow(picture: Image.Image) -> NDArray[np.uint8]:
    """Convert a picture to uint8 (H, W, 3) RGB, as `digitlab read` does, where Pillow's own conversion would lose it.

    Grey of 16 or 32 bits is scaled to 8 (Pillow would clip it). What is transparent becomes paper (for Pillow, black):
    white, or black if the drawing is light throughout.
    """
    if picture.mode.startswith(("I", "F")):
        grey = np.nan_to_num(np.asarray(picture).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        scales = (*((1.0,) if picture.mode == "F" else ()), 255.0, 65535.0)
        scale = next((each for each in scales if grey.max() <= each), max(float(grey.max()), 2.0**32 - 1))
        return np.repeat(np.clip(np.rint(grey * (255.0 / scale)), 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if picture.has_transparency_data:
        drawn = picture.convert("RGBA")
        paper = (0, 0, 0) if _is_light_ink(np.asarray(drawn)) else (255, 255, 255)
        picture = Image.alpha_composite(Image.new("RGBA", drawn.size, (*paper, 255)), drawn)
    return np.asarray(picture.convert("RGB"), np.uint8)


def _is_light_ink(rgba: NDArray[np.uint8]) -> bool:
    """Return whether the opaque part, of uint8 (H, W, 4), is light throughout and a minority: strokes, no card."""
    opaque = rgba[rgba[:, :, 3] >= 128]
    if not len(opaque) or len(opaque) > rgba[:, :, 3].size // 2:
        return False
    return bool(np.percentile(opaque[:, :3].max(axis=1), 5) > 127)


def rgb_from_jpeg(picture: bytes) -> NDArray[np.uint8] | None:
    """Decode a JPEG file to uint8 (H, W, 3) RGB; return None when it cannot be decoded.

    Uses Pillow, because OpenCV's decoder writes its warnings to stderr.
    """
    try:
        with JpegImageFile(io.BytesIO(picture)) as decoded:
            return np.asarray(decoded.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, LookupError, struct.error):
        return None
