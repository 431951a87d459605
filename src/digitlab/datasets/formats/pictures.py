"""Pictures of one digit in files and records: PNG, JPEG, BMP, PGM."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["MAX_PHOTO_BYTES", "MAX_PICTURE_BYTES", "decode_grey", "decode_picture", "encode_png"]

# The pixels are 784 bytes; the rest is metadata from cameras and editors.
MAX_PICTURE_BYTES = 1 << 20
MAX_PHOTO_BYTES = 32 << 20  # of a picture of any size
_MOST_PIXELS = 16_000_000

_FORMATS = ("PNG", "JPEG", "BMP", "PPM")


def decode_picture(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a picture, uint8 (28, 28); its size is checked before.

    Raises:
        DatasetError: for anything but a complete 8-bit grey picture of 28×28; the message starts with ``name``.
    """
    with _opened(content, name) as picture:
        if picture.size != (28, 28) or picture.mode != "L":
            width, height = picture.size
            raise DatasetError(
                f"{name} is a {picture.mode} picture of {width}×{height}; expected 8-bit grey (L) of 28×28 "
                "(`digitlab classify` is for photos)"
            )
        return np.asarray(picture)


def decode_grey(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a picture of any size and mode in grey, uint8 (H, W): transparent pixels on white, 16 bits made 8.

    Raises:
        DatasetError: for anything but a complete picture of at most 16 megapixels; the message starts with ``name``.
    """
    from PIL import Image

    with _opened(content, name) as picture:
        width, height = picture.size
        if width * height > _MOST_PIXELS:
            raise DatasetError(f"{name} is a picture of {width}×{height}; expected one digit, 16 megapixels at most")
        if picture.mode.startswith("I"):
            values = np.asarray(picture).astype(np.float32)
            return np.clip(values / (257 if values.max() > 255 else 1), 0, 255).astype(np.uint8)
        if picture.has_transparency_data:
            rgba = picture.convert("RGBA")
            return np.asarray(Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("L"))
        return np.asarray(picture if picture.mode == "L" else picture.convert("L"))


@contextlib.contextmanager
def _opened(content: bytes, name: str) -> Iterator[Image.Image]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about sizes, which are checked here
            yield Image.open(io.BytesIO(content), formats=_FORMATS)
    except DatasetError:
        raise
    except Exception as error:  # Pillow's decoders raise anything: SyntaxError, struct.error, IndexError …
        raise DatasetError(f"{name} is not a readable PNG, JPEG, BMP or PGM picture: {error}") from error


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """A uint8 (28, 28) image as PNG."""
    import cv2  # twice as fast as Pillow here

    return cv2.imencode(".png", image)[1].tobytes()
