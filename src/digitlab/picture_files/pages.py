"""Files of several pages: a scanned TIFF, a PDF. Each page is a picture of its own, named like ``scan.tif#2``."""

from __future__ import annotations

import os
import re
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from digitlab.errors import ImageError
from digitlab.picture_files.kinds import START, kind_of
from digitlab.picture_files.pdf import count_pdf_pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

__all__ = ["MOST_PAGES", "TooManyPagesError", "file_and_page", "file_of", "page_names", "page_numbers", "quietly"]

MOST_PAGES = 10_000  # per file; a longer chain is not a scan

_NAMED = re.compile(r"(.+)#([1-9][0-9]{0,5})", re.DOTALL)
_KIND, _OLD_KIND = 254, 255  # TIFF tags that mark images that are not pages: smaller copies, masks
_SMALLER, _MASK, _OLD_SMALLER = 1, 4, 2


class TooManyPagesError(ImageError):
    """Raised for a file of more than MOST_PAGES pages."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(f"{path}: has more than {MOST_PAGES:,} pages; split it first")


# warnings.catch_warnings changes the whole process and is not thread-safe: our threads hold a lock, so that they cannot
# leave the filters changed permanently.
_TAKING_TURNS = threading.Lock()


@contextmanager
def quietly() -> Iterator[None]:
    """Suppress Pillow's warnings; whatever matters in them is checked by the reading code."""
    with _TAKING_TURNS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def file_and_page(name: str | Path) -> tuple[Path, int | None]:
    """Split a picture's name into its file and its page there, from 1; None if the name has no page.

    >>> file_and_page("no/such/scan.tif#2") == (Path("no/such/scan.tif"), 2)
    True
    """
    text = str(name)
    named = _NAMED.fullmatch(text)
    if named is None or os.path.lexists(text):
        return Path(name), None
    return Path(named[1]), int(named[2])


def file_of(name: str | Path) -> Path:
    """Return the file that a picture is in."""
    return file_and_page(name)[0]


def page_names(path: str | Path) -> list[str]:
    """List the pictures in a file, as names for `load_image`: the file, or each page of a TIFF or PDF with several.

    A file that cannot be opened, or is not a picture, counts as one picture: reading it will report the reason. So does
    anything but a regular file: opening a pipe would block.

    Raises:
        ImageError: for more than MOST_PAGES pages.
    """
    try:
        if not Path(path).is_file():
            return [str(path)]
        with Path(path).open("rb") as stream:
            count = _count(stream, path)
    except TooManyPagesError:
        raise
    except Exception:  # noqa: BLE001 - on hostile bytes Pillow's decoders raise nearly every kind there is
        return [str(path)]
    return [f"{path}#{page}" for page in range(1, count + 1)] if count > 1 else [str(path)]


def _count(stream: IO[bytes], path: str | Path) -> int:
    start = stream.read(START)
    kind = kind_of(start, path)
    if kind.format == "PDF":
        count = count_pdf_pages(Path(path), path)
        if count > MOST_PAGES:
            raise TooManyPagesError(path)
        return count
    if kind.format != "TIFF":
        return 1
    stream.seek(0)
    with quietly(), Image.open(stream, formats=("TIFF",)) as picture:
        return len(page_numbers(picture, path))


def page_numbers(picture: Image.Image, path: str | Path) -> list[int]:
    """Find the frames of an opened TIFF that are pages, from 0; previews, smaller copies and masks are left out.

    Raises:
        ImageError: for more than MOST_PAGES.
    """
    if picture.format != "TIFF":
        return [0]
    pages: list[int] = []
    for number in range(MOST_PAGES + 1):
        try:
            picture.seek(number)
        except EOFError:
            return pages or [0]
        except Exception:  # noqa: BLE001 - damage, which is told where this page is read
            return [*pages, number]
        if not pages or _is_page(picture):
            pages.append(number)
    raise TooManyPagesError(path)


def _is_page(picture: Image.Image) -> bool:
    tags = getattr(picture, "tag_v2", {})
    kind = tags.get(_KIND, 0)
    return not (isinstance(kind, int) and kind & (_SMALLER | _MASK)) and tags.get(_OLD_KIND) != _OLD_SMALLER
