"""Pictures of one digit in files and records: PNG, JPEG, BMP, PGM.

Shared by Parquet, TFRecord and folders; `Encoded` decodes records, pictures or raw pixels with labels, in batches.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import as_labels
from digitlab.datasets.formats.fitting import Fitter
from digitlab.errors import DatasetError
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["MAX_PHOTO_BYTES", "Encoded", "decode_grey", "decode_picture", "encode_png"]

# The pixels are 784 bytes; the rest is metadata from cameras and editors.
MAX_PHOTO_BYTES = 32 << 20  # of a picture of any size
_MOST_PIXELS = 16_000_000
_ORIENTATION = 0x0112  # tag of EXIF

_FORMATS = ("PNG", "JPEG", "BMP", "PPM")


def decode_picture(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a picture to uint8 (28, 28); its size is checked first.

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
    """Decode a picture of any size and mode to grey, uint8 (H, W): upright, transparency on white, 16 bits as 8.

    Raises:
        DatasetError: for anything but a complete picture of at most 16 megapixels; the message starts with ``name``.
    """
    from PIL import Image

    with _opened(content, name) as picture:
        width, height = picture.size
        if width * height > _MOST_PIXELS:
            raise DatasetError(f"{name} is a picture of {width}×{height}; expected one digit, 16 megapixels at most")
        picture = _upright(picture)  # noqa: PLW2901
        if picture.mode.startswith("I"):
            values = np.asarray(picture).astype(np.float32)
            return np.clip(values / (257 if values.max() > 255 else 1), 0, 255).astype(np.uint8)
        if picture.has_transparency_data:
            rgba = picture.convert("RGBA")
            return np.asarray(Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("L"))
        return np.asarray(picture if picture.mode == "L" else picture.convert("L"))


def _upright(picture: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF says: phones store how they were held, and leave the pixels as they are."""
    if "exif" not in picture.info:
        return picture
    from PIL.Image import Transpose

    orientation = 1
    with contextlib.suppress(Exception):  # a damaged EXIF block is no reason to refuse the picture
        orientation = picture.getexif().get(_ORIENTATION, 1)
    turn = {
        2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
    }.get(orientation)  # fmt: skip
    return picture if turn is None else picture.transpose(turn)


@contextlib.contextmanager
def _opened(content: bytes, name: str) -> Iterator[Image.Image]:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about sizes, which are checked here
            yield Image.open(io.BytesIO(content), formats=_FORMATS)
    except DatasetError:
        raise
    except Exception as error:  # Pillow's decoders raise anything: SyntaxError, struct.error, IndexError …
        reason = "" if isinstance(error, UnidentifiedImageError) else f": {error}"  # it names the object in memory
        raise DatasetError(f"{name} is not a readable PNG, JPEG, BMP or PGM picture{reason}") from error


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode a uint8 (28, 28) image as PNG."""
    import cv2  # twice as fast as Pillow here

    return cv2.imencode(".png", image)[1].tobytes()


class Encoded:
    """Decoder of records that converts them to 28×28.

    sizes: the number of images seen of each (height, width)
    """

    def __init__(self, path: Path, preparation: str | None) -> None:
        self._path, self._fitter = path, Fitter(path, preparation)
        self.sizes = self._fitter.sizes

    def batches(self, pairs: Iterator[tuple[Any, Any, str]], size: int) -> Iterator[Digits]:
        """Decode in batches. ``pairs``: picture or pixels, label, and the record's name for messages.

        Raises:
            DatasetError: at the first unusable record.
        """
        while part := list(itertools.islice(pairs, size)):
            images = np.stack([self._fitter(self._image(image, name)[np.newaxis])[0] for image, _, name in part])
            labels = np.array([_label(label, name) for _, label, name in part])
            names = [name for *_, name in part]
            yield Digits(images, as_labels(labels, self._path, functools.partial(_label_name, names)))

    def _image(self, image: Any, name: str) -> NDArray[np.uint8]:
        """Decode a picture file, or the raw pixels of a square image, to uint8 (H, W)."""
        if isinstance(image, bytes):
            square = math.isqrt(len(image)) ** 2 == len(image)
            if not square or image[:4] == b"\x89PNG" or image[:3] == b"\xff\xd8\xff":
                return decode_grey(image, name)
            image = np.frombuffer(image, np.uint8)
        pixels = np.asarray(image if image is not None else [])
        side = math.isqrt(pixels.size)
        if pixels.dtype.kind not in "uif" or not side or side * side != pixels.size:
            raise DatasetError(f"{name} contains neither a picture nor the pixels of a square one")
        scale = 255.0 if pixels.dtype.kind == "f" and pixels.max() <= 1 else 1.0
        if pixels.min() < 0 or pixels.max() * scale > 255:
            raise DatasetError(f"{name} has values from {pixels.min()} to {pixels.max()}; expected 0 to 255, or 0 to 1")
        return np.rint(pixels * scale).astype(np.uint8).reshape(side, side)


def _label_name(names: list[str], row: int) -> str:
    return f"label of {names[row]}"


def _label(label: Any, name: str) -> float:
    if isinstance(label, bytes):
        label = label.decode("utf-8", "replace")
    if isinstance(label, str):
        label = int(label) if label.strip().isdecimal() and len(label) < 4 else None
    values = np.asarray([] if label is None else label).reshape(-1)
    if values.size != 1 or values.dtype.kind not in "uif":
        raise DatasetError(f"{name} has no label; expected a whole number 0 to 9")
    return float(values[0])
