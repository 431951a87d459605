"""Which pictures are meant: files as they are given, folders with all that is in them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import ImageError
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

    draw: a folder for drawings; those of a folder's pictures keep their place in it

    Raises:
        ImageError: for a folder without pictures.
        StorageError: for one that cannot be listed.
    """
    passed_by = {path.resolve() for path in (*leave_out, *([draw] if draw else []))}
    found: dict[str, str | None] = {}
    taken: set[str] = set()
    for place in places:
        inside = _pictures_below(place, passed_by) if place.is_dir() else [place]
        for path in inside:
            if str(path) in found:
                continue
            within = path.relative_to(place) if path != place else Path(path.name)
            found[str(path)] = None if draw is None else _free(draw / within, taken)
    return [Picture(path, drawing) for path, drawing in found.items()]


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


def _free(wanted: Path, taken: set[str]) -> str:
    """A PNG of this name that no other picture draws to: a.jpg and a.png lie beside each other in many a folder."""
    place, number = wanted.with_suffix(".png"), 1
    while str(place) in taken:
        number += 1
        place = wanted.with_name(f"{wanted.stem}-{number}.png")
    taken.add(str(place))
    return str(place)
