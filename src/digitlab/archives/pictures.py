"""Find the pictures to read: files as given, and folders with everything in them."""

from __future__ import annotations

import collections
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import ImageError, UsageError
from digitlab.picture_files.kinds import ENDINGS
from digitlab.picture_files.pages import TooManyPagesError, file_of, page_names
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Picture", "find_pictures"]

_NAMED = 5  # most files, or kinds of files, that one line names


@dataclass(frozen=True, slots=True)
class Picture:
    """A file to be read, or a page of one.

    path: as given or found; for a page with its number, scan.tif#2
    drawing: the file for a drawing with its boxes; None: it is not drawn
    called: its name in results, instead of its path
    """

    path: str
    drawing: str | None = None
    called: str | None = None

    @property
    def name(self) -> str:
        r"""The path as in results: bytes that are not UTF-8 are written as \xff.

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
    """List the given files, and every picture in and below each folder, sorted, each once, page by page.

    In folders a picture is recognised by its suffix. Other files and links to folders are skipped; hidden files,
    ``draw`` and ``leave_out`` (results that are written into the folder itself) are skipped without a message.

    draw: a folder for drawings, in which a folder's pictures keep their relative path; or, for one picture, a PNG file
    tell: called with one sentence that counts and names the skipped files

    Raises:
        ImageError: for a folder without pictures.
        UsageError: for a drawing file that is not a PNG, is the picture itself, or would be that of several pictures.
        StorageError: for a folder that cannot be listed.
    """
    as_file = draw is not None and draw.suffix.lower() in ENDINGS and not draw.is_dir()
    ours = {os.path.realpath(path) for path in (*leave_out, *([draw] if draw else []))}
    found: dict[str, Path] = {}  # path → relative path within what was given
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
    taken = {os.path.realpath(file_of(path)) for path in found}  # no picture is overwritten by a drawing
    return [Picture(path, _free(draw / within, taken)) for path, within in found.items()]


def _pages_of(path: Path) -> list[str]:
    """List the pages of a file; one with far too many is one picture, whose reading fails with the reason."""
    try:
        return page_names(path)
    except TooManyPagesError:
        return [str(path)]


def _passed_by(others: list[Path]) -> str:
    """Describe in one line the files whose names are not those of pictures.

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
    """Return the one picture that is drawn to this file."""
    if file.suffix.lower() != ".png":
        raise UsageError(f"--draw {file}: drawings are PNG files; expected a name ending in .png, or a folder")
    if len(found) != 1:
        raise UsageError(f"--draw {file}: {len(found):,} pictures do not fit into one file; expected a folder")
    if os.path.realpath(found[0]) == os.path.realpath(file):
        raise UsageError(f"--draw {file}: is the picture that is read; expected another file, or a folder")
    return found[0]


def _pictures_below(folder: Path, ours: set[str], others: list[Path]) -> list[Path]:
    """List the pictures, sorted; other files are added to ``others``."""
    with saying_what_failed(folder, "list"):
        entries = sorted(_walk(folder, ours))
    found = [path for path in entries if path.name.lower().endswith(ENDINGS)]
    if not found:
        raise ImageError(f"{folder}: holds no pictures; expected files ending in {', '.join(ENDINGS)}")
    others.extend(path for path in entries if not path.name.lower().endswith(ENDINGS))
    return found


def _walk(folder: Path, ours: set[str]) -> Iterator[Path]:
    """Yield every file that is not hidden, and links to folders, which are not followed."""
    # Not Path.resolve, which fails on a link that leads to itself.

    def refuse(error: OSError) -> None:
        raise error

    for where, folders, files in os.walk(folder, onerror=refuse):
        here = Path(where)
        folders[:] = [
            name for name in folders if not name.startswith(".") and os.path.realpath(here / name) not in ours
        ]
        for name in (*files, *(name for name in folders if (here / name).is_symlink())):
            if not name.startswith(".") and os.path.realpath(here / name) not in ours:
                yield here / name


def _free(wanted: Path, taken: set[str]) -> str:
    """Return a PNG of this name that no other picture is drawn to: many a folder holds both a.jpg and a.png."""
    place, number = wanted.with_suffix(".png"), 1
    while os.path.realpath(place) in taken:
        number += 1
        place = wanted.with_name(f"{wanted.stem}-{number}.png")
    taken.add(os.path.realpath(place))
    return str(place)
