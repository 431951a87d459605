"""Picture files: decode each to an upright RGB array, or report in one clear line why that fails."""

from __future__ import annotations

import contextlib
import io
import re
import stat
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from digitlab.errors import ImageError, ShapeError, first_line
from digitlab.picture_files.kinds import EXPECTED, START, kind_of
from digitlab.picture_files.pages import MOST_PAGES, TooManyPagesError, file_and_page, page_numbers, quietly
from digitlab.picture_files.pdf import draw_pdf_page
from digitlab.picture_files.rgb import on_paper, pillow_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["MAX_PIXELS", "as_rgb", "decode_image", "decode_page", "load_image", "load_reduced", "picture_pixels"]

MAX_PIXELS = 50_000_000  # 200 MB in Pillow and 150 MB as RGB: a process that reads stays below 1 GB
_PARTS = (1, 2, 4, 8)  # divisors of its width and height at which a JPEG can be decoded

# How to turn a picture of each EXIF orientation upright: whether to transpose it, and whether to mirror its rows and
# columns afterwards.
_UPRIGHT = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
_ORIENTATION = 0x0112  # the EXIF tag


def load_image(path: str | Path) -> NDArray[np.uint8]:
    """Read a picture: uint8 (H, W, 3) RGB, rows top-down, turned upright as its EXIF orientation says.

    docs/formats.md lists which formats are read, and how. ``scan.tif#2`` is the second page of a TIFF or PDF; if the
    name does not say which of several pages, the first is read, with a warning. Transparent pictures are laid on white
    (on black, if what is drawn is light). 16 bits per channel become 8. The size is read first: a picture of more than
    MAX_PIXELS is refused before it is decoded, unless it is a JPEG, which is then decoded at a half, a quarter or an
    eighth of its size.

    Raises:
        ImageError: when the file is missing, not a picture of these formats, damaged, truncated or too large.
    """
    return load_reduced(path, None)[0]


def load_reduced(path: str | Path, side: int | None) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Read a picture like `load_image`, at reduced resolution if allowed; also return its full size, upright.

    side: least number of pixels that the longest side must keep. A JPEG is decoded at a half, a quarter or an eighth of
        its size if that is enough, in a fraction of the time and memory. None keeps all that MAX_PIXELS allows

    Raises:
        ImageError: when the file is missing, not a picture of these formats, damaged, truncated or too large.
    """
    path = Path(path)
    try:
        file, page = file_and_page(path)
        _check_file(file)
        with file.open("rb") as stream:
            decoded = _decode(stream, file, path, side, MAX_PIXELS, page)
        if decoded.pages > MOST_PAGES and page is None:
            raise TooManyPagesError(path)
        if decoded.pages > 1 and page is None:
            warnings.warn(
                f"{path} has {decoded.pages} pages; this is the first of them, {path}#2 the next", stacklevel=2
            )
        return decoded.pixels, decoded.size
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        reason = getattr(error, "strerror", None) or str(error)
        address = re.match(r"(https?|ftp|file):/|data:", str(path))
        expected = "a picture file, not an address: download it first" if address else "a picture file"
        raise ImageError(f"{path}: cannot be opened ({reason}); expected {expected}") from error


def decode_image(content: bytes, name: str = "the picture", *, most_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decode a file's content from memory, like `load_image`; ``name`` is what messages call it.

    Raises:
        ImageError: when it is no picture of these formats, damaged, truncated, or has more than ``most_pixels``.
    """
    return decode_page(content, name, most_pixels=most_pixels)[0]


def decode_page(
    content: bytes, name: str = "the picture", page: int | None = None, *, most_pixels: int = MAX_PIXELS
) -> tuple[NDArray[np.uint8], int]:
    """Decode one page (counted from 1; None: the first) of a TIFF or PDF; also return the number of pages.

    Threads may decode in parallel: Pillow's warnings, which `load_image` silences under a lock, are left to the caller.

    Raises:
        ImageError: as `decode_image`, or when there is no such page.
    """
    if not content:
        raise ImageError(f"{name}: is empty (0 bytes); expected {EXPECTED}")
    decoded = _decode(io.BytesIO(content), content, name, None, min(most_pixels, MAX_PIXELS), page)
    return decoded.pixels, decoded.pages


def picture_pixels(picture: Image.Image) -> NDArray[np.uint8]:
    """Convert a Pillow image to an upright RGB array, as `load_image` does for a file.

    Raises:
        ImageError: when it cannot be decoded, or is too large.
    """
    name = "the picture"
    with _as_image_errors(name):
        _check_size(picture.size, picture.size, name, MAX_PIXELS)
        picture.load()
        return _upright(pillow_rgb(picture), _orientation_of(picture))


