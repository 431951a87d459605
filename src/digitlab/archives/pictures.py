"""Which pictures are meant: files as they are given, folders with all that is in them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import ImageError, UsageError
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["ENDINGS", "Picture", "find_pictures"]

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Picture:
    """A file to be read.

    path: as it was given or found
    drawing: where it is drawn with its boxes; None: it is not drawn
    """

    path: str
    drawing: str | None = None

    @property
    def name(self) -> str:
        r"""The path as results have it: bytes that are no UTF-8 are written as \xff.

        >>> Picture(os.fsdecode(b"a\xff.png")).name
        'a\\xff.png'
        """
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


def find_pictures(places: Iterable[Path], *, draw: Path | None = None, leave_out: Iterable[Path] = ()) -> list[Picture]:
    """Files as they are given, and every picture in and below each folder, sorted; each once.

    In folders a picture is known by its name's end. Hidden files and folders, links to folders, ``draw`` and
    ``leave_out`` (results that are written into the folder itself) are passed by.

    draw: a folder for drawings; those of a folder's pictures keep their place in it. Or, of one picture, a PNG file

    Raises:
        ImageError: for a folder without pictures.
        UsageError: for a file to draw to that is no PNG, is the picture itself, or would be that of several pictures.
        StorageError: for a folder that cannot be listed.
    """
    as_file = draw is not None and draw.suffix.lower() in ENDINGS and not draw.is_dir()
    passed_by = {path.resolve() for path in (*leave_out, *([draw] if draw else []))}
    found: dict[str, Path] = {}  # path → where it lies within what was given
    for place in places:
        for path in _pictures_below(place, passed_by) if place.is_dir() else [place]:
            found.setdefault(str(path), path.relative_to(place) if path != place else Path(path.name))
    if draw is None:
        return [Picture(path) for path in found]
    if as_file:
        return [Picture(_drawn_to(draw, list(found)), str(draw))]
    taken = {Path(path).resolve() for path in found}  # no picture is drawn over
    return [Picture(path, _free(draw / within, taken)) for path, within in found.items()]


def _drawn_to(file: Path, found: list[str]) -> str:
    """The one picture that is drawn to this file."""
    if file.suffix.lower() != ".png":
        raise UsageError(f"--draw {file}: drawings are PNG files; expected a name ending in .png, or a folder")
    if len(found) != 1:
        raise UsageError(f"--draw {file}: {len(found):,} pictures do not fit into one file; expected a folder")
    if Path(found[0]).resolve() == file.resolve():
        raise UsageError(f"--draw {file}: is the picture that is read; expected another file, or a folder")
    return found[0]


def _pictures_below(folder: Path, passed_by: set[Path]) -> list[Path]:
    with saying_what_failed(folder, "list"):
        found = sorted(_walk(folder, passed_by))
    if not found:
        raise ImageError(f"{folder}: holds no pictures; expected files ending in {', '.join(ENDINGS)}")
    return found


def _walk(folder: Path, passed_by: set[Path]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise error

    for where, folders, files in os.walk(folder, onerror=refuse):
        here = Path(where)
        folders[:] = [name for name in folders if not name.startswith(".") and (here / name).resolve() not in passed_by]
        for name in files:
            if not name.startswith(".") and name.lower().endswith(ENDINGS):
                yield here / name


def _free(wanted: Path, taken: set[Path]) -> str:
    """A PNG of this name that no other picture draws to: a.jpg and a.png lie beside each other in many a folder."""
    place, number = wanted.with_suffix(".png"), 1
    while place.resolve() in taken:
        number += 1
        place = wanted.with_name(f"{wanted.stem}-{number}.png")
    taken.add(place.resolve())
    return str(place)
