"""Find the pictures to read: files as given, and folders with everything in them."""

from __future__ import annotations

import collections
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import ImageError, UsageError, counted
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
    paths: Iterable[Path],
    *,
    draw: Path | None = None,
    leave_out: Iterable[Path] = (),
    on_note: Callable[[str], None] = lambda _: None,
) -> list[Picture]:
    """List the given files, and every picture in and below each folder, sorted, each once, page by page.

    In folders a picture is recognised by its suffix. Other files and links to folders are skipped; hidden files,
    ``draw`` and ``leave_out`` (results that are written into the folder itself) are skipped without a message.

    draw: a folder for drawings, in which a folder's pictures keep their relative path; or, for one picture, a PNG file
    on_note: called with one sentence that counts and names the skipped files

    Raises:
        ImageError: for a folder without pictures.
        UsageError: for a drawing file that is not a PNG, is the picture itself, or would be that of several pictures;
            for drawings into a folder that is read.
        StorageError: for a folder that cannot be listed.
    """
    paths = list(paths)
    as_file = draw is not None and draw.suffix.lower() in ENDINGS and not draw.is_dir()
    own_files = {os.path.realpath(path) for path in (*leave_out, *([draw] if draw else []))}
    pictures: dict[str, Path] = {}  # path → relative path within what was given
    ignored: list[Path] = []
    for given in paths:
        for path in _pictures_below(given, own_files, ignored) if given.is_dir() else [given]:
            relative = path.relative_to(given) if path != given else Path(path.name)
            for page in _pages_of(path):
                pictures.setdefault(page, relative)
    if ignored:
        on_note(_ignored_note(ignored))
    if draw is None:
        return [Picture(path) for path in pictures]
    if draw.is_dir() and any(os.path.realpath(path) == os.path.realpath(draw) for path in paths):
        raise UsageError(f"--draw {draw}: the next command would read the drawings as pictures; choose another folder")
    if draw.exists() and not draw.is_dir() and not as_file:
        raise UsageError(f"--draw {draw}: is a file; expected a folder, or for one picture a name ending in .png")
    if as_file:
        return [Picture(_picture_drawn_to(draw, list(pictures)), str(draw))]
    used = {os.path.realpath(file_of(path)) for path in pictures}  # no picture is overwritten by a drawing
    return [Picture(path, _free(draw / relative, used)) for path, relative in pictures.items()]


def _pages_of(path: Path) -> list[str]:
    """List the pages of a file; one with far too many is one picture, whose reading fails with the reason."""
    try:
        return page_names(path)
    except TooManyPagesError:
        return [str(path)]


def _ignored_note(ignored: list[Path]) -> str:
    """Describe in one line the files whose names are not those of pictures.

    >>> _ignored_note([Path("in/notes.txt"), Path("in/a.mp4")])
    'ignored: 2 files whose names do not end as those of pictures do (a.mp4, notes.txt)'
    """
    if len(ignored) <= _NAMED:
        names = ", ".join(sorted(path.name for path in ignored))
    else:
        endings = collections.Counter(path.suffix.lower() or "without ending" for path in ignored).most_common()
        names = ", ".join(f"{count:,} {ending}" for ending, count in endings[:_NAMED])
        names += ", …" if len(endings) > _NAMED else ""
    files = counted(len(ignored), "file whose name does", "files whose names do")
    return f"ignored: {files} not end as those of pictures do ({names})"


def _picture_drawn_to(file: Path, pictures: list[str]) -> str:
    """Return the one picture that is drawn to this file."""
    if file.suffix.lower() != ".png":
        raise UsageError(f"--draw {file}: drawings are PNG files; expected a name ending in .png, or a folder")
    if len(pictures) != 1:
        raise UsageError(
            f"--draw {file}: one file cannot take the drawings of {len(pictures):,} pictures; expected a folder"
        )
    if os.path.realpath(pictures[0]) == os.path.realpath(file):
        raise UsageError(f"--draw {file}: would overwrite the picture that is read; choose another file, or a folder")
    return pictures[0]


def _pictures_below(folder: Path, own_files: set[str], ignored: list[Path]) -> list[Path]:
    """List the pictures, sorted; other files are added to ``ignored``."""
    with saying_what_failed(folder, "list"):
        entries = sorted(_walk(folder, own_files))
    pictures = [path for path in entries if path.name.lower().endswith(ENDINGS)]
    if not pictures:
        raise ImageError(f"{folder}: contains no pictures; expected files that end in {', '.join(ENDINGS)}")
    ignored.extend(path for path in entries if not path.name.lower().endswith(ENDINGS))
    return pictures


def _walk(folder: Path, own_files: set[str]) -> Iterator[Path]:
    """Yield every file that is not hidden, and links to folders, which are not followed."""
    # Not Path.resolve, which fails on a link that leads to itself.

    def refuse(error: OSError) -> None:
        raise error

    for folder_name, folders, files in os.walk(folder, onerror=refuse):
        current = Path(folder_name)
        folders[:] = [
            name for name in folders if not name.startswith(".") and os.path.realpath(current / name) not in own_files
        ]
        for name in (*files, *(name for name in folders if (current / name).is_symlink())):
            if not name.startswith(".") and os.path.realpath(current / name) not in own_files:
                yield current / name


def _free(preferred: Path, used: set[str]) -> str:
    """Return a PNG of this name that no other picture is drawn to: many a folder holds both a.jpg and a.png."""
    path, number = preferred.with_suffix(".png"), 1
    while os.path.realpath(path) in used:
        number += 1
        path = preferred.with_name(f"{preferred.stem}-{number}.png")
    used.add(os.path.realpath(path))
    return str(path)
