"""Small grey pictures in files and records: PNG, JPEG, BMP, PGM."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_PICTURE_BYTES", "decode_picture", "encode_png"]

# The pixels are 784 bytes; the rest is metadata from cameras and editors.
MAX_PICTURE_BYTES = 1 << 20

_FORMATS = ("PNG", "JPEG", "BMP", "PPM")


def decode_picture(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a picture, uint8 (28, 28); its size is checked before.

    Raises:
        DatasetError: for anything but a complete 8-bit grey picture of 28×28; the message starts with ``name``.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about sizes, which are checked here
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
            if picture.size != (28, 28) or picture.mode != "L":
                width, height = picture.size
                raise DatasetError(
                    f"{name} is a {picture.mode} picture of {width}×{height}; expected 8-bit grey (L) of 28×28 "
                    "(`digitlab classify` is for photos)"
                )
            return np.asarray(picture)
    except DatasetError:
        raise
    except Exception as error:  # Pillow's decoders raise anything: SyntaxError, struct.error, IndexError …
        raise DatasetError(f"{name} is not a readable PNG, JPEG, BMP or PGM picture: {error}") from error


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """A uint8 (28, 28) image as PNG."""
    import cv2  # twice as fast as Pillow here

    return cv2.imencode(".png", image)[1].tobytes()
