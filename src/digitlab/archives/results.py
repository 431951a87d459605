"""Readings stored in files: they survive a kill, and the same command reads only what is missing.

There are two forms, chosen by the name. ``OUT.jsonl`` and ``OUT.parquet`` are one file in the order of the pictures;
until all are read, the rows are in ``OUT.jsonl.parts/``. Any other name is a folder of Parquet files, which are final
as soon as they are written: for an archive that is too large for a single file.

A part is written atomically every few seconds, so a kill costs only those seconds. A picture is read again if its size
or modification time has changed, or if it could not be read.
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
_OTHER_FILES = (".csv", ".tsv", ".txt", ".json", ".xlsx", ".ods", ".html", ".htm")  # no one means a folder by these

Row = dict[str, Any]
_FIELDS = {"path", "made_by", "bytes", "modified", "error", "digits"}  # that a row must have


class Results:
    """The rows of one command, with those of earlier runs; see the module.

    A context manager: entering locks other processes out, leaving writes the remaining rows.
    """

    def __init__(
        self,
        out: Path,
        made_by: str,
        *,
        folder: bool | None = None,
        name: str = "",
        settings: str = "another model or version, or with other options",
    ) -> None:
        """``made_by`` marks the rows; rows of other settings are not mixed with these.

        folder: whether a folder is expected; None: the suffix decides
        name: what messages call it; "": the option --out
        settings: what may have made other rows, for messages

        Raises:
            UsageError: if ``out`` is something else already, or named like another kind of file; on entering, if
                another process has locked it.
            MissingExtraError: for Parquet without pyarrow.
        """
        ending = out.suffix.lower()
        self.out, self._made_by = out, made_by
        self._name, self._settings = name or f"--out {out}", settings
        self._is_folder = ending not in (".jsonl", ".parquet")
        if folder and not self._is_folder:
            raise UsageError(f"--out {out}: expected a folder for Parquet files, as --engine ray writes them")
        if ending in _OTHER_FILES and not out.is_dir():
            raise UsageError(
                f"--out {out}: readings are not stored as {ending}; expected a name that ends in .jsonl or .parquet, "
                "or a folder for Parquet files (--csv writes a table of the digits)"
            )
        if out.exists() and out.is_dir() != self._is_folder:
            actual, expected = ("a folder", "a file") if out.is_dir() else ("a file", "a folder of Parquet files")
            raise UsageError(
                f"--out {out}: is {actual}; expected {expected}: a name that ends in .jsonl or .parquet is a file, any "
                "other name a folder"
            )
        if self._is_folder or ending == ".parquet":
            expect_parquet()
        self._parts = out if self._is_folder else out.with_name(out.name + ".parts")
        self._lock = contextlib.ExitStack()
        self._waiting: list[Row] = []
        self._written = time.monotonic()

    def __enter__(self) -> Self:
        refusal = f"{self._name}: another process is writing to it; wait until it ends, or choose another --out"
        self._lock.enter_context(locked(self._parts, refusal))
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._flush()
            with contextlib.suppress(OSError):  # not empty, or removed when all were read
                self._parts.rmdir()

    def missing(self, pictures: Sequence[Picture]) -> list[Picture]:
        """Return the pictures without a row, or whose file has changed since; outdated rows are removed.

        Raises:
            UsageError: when there are rows of other settings, or of pictures that exist and were not asked for.
            DatasetError: for a part that cannot be read.
        """
        remove_unfinished(self._parts)
        stamps = {picture.name: stamp_of(picture.path) for picture in pictures}
        valid: set[str] = set()
        for part in self._sources():
            rows, names = 0, set()
            for row in _rows_of(part):
                rows += 1
                if self._holds(row, stamps) and row["path"] not in valid:
                    names.add(row["path"])
            valid |= names
            if part != self.out and len(names) < rows:
                self._thin(part, names)
            elif part == self.out and len(names) < max(rows, len(pictures)):
                _write_lines(self._adopted, _only(part, names))  # the finished file stays until the new one is ready
        return [picture for picture in pictures if picture.name not in valid]

    def add(self, row: Row) -> None:
        """Add a row; now and then a part is written.

        Raises:
            StorageError: when a part cannot be written.
        """
        self._waiting.append(row)
        seconds, rows = (_FOLDER_SECONDS, _FOLDER_ROWS) if self._is_folder else (_SECONDS, _ROWS)
        if len(self._waiting) >= rows or time.monotonic() - self._written >= seconds:
            self._flush()

    def finish(self, pictures: Sequence[Picture]) -> None:
        """Write the one file, in the order of the pictures, once all are read; a folder needs nothing more.

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
        """Replace all existing rows by these.

        Raises:
            StorageError: when they cannot be written.
        """
        if self._is_folder:
            old_parts = self._sources()
            write_parquet(self._parts / f"part-{_stamp()}.parquet", list(rows))
            for part in old_parts:
                part.unlink()
        elif self.out.suffix.lower() == ".parquet":
            write_parquet(self.out, rows)
        else:
            _write_lines(self.out, rows)

    def __iter__(self) -> Iterator[Row]:
        """Yield all rows, once `finish` was called; only one is in memory at a time, and it can be repeated."""
        for part in self._sources():
            yield from _rows_of(part)

    @property
    def _adopted(self) -> Path:
        """The part with the rows of an earlier finished file that are still valid."""
        return self._parts / "part-0.jsonl"

    def _sources(self) -> list[Path]:
        """List the files that hold rows."""
        ending = ".parquet" if self._is_folder else ".jsonl"
        parts = sorted(path for path in self._parts.glob("part-*") if path.suffix == ending)
        finished = not self._is_folder and self.out.is_file() and not self._adopted.exists()
        return [self.out, *parts] if finished else parts

    def _holds(self, row: Row, stamps: dict[str, Stamp]) -> bool:
        """Return whether a row is still valid."""
        name = row["path"]
        if row["made_by"] != self._made_by:
            raise UsageError(
                f"{self._name}: contains readings by {self._settings}; choose "
                "another --out, or delete it to read everything again"
            )
        if name not in stamps and name in _pictures_at(name):
            raise UsageError(
                f"{self._name}: contains the reading of {name}, which is not among the pictures given now; give "
                "that as well, or choose another --out"
            )
        return row["error"] is None and stamps.get(name) == (row["bytes"], row["modified"])

    def _thin(self, part: Path, names: set[str]) -> None:
        """Keep only the rows of these pictures in a part."""
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
        """Yield every row's line, in the order of the pictures; only their offsets are in memory."""
        offsets: dict[str, tuple[Path, int]] = {}
        for part in self._sources():
            start = 0
            with part.open("rb") as lines:
                for line in lines:
                    offsets[json.loads(line)["path"]] = part, start
                    start += len(line)
        with contextlib.ExitStack() as opened:
            file: IO[bytes] | None = None
            opened_part: Path | None = None
            for picture in pictures:
                if picture.name not in offsets:
                    continue
                part, start = offsets[picture.name]
                if part != opened_part:  # one at a time: there may be more parts than files that a process may open
                    opened.close()
                    file, opened_part = opened.enter_context(part.open("rb")), part
                assert file is not None  # noqa: S101 - for the type checker
                file.seek(start)
                yield file.readline()


def _pictures_at(name: str) -> list[str]:
    """List the pictures at this path today: a TIFF may have fewer pages by now, or be gone."""
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
                if not isinstance(row, dict) or not row.keys() >= _FIELDS:
                    raise ValueError("other fields")
                yield row
        except (ValueError, RecursionError) as error:
            raise DatasetError(
                f"{path}: line {number + (number == 0)} is not a reading of digitlab ({str(error)[:80]}); delete "
                "the file, or choose another --out"
            ) from error


def _only(part: Path, names: set[str]) -> Iterator[Row]:
    remaining = set(names)
    for row in _rows_of(part):
        if row["path"] in remaining and row["error"] is None:
            remaining.discard(row["path"])
            yield row


def _write_lines(path: Path, rows: Iterable[Row]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _stamp() -> str:
    """Return a unique stamp that sorts by time: two simultaneous commands do not overwrite each other's parts."""
    return f"{time.time_ns():020d}-{secrets.token_hex(3)}"
