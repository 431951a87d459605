"""A folder of pictures, played as a video; a TIFF of several pages gives one frame per page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from digitlab.camera.playback import Playback, checked_rate
from digitlab.errors import ImageError, SourceError
from digitlab.picture_files.pages import page_numbers, quietly
from digitlab.picture_files.rgb import pillow_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.camera.playback import Images

__all__ = ["ImageFolder"]

_SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"))


class ImageFolder(Playback):
    """The pictures of a folder in natural order of their names (9 before 10); pages in file order.

    rate: frames per second
    """

    def __init__(self, path: str | Path, rate: float = 25.0, *, realtime: bool = True) -> None:
        super().__init__(rate=checked_rate(rate), realtime=realtime)
        self.path = Path(path)
        self._interval = 1.0 / rate

    def _images(self) -> Images:
        pictures = _pictures_in(self.path)
        frames = (frame for picture in pictures for frame in _decoded(picture))
        return ((frame, number * self._interval) for number, frame in enumerate(frames))


def _pictures_in(folder: Path) -> list[Path]:
    """List the pictures, sorted.

    Raises:
        SourceError: when the folder is missing, unreadable, or contains no pictures.
    """
    try:
        pictures = [entry for entry in folder.iterdir() if _is_picture(entry)]
    except OSError as error:
        raise SourceError(f"{folder}: {error.strerror}; expected a folder of pictures") from error
    if not pictures:
        raise SourceError(f"{folder}: no pictures in this folder; expected files such as 001.png or 001.jpg")
    return sorted(pictures, key=_natural)


def _is_picture(entry: Path) -> bool:
    return entry.suffix.lower() in _SUFFIXES and not entry.name.startswith(".") and entry.is_file()


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    # re.split with a group alternates text and digits, so elements at the same position are of the same kind.
    parts = re.split(r"([0-9]+)", path.name)
    return [(int(part), "") if number % 2 else (0, part) for number, part in enumerate(parts)], path.name


def _decoded(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the pages of a picture file (most have one), each uint8 (H, W, 3) RGB, upright.

    Raises:
        SourceError: when it is damaged or too large, or has too many pages.
    """
    try:
        with Image.open(path) as picture:
            with quietly():
                pages = page_numbers(picture, path)
            for page in pages:
                with quietly():
                    picture.seek(page)
                    image = pillow_rgb(ImageOps.exif_transpose(picture))
                yield image
    except ImageError as error:
        raise SourceError(str(error)) from error
    except Exception as error:
        raise SourceError(f"{path}: not a picture that can be decoded ({error})") from error