def as_rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert grey, RGB or RGBA, uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), to uint8 (H, W, 3) (RGB: no copy).

    Raises:
        ShapeError: for another type or shape, or a picture without pixels.
    """
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in (1, 3, 4) or not image.size:
        raise ShapeError(
            "image", expected="uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)", received=f"{image.dtype} {image.shape}"
        )
    if channels == 4:
        return on_paper(image)
    if channels == 3:
        return image
    return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)


def _check_file(path: Path) -> None:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(f"{path}: is a folder; expected a picture file, for instance {path / '*.jpg'}")
    if not stat.S_ISREG(status.st_mode):  # a pipe or device could block for ever
        raise ImageError(f"{path}: is a device or pipe; expected a picture file")
    if not status.st_size:
        raise ImageError(f"{path}: is empty (0 bytes); expected a picture, so copy or save it again")


class _Decoded(NamedTuple):
    """The upright picture, its full width and height, and the number of pages of its file."""

    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    pages: int


def _decode(
    stream: IO[bytes], source: Path | bytes, name: Path | str, side: int | None, most_pixels: int, page: int | None
) -> _Decoded:
    """Decode the picture, no smaller than ``side`` asks for; ``source`` is what the stream reads."""
    start = stream.read(START)
    stream.seek(0)
    kind = kind_of(start, name)
    if kind.format == "PDF":
        pixels, pages = draw_pdf_page(source, name, page or 1, most_pixels)
        return _Decoded(pixels, (pixels.shape[1], pixels.shape[0]), pages)
    silence = quietly() if isinstance(source, Path) else contextlib.nullcontext()
    with _as_image_errors(name), silence, Image.open(stream, formats=[kind.format]) as picture:
        pages = _seek_page(picture, page, name)
        full = picture.size
        _reduce(picture, side)
        _check_size(picture.size, full, name, most_pixels)
        reduced = picture.size != full
        picture.load()  # turns a TIFF upright, and updates its orientation tag
        orientation = _orientation_of(picture)
        if not reduced:
            full = picture.size
        return _Decoded(_upright(pillow_rgb(picture), orientation), full[::-1] if orientation[0] else full, pages)


@contextlib.contextmanager
def _as_image_errors(name: Path | str) -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: has more pixels than the {MAX_PIXELS:,} allowed; make it smaller first") from error
    except UnidentifiedImageError as error:  # its first bytes are valid, but the rest is not
        raise ImageError(f"{name}: is damaged or truncated; copy or save it again") from error
    except MemoryError as error:
        raise ImageError(f"{name}: does not fit into memory; make it smaller first") from error
    except Exception as error:  # on malformed input Pillow's decoders raise almost any kind of exception
        raise ImageError(
            f"{name}: is damaged or truncated ({first_line(error, 100)}); copy or save it again"
        ) from error


def _seek_page(picture: Image.Image, page: int | None, path: Path | str) -> int:
    """Seek to the page, counted from 1 (None: the first); return the number of pages."""
    numbers = page_numbers(picture, path)
    if page is not None and page > len(numbers):
        pages = "one page" if len(numbers) == 1 else f"{len(numbers)} pages"
        raise ImageError(f"{path}: there is no page {page}; the file has {pages}")
    if picture.format == "TIFF":
        picture.seek(numbers[(page or 1) - 1])
    return len(numbers)


def _reduce(picture: Image.Image, side: int | None) -> None:
    """Make Pillow decode a JPEG at a fraction of its size: as small as ``side`` allows, and at most MAX_PIXELS."""
    if picture.format != "JPEG":
        return
    width, height = picture.size
    allowed = max((part for part in _PARTS if side is not None and max(width, height) >= side * part), default=1)
    required = next((part for part in _PARTS if width * height <= MAX_PIXELS * part * part), _PARTS[-1])
    part = max(allowed, required)
    if part > 1:
        picture.draft(None, (max(1, width // part), max(1, height // part)))


def _check_size(size: tuple[int, int], full: tuple[int, int], path: Path | str, most_pixels: int) -> None:
    if size[0] * size[1] > most_pixels:
        raise ImageError(
            f"{path}: has {full[0]} × {full[1]} pixels; at most {most_pixels:,} are decoded, make it smaller first"
        )
    if min(size) < 1:
        raise ImageError(f"{path}: has {full[0]} × {full[1]} pixels; expected at least one")


def _orientation_of(picture: Image.Image) -> tuple[bool, bool, bool]:
    """Return whether to transpose the picture, and whether to mirror its rows and its columns afterwards."""
    try:
        tag = picture.getexif().get(_ORIENTATION)
        known = tag if isinstance(tag, int) else 1
    except Exception:  # noqa: BLE001 - a damaged EXIF block is no reason to refuse the picture
        known = 1
    return _UPRIGHT.get(known, (False, False, False))


def _upright(rgb: NDArray[np.uint8], orientation: tuple[bool, bool, bool]) -> NDArray[np.uint8]:
    if not any(orientation):
        return rgb
    swapped, rows, columns = orientation
    turned = rgb.transpose(1, 0, 2) if swapped else rgb
    return np.ascontiguousarray(turned[:: -1 if rows else 1, :: -1 if columns else 1])
