"""A folder of pictures, played as a video."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from digitlab.camera.playback import Playback, checked_rate
from digitlab.errors import SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.camera.playback import Images

__all__ = ["ImageFolder"]

_SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))


class ImageFolder(Playback):
    """The pictures of a folder in the order of their names, where 9 comes before 10.

    rate: frames a second
    """

    def __init__(self, path: str | Path, rate: float = 25.0, *, realtime: bool = True) -> None:
        super().__init__(rate=checked_rate(rate), realtime=realtime)
        self.path = Path(path)
        self._interval = 1.0 / rate

    def _images(self) -> Images:
        pictures = _pictures_in(self.path)
        return ((_decoded(picture), number * self._interval) for number, picture in enumerate(pictures))


def _pictures_in(folder: Path) -> list[Path]:
    """The pictures, sorted.

    Raises:
        SourceError: when the folder is missing, closed to us, or holds none.
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
    # re.split with a group alternates text and digits, so equal positions compare equal kinds.
    parts = re.split(r"([0-9]+)", path.name)
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts], path.name


def _decoded(path: Path) -> NDArray[np.uint8]:
    """A picture file as uint8 (H, W, 3) RGB, upright.

    Raises:
        SourceError: when it is damaged or too large.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SourceError(f"{path}: not a picture that can be decoded ({error})") from error
