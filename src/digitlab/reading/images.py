"""Picture files: every one becomes an upright array of RGB, or one clear line that says why not."""

from __future__ import annotations

import stat
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

# The plugins register themselves with Pillow; naming them spares Image.open its import of all forty others.
from PIL import (  # isort: skip
    BmpImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from digitlab.errors import ImageError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["FORMATS", "MAX_PIXELS", "as_rgb", "load_image"]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MAX_PIXELS = 100_000_000  # 300 MB of RGB: the largest phone camera (200 million) bins to less by default

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_OTHER_KINDS = {
    b"GIF8": "a GIF",
    b"%PDF": "a PDF",
    b"8BPS": "a Photoshop file",
    b"<svg": "an SVG drawing",
    b"<?xm": "an XML or SVG file",
    b"PK\x03\x04": "a zip archive",
    b"\x00\x00\x01\x00": "an icon",
    b"\xff\x0a": "a JPEG XL",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000",
}
_ORIENTATION = 0x0112  # the EXIF tag

# warnings.catch_warnings changes the whole process and is not thread-safe: our threads take turns, so that they cannot
# leave the filters changed for good.
_TAKING_TURNS = threading.Lock()


def load_image(path: str | Path) -> NDArray[np.uint8]:
    """Read a picture: uint8 (H, W, 3) RGB, rows top-down, turned upright as its EXIF orientation says.

    JPEG, PNG, WebP, BMP and TIFF; of an animation or a stack the first picture. Transparent pictures are laid on white
    (on black, where what is drawn is light). 16 bits a channel become 8. The size is read first: a picture of more than
    MAX_PIXELS is refused before it is decoded.

    Raises:
        ImageError: the file is missing, no picture of these formats, damaged, cut off or too large.
    """
    path = Path(path)
    try:
        _check_file(path)
        with path.open("rb") as stream:
            return _decode(stream, path)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{path}: cannot be opened ({reason}); expected a picture file") from error


def as_rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey, RGB or RGBA, uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), as uint8 (H, W, 3); RGB is not copied.

    Raises:
        ShapeError: for another type or shape, or a picture without pixels.
    """
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in (1, 3, 4) or not image.size:
        raise ShapeError(
            "image", expected="uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)", received=f"{image.dtype} {image.shape}"
        )
    if channels == 4:
        return _on_paper(image)
    if channels == 3:
        return image
    return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)


def _check_file(path: Path) -> None:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(f"{path}: is a folder; expected a picture file, for instance {path / '*.jpg'}")
    if not stat.S_ISREG(status.st_mode):  # a pipe or device could keep us waiting for ever
        raise ImageError(f"{path}: is a device or pipe; expected a picture file")
    if not status.st_size:
        raise ImageError(f"{path}: is empty (0 bytes); expected a picture, so copy or save it again")


def _decode(stream: IO[bytes], path: Path) -> NDArray[np.uint8]:
    start = stream.read(16)
    stream.seek(0)
    try:
        with _quietly(), Image.open(stream, formats=FORMATS) as picture:
            _check_size(picture.size, path)
            picture.load()
            return _to_rgb(_upright(picture))
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path}: has more pixels than the {MAX_PIXELS:,} allowed; make it smaller first") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{path}: is {_kind(start)}; expected a JPEG, PNG, WebP, BMP or TIFF picture") from error
    except MemoryError as error:
        raise ImageError(f"{path}: does not fit into the memory; make it smaller first") from error
    except Exception as error:  # on hostile bytes Pillow's decoders raise nearly every kind there is
        raise ImageError(f"{path}: is damaged or cut off ({_first_line(error)}); copy or save it again") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:100]


def _kind(start: bytes) -> str:
    """What a foreign file is, by its first 16 bytes."""
    if start[4:8] == b"ftyp":
        return "a HEIC, AVIF or video file"
    return next(
        (kind for magic, kind in _OTHER_KINDS.items() if start.startswith(magic)), "no picture that can be read"
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """No warnings of Pillow: what matters in them is checked here."""
    with _TAKING_TURNS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _check_size(size: tuple[int, int], path: Path) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{path}: has {width} × {height} pixels; at most {MAX_PIXELS:,} are read, make it smaller first"
        )
    if width < 1 or height < 1:
        raise ImageError(f"{path}: has {width} × {height} pixels; expected at least one")


def _upright(picture: Image.Image) -> Image.Image:
    try:
        orientation = picture.getexif().get(_ORIENTATION)
        turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    except Exception:  # noqa: BLE001 - a damaged EXIF block is no reason to refuse the picture
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _to_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode.startswith(("I", "F")):
        grey = _to_8_bits(np.asarray(picture))
        return np.repeat(grey[:, :, None], 3, axis=2)
    if picture.has_transparency_data:
        return _on_paper(np.asarray(picture.convert("RGBA")))
    return np.array(picture.convert("RGB"))


def _to_8_bits(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey of 16 or 32 bits, (H, W), by the full range of the smallest usual scale that holds it: 255, 65535, 2³²−1.

    Floating numbers up to 1 are taken as 0…1.
    """
    values = np.nan_to_num(grey.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    brightest = float(values.max())
    scales = (1.0, 255.0, 65535.0) if grey.dtype.kind == "f" else (255.0, 65535.0)
    scale = next((scale for scale in scales if brightest <= scale), max(brightest, float(2**32 - 1)))
    return np.asarray(np.clip(np.rint(values * (255.0 / scale)), 0, 255), np.uint8)


def _on_paper(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay uint8 (H, W, 4) on white, or on black where only light ink is drawn: uint8 (H, W, 3)."""
    alpha = rgba[:, :, 3]
    if alpha.min() == 255:
        return np.ascontiguousarray(rgba[:, :, :3])
    paper = 0 if _is_light_ink(rgba) else 255
    weight = alpha.astype(np.uint16)[:, :, None]
    laid = rgba[:, :, :3] * weight + paper * (255 - weight) + 127
    return (laid // 255).astype(np.uint8)


def _is_light_ink(rgba: NDArray[np.uint8]) -> bool:
    """Whether what is opaque is light throughout and the smaller part: strokes, not a card with something on it."""
    opaque = rgba[rgba[:, :, 3] >= 128]
    if not len(opaque) or len(opaque) > rgba[:, :, 3].size // 2:
        return False
    return bool(np.percentile(opaque[:, :3].max(axis=1), 5) > 127)
