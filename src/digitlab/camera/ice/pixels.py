"""Pixel formats of JdeRobot's cameras, to and from uint8 (H, W, 3) RGB."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.camera.ice.answers import Picture

__all__ = ["FORMATS", "choose_format", "packed", "rgb"]

FORMATS = ("RGB8", "RGB8_Z", "GRAY8")  # offered by our server; "_Z" means compressed with zlib

_CHANNELS = {"RGB8": 3, "RGB888": 3, "BGR8": 3, "YUY2": 2, "GRAY8": 1}  # RGB888 is the old name of RGB8
_READABLE = tuple(_CHANNELS) + tuple(f"{name}_Z" for name in _CHANNELS)
_LARGEST = 16_384  # pixels per side


def choose_format(offered: Sequence[str]) -> str:
    """Choose the best of a server's formats; RGB8 if it lists none.

    Raises:
        SourceError: when none of them is supported.
    """
    for name in _READABLE:
        if name in offered:
            return name
    if not offered:
        return "RGB8"
    listed = ", ".join(name[:20] for name in offered[:8])
    raise SourceError(f"the camera offers the formats {listed}; expected one of {', '.join(_READABLE)}")


def rgb(picture: Picture, asked: str) -> NDArray[np.uint8]:
    """Convert the picture to uint8 (H, W, 3) RGB, as a copy.

    asked: the requested format, used if the response names none

    Raises:
        SourceError: when size, format and bytes contradict each other.
    """
    name = picture.format or asked
    plain = name.removesuffix("_Z")
    if plain not in _CHANNELS:
        raise SourceError(f"the camera sends the format {name[:20]!r}; expected one of {', '.join(_READABLE)}")
    width, height, channels = picture.width, picture.height, _CHANNELS[plain]
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        raise SourceError(f"the camera sends a picture of {width}×{height} pixels; expected 1 to {_LARGEST:,} per side")
    size = width * height * channels
    pixels = _inflated(picture.pixels, size) if name.endswith("_Z") else picture.pixels
    if len(pixels) != size:
        raise SourceError(
            f"the camera sends {len(pixels):,} bytes as {width}×{height} pixels {plain}; expected {size:,}"
        )
    return _as_rgb(np.frombuffer(pixels, np.uint8).reshape(height, width, channels), plain)


def _inflated(data: memoryview, size: int) -> bytes:
    """Decompress to at most one byte more than `size`, as protection against decompression bombs."""
    try:
        return zlib.decompressobj().decompress(data, size + 1)
    except zlib.error as error:
        raise SourceError(f"the camera sends a compressed picture that cannot be decompressed ({error})") from error


def _as_rgb(image: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if name == "GRAY8":
        return np.repeat(image, 3, axis=2)
    if name == "YUY2":
        if image.shape[1] % 2:
            raise SourceError(f"the camera sends YUY2 with {image.shape[1]} pixels per row; expected an even number")
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_YUV2RGB_YUY2), np.uint8)
    return image[:, :, ::-1].copy() if name == "BGR8" else image.copy()


def packed(image: NDArray[np.uint8], name: str) -> bytes:
    """Encode a picture, uint8 (H, W, 3) RGB, in one of FORMATS."""
    if name == "GRAY8":
        return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).tobytes()
    return zlib.compress(image.tobytes(), 1) if name == "RGB8_Z" else image.tobytes()
