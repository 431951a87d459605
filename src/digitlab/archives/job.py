"""The job of reading one picture of many, and its answer, whatever kind it is.

The engines that read many pictures (processes, a cluster) take any `PictureJob`: readings of pages are one kind.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from digitlab.errors import DigitlabError, StorageError
from digitlab.picture_files.pages import file_of
from digitlab.reading import Constraints, Reader
from digitlab.reading.drawing import save_drawing
from digitlab.reading.images import load_reduced
from digitlab.values import ReadDigit, Reading
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from digitlab.archives.pictures import Picture
    from digitlab.values import Box

__all__ = [
    "Answer",
    "PictureJob",
    "ReadingJob",
    "Stamp",
    "answered",
    "digest_of",
    "draw_row",
    "on_this_node",
    "read_picture",
    "scaled",
    "stamp_of",
]

# Row format; 3: without the digits of each number; 2: without numbers; 1: with other marks among the digits, without
# fits and turned
_ROW = 4
Stamp = tuple[int, int]  # size in bytes and modification time in ns: they tell whether a file is unchanged


_Read = TypeVar("_Read")


class PictureJob(Protocol):
    """How each of many pictures is read; instances are sent to other processes."""

    def answering(self, threads: int = 1, reader: Reader | None = None) -> Callable[[Picture], Answer[Any]]:
        """Return a function that reads one picture at a time. reader: an existing one that may be used.

        Raises:
            ModelError: for a model that cannot be loaded.
        """
        ...

    def on_nodes(self) -> PictureJob:
        """Return the job with absolute paths, for machines with another working folder."""
        ...


def on_this_node(model: str | Path | None) -> str | Path | None:
    """Return a model with the absolute path of its file; a shipped name stays as it is."""
    return str(Path(model).resolve()) if model is not None and Path(model).exists() else model


@dataclass(frozen=True, slots=True)
class ReadingJob:
    """How all pictures are read.

    model, threshold: as `Reader` takes them; None is its default
    constraints: what is known about every picture
    """

    model: str | Path | None = None
    threshold: float | None = None
    constraints: Constraints = field(default_factory=Constraints)

    def reader(self, threads: int = 1) -> Reader:
        """Make the reader of one worker: with one thread if there is one worker per core; 0 is one thread per core.

        Raises:
            ModelError, UsageError: as `Reader`.
        """
        return Reader(self.model, threads=threads, threshold=self.threshold)

    def answering(self, threads: int = 1, reader: Reader | None = None) -> Callable[[Picture], Answer[Reading]]:
        """See `PictureJob`."""
        chosen = reader or self.reader(threads)
        return functools.partial(read_picture, chosen, constraints=self.constraints)

    def on_nodes(self) -> ReadingJob:
        """See `PictureJob`."""
        return replace(self, model=on_this_node(self.model))

    def digest(self, reader: Reader) -> str:
        """Return `digest_of` the reader, the constraints, and the contents of a row.

        No version changes the latter without another number.
        """
        return digest_of(reader, [_ROW, self.constraints.given()])


def digest_of(reader: Reader, settings: Sequence[object], *contents: bytes) -> str:
    """Return 16 hexadecimal digits that change with the version, the reader's threshold and model files, and the rest.

    settings: of the job, as JSON has them; contents: of further files that it depends on
    """
    text = json.dumps([VERSION, reader.threshold, *settings], sort_keys=True, default=str)
    parts = text.encode(), *(path.read_bytes() for path in reader.model_files), *contents
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Answer(Generic[_Read]):
    """The outcome of one picture: a reading, or why there is none.

    name: its path, as in the results
    stamp: of the file that was read
    """

    name: str
    reading: _Read | None
    error: str | None
    stamp: Stamp


def stamp_of(path: str) -> Stamp:
    """Return size and modification time of a picture's file; zeros if there is none."""
    try:
        status = file_of(path).stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_size, status.st_mtime_ns


def scaled(box: Box, to: tuple[int, int], of: tuple[int, int]) -> Box:
    """Convert a box from a picture's width and height ``of`` to size ``to``: the largest pictures are reduced.

    >>> scaled((10, 20, 30, 40), to=(50, 100), of=(100, 200))
    (5, 10, 15, 20)
    """
    (x0, y0, x1, y1), wide, high = box, to[0] / of[0], to[1] / of[1]
    left, top = min(int(x0 * wide), to[0] - 1), min(int(y0 * high), to[1] - 1)
    return left, top, max(left + 1, round(x1 * wide)), max(top + 1, round(y1 * high))


def _draw(path: str, out: Path, reading: Reading) -> None:
    pixels, size = load_reduced(path, None)
    target_size = pixels.shape[1], pixels.shape[0]
    digits = tuple(replace(each, box=scaled(each.box, to=target_size, of=size)) for each in reading.digits)
    save_drawing(out, pixels, replace(reading, digits=digits))


def draw_row(picture: Picture, row: Mapping[str, Any]) -> None:
    """Draw what an earlier command read from a picture; its row has the digits (see `row_of`).

    Raises:
        ImageError: when the picture can no longer be opened.
        StorageError: when the drawing cannot be written.
    """
    digits = tuple(
        ReadDigit(digit["digit"], digit["confidence"], tuple(digit["box"]), digit["line"]) for digit in row["digits"]
    )
    if picture.drawing is not None:
        _draw(picture.path, Path(picture.drawing), Reading(digits, 0.0))


def read_picture(reader: Reader, picture: Picture, constraints: Constraints) -> Answer[Reading]:
    """Read one picture, and draw it if requested; a picture that cannot be read gives an answer with an error.

    Raises:
        StorageError: when the drawing cannot be written: the next ones could not be either.
    """

    def read() -> Reading:
        reading = reader.read(picture.path, constraints)
        if picture.drawing is not None:
            _draw(picture.path, Path(picture.drawing), reading)
        return reading

    return answered(picture, read)


def answered(picture: Picture, read: Callable[[], _Read]) -> Answer[_Read]:
    """Return what reading a picture gives, or its error as one line that names the picture.

    Raises:
        StorageError: as ``read``.
    """
    stamp = stamp_of(picture.path)
    try:
        reading = read()
    except StorageError:
        raise
    except DigitlabError as error:
        message = str(error) if str(error).startswith(f"{picture.path}:") else f"{picture.path}: {error}"
        return Answer(picture.name, None, message.replace(picture.path, picture.name), stamp)
    except MemoryError:
        return Answer(picture.name, None, f"{picture.name}: does not fit into memory; make it smaller first", stamp)
    return Answer(picture.name, reading, None, stamp)
