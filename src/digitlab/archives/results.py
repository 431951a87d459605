"""What was read, in files: it survives a kill, and the same command reads only what is missing.

Two forms, by the name. ``OUT.jsonl`` and ``OUT.parquet`` are one file in the order of the pictures; until all is read
the rows lie in ``OUT.jsonl.parts/``. Any other name is a folder of Parquet files, written as they come and final: what
suits an archive that no single file should hold.

A part is written atomically every few seconds, so a kill costs those seconds. A picture is read again when its size or
time has changed, or when it could not be read.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import time
from typing import IO, TYPE_CHECKING, Any, Self

from digitlab.archives.job import stamp_of
from digitlab.archives.parquet import expect_parquet, parquet_rows, write_parquet
from digitlab.errors import DatasetError, UsageError
from digitlab.picture_files.pages import file_of, page_names
from digitlab.storage import atomic_path, locked, remove_unfinished, saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from digitlab.archives.job import Stamp
    from digitlab.archives.pictures import Picture

__all__ = ["Results"]

_SECONDS, _ROWS = 5.0, 1000  # a part of JSON lines is written when either is reached …
_FOLDER_SECONDS, _FOLDER_ROWS = 30.0, 5000  # … and one of Parquet, which stays: not too many small files

Row = dict[str, Any]


class Results:
    """The rows of one command, with those of runs before it; see the module.

    A context manager: entering keeps other processes out, leaving keeps rows.
    """

    def __init__(self, out: Path, made_by: str, *, folder: bool | None = None) -> None:
        """``made_by`` marks the rows; those of other settings are not mixed with these.

        folder: whether a folder is expected; None: the name's end decides

        Raises:
            UsageError: where ``out`` is something else already; on entering, where another process has it.
            MissingExtraError: for Parquet without pyarrow.
        """
        ending = out.suffix.lower()
        self.out, self._made_by = out, made_by
        self._is_folder = ending not in (".jsonl", ".parquet")
        if folder and not self._is_folder:
            raise UsageError(f"--out {out}: expected a folder, which Parquet files are written into, with --engine ray")
        if out.exists() and out.is_dir() != self._is_folder:
            found, meant = ("a folder", "a file") if out.is_dir() else ("a file", "a folder of Parquet files")
            raise UsageError(
                f"--out {out}: is {found}, expected {meant}; names of files end in .jsonl or .parquet, any other name "
                "is a folder"
            )
        if self._is_folder or ending == ".parquet":
            expect_parquet()
        self._parts = out if self._is_folder else out.with_name(out.name + ".parts")
        self._lock = contextlib.ExitStack()
        self._waiting: list[Row] = []
        self._written = time.monotonic()

    def __enter__(self) -> Self:
        refusal = f"--out {self.out}: another process is reading into it; wait for it, or name another"
        self._lock.enter_context(locked(self._parts, refusal))
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._flush()
            with contextlib.suppress(OSError):  # it holds rows, or was removed when all were read
                self._parts.rmdir()

    def missing(self, pictures: Sequence[Picture]) -> list[Picture]:
        """Those that have no row yet, or whose file has changed since; rows that no longer hold are taken out.

        Raises:
            UsageError: when there are rows of other settings, or of pictures that exist and were not asked for.
            DatasetError: for a part that cannot be read.
        """
        remove_unfinished(self._parts)
        stamps = {picture.name: stamp_of(picture.path) for picture in pictures}
        kept: set[str] = set()
        for part in self._sources():
            rows, names = 0, set()
            for row in _rows_of(part):
                rows += 1
                if self._holds(row, stamps) and row["path"] not in kept:
                    names.add(row["path"])
            kept |= names
            if part != self.out and len(names) < rows:
                self._thin(part, names)
            elif part == self.out and len(names) < max(rows, len(pictures)):
                _write_lines(self._adopted, _only(part, names))  # the finished file stays as it is until the new one is
        return [picture for picture in pictures if picture.name not in kept]

    def add(self, row: Row) -> None:
        """Keep a row; now and then a part is written.

        Raises:
            StorageError: when that fails.
        """
        self._waiting.append(row)
        seconds, rows = (_FOLDER_SECONDS, _FOLDER_ROWS) if self._is_folder else (_SECONDS, _ROWS)
        if len(self._waiting) >= rows or time.monotonic() - self._written >= seconds:
            self._flush()

    def finish(self, pictures: Sequence[Picture]) -> None:
        """All is read: make the one file, in the order of the pictures; a folder is as it should be already.

        Raises:
            StorageError: when it cannot be written.
        """
        self._flush()
        if self._is_folder:
            return
        if self._sources() != [self.out]:
            ordered = self._in_order(pictures)
            if self.out.suffix.lower() == ".parquet":
                write_parquet(self.out, (json.loads(line) for line in ordered))
            else:
                with atomic_path(self.out) as temporary, temporary.open("wb") as file:
                    file.writelines(ordered)
        shutil.rmtree(self._parts, ignore_errors=True)

    def renew(self, rows: Iterable[Row]) -> None:
        """These rows instead of all that are there.

        Raises:
            StorageError: when they cannot be written.
        """
        if self._is_folder:
            before = self._sources()
            write_parquet(self._parts / f"part-{_stamp()}.parquet", list(rows))
            for part in before:
                part.unlink()
        elif self.out.suffix.lower() == ".parquet":
            write_parquet(self.out, rows)
        else:
            _write_lines(self.out, rows)

    def __iter__(self) -> Iterator[Row]:
        """All rows, once `finish` was called; one at a time in memory, as often as they are wanted."""
        for part in self._sources():
            yield from _rows_of(part)

    @property
    def _adopted(self) -> Path:
        """The part that holds what still holds of a file that was finished before."""
        return self._parts / "part-0.jsonl"

    def _sources(self) -> list[Path]:
        """Where rows lie."""
        ending = ".parquet" if self._is_folder else ".jsonl"
        parts = sorted(path for path in self._parts.glob("part-*") if path.suffix == ending)
        finished = not self._is_folder and self.out.is_file() and not self._adopted.exists()
        return [self.out, *parts] if finished else parts

    def _holds(self, row: Row, stamps: dict[str, Stamp]) -> bool:
        """Whether a row can stay as it is."""
        name = row["path"]
        if row["made_by"] != self._made_by:
            raise UsageError(
                f"--out {self.out}: holds readings of another model, version or other options; name another, or remove "
                "it to read everything again"
            )
        if name not in stamps and name in _pictures_at(name):
            raise UsageError(
                f"--out {self.out}: holds the reading of {name}, which is not asked for now; name another, or ask for "
                "that as well"
            )
        return row["error"] is None and stamps.get(name) == (row["bytes"], row["modified"])

    def _thin(self, part: Path, names: set[str]) -> None:
        """Leave only the rows of these pictures in a part."""
        if not names:
            part.unlink()
        elif part.suffix == ".parquet":
            write_parquet(part, _only(part, names))
        else:
            _write_lines(part, _only(part, names))

    def _flush(self) -> None:
        self._written = time.monotonic()
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        if self._is_folder:
            write_parquet(self._parts / f"part-{_stamp()}.parquet", rows)
        else:
            _write_lines(self._parts / f"part-{_stamp()}.jsonl", rows)

    def _in_order(self, pictures: Sequence[Picture]) -> Iterator[bytes]:
        """Every row's line; only their places are in memory."""
        places: dict[str, tuple[Path, int]] = {}
        for part in self._sources():
            start = 0
            with part.open("rb") as lines:
                for line in lines:
                    places[json.loads(line)["path"]] = part, start
                    start += len(line)
        with contextlib.ExitStack() as opened:
            file: IO[bytes] | None = None
            at: Path | None = None
            for picture in pictures:
                if picture.name not in places:
                    continue
                part, start = places[picture.name]
                if part != at:  # one at a time: there may be more parts than files that a process may open
                    opened.close()
                    file, at = opened.enter_context(part.open("rb")), part
                assert file is not None  # noqa: S101 - for the type checker
                file.seek(start)
                yield file.readline()


