"""Convert whatever may be a picture in Python (a file, its content, a Pillow image, an array, a tensor) to RGB."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from digitlab.errors import ImageError, ShapeError
from digitlab.reading.images import as_rgb, decode_image, load_reduced, picture_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PictureLike", "is_one_picture", "rgb_of"]

_LARGEST_FILE = 1 << 30  # bytes of a file object: an endless stream must not fill the memory
_EXPECTED = (
    "a path, a picture file's bytes, a file opened in binary mode, a picture of Pillow, or an array or tensor (H, W), "
    "(H, W, 1), (H, W, 3) or (H, W, 4) of uint8, of bool or of floating numbers from 0 to 1"
)


class _BinaryFile(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class _WithArray(Protocol):
    def __array__(self) -> NDArray[Any]: ...


class _WithDLPack(Protocol):
    def __dlpack__(self) -> object: ...


PictureLike = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | _BinaryFile | Image.Image | _WithArray | _WithDLPack
)


def rgb_of(image: PictureLike, side: int | None = None) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Return a picture as uint8 (H, W, 3) RGB, and its full width and height.

    In an array, 0 is black: uint8 0 … 255, floating-point values 0 … 1, bool False and True. Three channels are red,
    green and blue; a fourth is the opacity. Ambiguous input (floating-point values from 0 to 255, channels first, a
    batch) is refused, and the message contains the line of code that makes it unambiguous.

    side: as for `load_reduced`; for paths only

    Raises:
        ImageError: for a file, its content or a Pillow image that cannot be decoded.
        ShapeError: for an array of another type, shape or range, or for an object that is not a picture at all.
    """
    if isinstance(image, str | os.PathLike):
        return load_reduced(Path(image), side)
    if isinstance(image, Image.Image):
        pixels = picture_pixels(image)
    elif isinstance(image, bytes | bytearray | memoryview):
        pixels = decode_image(bytes(image), "the bytes")
    elif isinstance(image, np.ndarray):
        pixels = as_rgb(_as_uint8(image))
    elif callable(getattr(image, "read", None)):
        pixels = decode_image(_content(image), str(getattr(image, "name", "the file object")))
    else:
        pixels = as_rgb(_as_uint8(_array_of(image)))
    return pixels, (pixels.shape[1], pixels.shape[0])


def is_one_picture(value: object) -> bool:
    """Return whether an argument for several pictures is only one: a path, a file, an array (H, W) or (H, W, C)."""
    if isinstance(value, str | os.PathLike | bytes | bytearray | memoryview | Image.Image):
        return True
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return len(shape) < 3 or (len(shape) == 3 and shape[2] in (1, 3, 4))
    return callable(getattr(value, "read", None))


def _content(file: Any) -> bytes:
    try:
        content = file.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: it is closed, or its text cannot be decoded
        raise ImageError(f"the file object cannot be read ({error}); expected one opened in binary mode") from error
    if not isinstance(content, bytes):
        raise ShapeError(
            "image",
            expected="a file opened in binary mode: open(path, 'rb')",
            received=f"one of {_type_name(content)}",
        )
    if len(content) > _LARGEST_FILE:
        raise ImageError(f"the file object has more than {_LARGEST_FILE:,} bytes; expected one picture file")
    return content


def _array_of(image: object) -> NDArray[Any]:
    """Convert a tensor to an array, without a copy if its library allows that."""
    if isinstance(image, list | tuple) or not (hasattr(image, "__array__") or hasattr(image, "__dlpack__")):
        several = isinstance(image, Iterable)
        advice = "; several pictures are read by reader.read_many(pictures)" if several else ""
        raise ShapeError("image", expected=_EXPECTED, received=_type_name(image) + advice)
    try:
        return np.asarray(image) if hasattr(image, "__array__") else np.from_dlpack(image)  # type: ignore[arg-type]
    except Exception as error:  # each library has its own error for a tensor on a GPU, or with gradients
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise ShapeError(
            "image",
            expected="a tensor in the main memory without gradient: image.detach().cpu().numpy() with torch",
            received=f"{_type_name(image)}, which gives no array ({reason})",
        ) from error


def _as_uint8(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert an array to uint8, in a shape that `as_rgb` takes."""
    _expect_shape(array)
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "fiu":
        raise _refused(array, "uint8, bool or floating numbers")
    low, high = array.min(), array.max()
    if array.dtype.kind != "f":
        raise _refused(array, f"uint8, or 0 to 1: {_code_for_integers(int(low), int(high))}", low, high)
    if not np.isfinite([low, high]).all():
        raise _refused(array, "finite numbers: np.nan_to_num(image)", low, high)
    if low < 0:
        code = "(image + 1) / 2" if low >= -1 and high <= 1 else "(image - image.min()) / (image.max() - image.min())"
        raise _refused(array, f"0 to 1: {code}", low, high)
    if high > 1:
        code = "image / 255" if high <= 255 else "image / image.max()"
        raise _refused(array, f"0 to 1: {code}", low, high)
    return np.asarray(np.rint(array * array.dtype.type(255)), np.uint8)


def _code_for_integers(low: int, high: int) -> str:
    if low < 0:
        return "(image - image.min()) / (image.max() - image.min())"
    if high <= 255:
        return 'image.astype("uint8")'
    return "image / 65535" if high <= 65535 else "image / image.max()"


def _expect_shape(array: NDArray[Any]) -> None:
    shape = array.shape
    last_is_colour = array.ndim == 3 and shape[2] in (1, 3, 4)
    if array.size and (array.ndim == 2 or last_is_colour):
        return
    if array.size and array.ndim == 3 and shape[0] in (3, 4):
        raise _refused(array, "channels last: image.transpose(1, 2, 0), or image.permute(1, 2, 0) with torch")
    if array.size and array.ndim == 3 and shape[0] == 1:
        raise _refused(array, "one picture: image[0]")
    if array.size and (array.ndim == 4 or (array.ndim == 3 and shape[2] != 2)):
        raise _refused(array, "one picture: image[0], or reader.read_many(images) for all")
    raise _refused(array, "(H, W), (H, W, 1), (H, W, 3) or (H, W, 4)")


def _refused(array: NDArray[Any], expected: str, low: object = None, high: object = None) -> ShapeError:
    value_range = "" if low is None else f" from {low:g} to {high:g}"
    return ShapeError("image", expected=expected, received=f"{array.dtype} {array.shape}{value_range}")


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
