"""Which pictures are meant: files as they are given, folders with all that is in them."""

from __future__ import annotations

import collections
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import ImageError, UsageError
from digitlab.picture_files.kinds import ENDINGS
from digitlab.picture_files.pages import TooManyPagesError, page_names
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Picture", "find_pictures"]

_NAMED = 5  # files, or kinds of them, that one line names


@dataclass(frozen=True, slots=True)
class Picture:
    """A file to be read, or a page of one.

    path: as it was given or found; of a page with its number, scan.tif#2
    drawing: where it is drawn with its boxes; None: it is not drawn
    called: what results call it instead of its path
    """

    path: str
    drawing: str | None = None
    called: str | None = None

    @property
    def name(self) -> str:
        r"""The path as results have it: bytes that are no UTF-8 are written as \xff.

        >>> Picture(os.fsdecode(b"a\xff.png")).name
        'a\\xff.png'
        """
        return self.called or os.fsencode(self.path).decode("utf-8", "backslashreplace")


def find_pictures(
    places: Iterable[Path],
    *,
    draw: Path | None = None,
    leave_out: Iterable[Path] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> list[Picture]:
    """Files as they are given, and every picture in and below each folder, sorted, each once; each page of many.

    In folders a picture is known by its name's end. Other files and links to folders are passed by, and so are, without
    a word, hidden ones, ``draw`` and ``leave_out`` (results that are written into the folder itself).

    draw: a folder for drawings; those of a folder's pictures keep their place in it. Or, of one picture, a PNG file
    tell: gets one sentence that counts and names what was passed by

    Raises:
        ImageError: for a folder without pictures.
        UsageError: for a file to draw to that is no PNG, is the picture itself, or would be that of several pictures.
        StorageError: for a folder that cannot be listed.
    """
    as_file = draw is not None and draw.suffix.lower() in ENDINGS and not draw.is_dir()
    ours = {path.resolve() for path in (*leave_out, *([draw] if draw else []))}
    found: dict[str, Path] = {}  # path → where it lies within what was given
    others: list[Path] = []
    for place in places:
        for path in _pictures_below(place, ours, others) if place.is_dir() else [place]:
            within = path.relative_to(place) if path != place else Path(path.name)
            for page in _pages_of(path):
                found.setdefault(page, within)
    if others:
        tell(_passed_by(others))
    if draw is None:
        return [Picture(path) for path in found]
    if as_file:
        return [Picture(_drawn_to(draw, list(found)), str(draw))]
    taken = {Path(path).resolve() for path in found}  # no picture is drawn over
    return [Picture(path, _free(draw / within, taken)) for path, within in found.items()]


def _pages_of(path: Path) -> list[str]:
    """The pages of a file; one of far too many is one picture, and whoever reads it hears why it is refused."""
    try:
        return page_names(path)
    except TooManyPagesError:
        return [str(path)]


def _passed_by(others: list[Path]) -> str:
    """One line about the files whose names are not those of pictures.

    >>> _passed_by([Path("in/notes.txt"), Path("in/a.mp4")])
    'passed by: 2 files that are not called as pictures are (a.mp4, notes.txt)'
    """
    if len(others) <= _NAMED:
        names = ", ".join(sorted(path.name for path in others))
    else:
        endings = collections.Counter(path.suffix.lower() or "without ending" for path in others).most_common()
        names = ", ".join(f"{count:,} {ending}" for ending, count in endings[:_NAMED])
        names += ", …" if len(endings) > _NAMED else ""
    files = "1 file that is" if len(others) == 1 else f"{len(others):,} files that are"
    return f"passed by: {files} not called as pictures are ({names})"


def _drawn_to(file: Path, found: list[str]) -> str:
    """The one picture that is drawn to this file."""
    if file.suffix.lower() != ".png":
        raise UsageError(f"--draw {file}: drawings are PNG files; expected a name ending in .png, or a folder")
    if len(found) != 1:
        raise UsageError(f"--draw {file}: {len(found):,} pictures do not fit into one file; expected a folder")
    if Path(found[0]).resolve() == file.resolve():
        raise UsageError(f"--draw {file}: is the picture that is read; expected another file, or a folder")
    return found[0]


def _pictures_below(folder: Path, ours: set[Path], others: list[Path]) -> list[Path]:
    """The pictures, sorted; the rest goes to ``others``."""
    with saying_what_failed(folder, "list"):
        entries = sorted(_walk(folder, ours))
    found = [path for path in entries if path.name.lower().endswith(ENDINGS)]
    if not found:
        raise ImageError(f"{folder}: holds no pictures; expected files ending in {', '.join(ENDINGS)}")
    others.extend(path for path in entries if not path.name.lower().endswith(ENDINGS))
    return found


def _walk(folder: Path, ours: set[Path]) -> Iterator[Path]:
    """Every file that is not hidden, and links to folders, which are not followed."""

    def refuse(error: OSError) -> None:
        raise error

    for where, folders, files in os.walk(folder, onerror=refuse):
        here = Path(where)
        folders[:] = [name for name in folders if not name.startswith(".") and (here / name).resolve() not in ours]
        for name in (*files, *(name for name in folders if (here / name).is_symlink())):
            if not name.startswith(".") and (here / name).resolve() not in ours:
                yield here / name


def _free(wanted: Path, taken: set[Path]) -> str:
    """A PNG of this name that no other picture draws to: a.jpg and a.png lie beside each other in many a folder."""
    place, number = wanted.with_suffix(".png"), 1
    while place.resolve() in taken:
        number += 1
        place = wanted.with_name(f"{wanted.stem}-{number}.png")
    taken.add(place.resolve())
    return str(place)