def _pictures_at(name: str) -> list[str]:
    """What is read at the place of this picture today: a TIFF may have become one of fewer pages, or be away."""
    file = file_of(name)
    return page_names(file) if file.exists() else []


def _rows_of(path: Path) -> Iterator[Row]:
    if path.suffix.lower() == ".parquet":
        yield from parquet_rows(path)
        return
    with saying_what_failed(path, "read"), path.open(encoding="utf-8") as lines:
        number = 0
        try:
            for number, line in enumerate(lines, 1):  # noqa: B007 - the message names the last
                row = json.loads(line)
                if not {"path", "made_by", "bytes", "modified", "error", "digits"} <= row.keys():
                    raise ValueError("other fields")
                yield row
        except (ValueError, AttributeError, RecursionError) as error:
            raise DatasetError(
                f"{path}: line {number + (number == 0)} is no reading of digitlab ({str(error)[:80]}); remove the "
                "file, or name another --out"
            ) from error


def _only(part: Path, names: set[str]) -> Iterator[Row]:
    left = set(names)
    for row in _rows_of(part):
        if row["path"] in left and row["error"] is None:
            left.discard(row["path"])
            yield row


def _write_lines(path: Path, rows: Iterable[Row]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _stamp() -> str:
    """Sorts by time; two commands at once do not overwrite each other's parts."""
    return f"{time.time_ns():020d}-{secrets.token_hex(3)}"
