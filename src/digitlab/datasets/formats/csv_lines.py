"""CSV: one line per image, with its label and its 784 pixels row by row.

The label is the first column, as in Kaggle's MNIST, or the last; the header's names or the content decide which
(`csv_columns`). Semicolons and tabs separate cells as well, in a file whose first line has no comma.
"""

from __future__ import annotations

import contextlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import as_digits, labels_are_loose
from digitlab.datasets.formats.csv_columns import (
    PLAIN,
    UNLABELLED,
    Columns,
    is_header,
    label_stands_last,
    named_columns,
    separator_of,
)
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError, counted
from digitlab.storage import atomic_path, saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.datasets.formats.protocol import ImageSink
    from digitlab.values import Digits

__all__ = ["CsvSource", "csv_writer"]

_MAX_LINE = 1 << 14  # 785 numbers of three digits are 3,140 bytes; pandas writes "255.0"
_MAX_HEADER = 1 << 16  # 785 names of 80 letters
_BLOCK = 1 << 20

_ZERO, _NINE, _COMMA, _NEWLINE = b"09,\n"

# "0," … "255," as four bytes each, padded with NUL.
_CELLS: NDArray[np.uint8] = np.frombuffer(
    b"".join(b"%d," % value + b"\0" * (3 - len(str(value))) for value in range(256)), np.uint8
)
_CELLS = _CELLS.reshape(256, 4)


class CsvSource(Closing):
    """Source of the lines of a CSV file; their number is known only at the end."""

    count: int | None = None

    def __init__(self, path: Path, columns: Columns | None = None) -> None:
        """Open a file; ``columns`` overrides the layout that header and content suggest."""
        self._path, self._columns = path, columns
        with saying_what_failed(path, "read"):
            path.open("rb").close()

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in the file's order; see `ImageSource.batches`.

        Raises:
            DatasetError: for a header without a label or with a wrong number of pixels; at the first line that is not a
                label and 784 pixels (the message names line and column).
        """
        columns: Columns | None = None
        for text, first_line, named in self._blocks():
            named = named or self._without_labels(text)  # noqa: PLW2901
            values, lines = self._table(text, first_line, named or PLAIN)
            if columns is None:
                columns = named or (Columns(label=PLAIN.count - 1) if self._label_stands_last() else PLAIN)
            digits = self._digits(values, lines, columns)
            for start in range(0, len(digits), size):
                yield digits[start : start + size]

    def _label_stands_last(self) -> bool:
        return label_stands_last(self._table(text, first_line, PLAIN)[0] for text, first_line, _ in self._blocks())

    @staticmethod
    def _without_labels(text: bytes) -> Columns | None:
        """Return the unlabelled layout for lines of 784 numbers under ``loose_labels``; otherwise None."""
        if not labels_are_loose() or text.partition(b"\n")[0].count(b",") + 1 != UNLABELLED.count:
            return None
        return UNLABELLED

    def _table(
        self, text: bytes, first_line: int, columns: Columns
    ) -> tuple[NDArray[np.signedinteger[Any]], Sequence[int]]:
        """Parse text into numbers (N, columns) and the line number of each row."""
        plain = _plain_numbers(text, columns.count)
        if plain is None:
            return self._numbers_by_line(text, first_line, columns)
        return plain, range(first_line, first_line + len(plain))

    def _digits(self, values: NDArray[np.signedinteger[Any]], lines: Sequence[int], columns: Columns) -> Digits:
        pixels, labels = columns.parted(values)
        return as_digits(pixels, labels, self._path, lambda row: f"line {lines[row]}")

    def _blocks(self) -> Iterator[tuple[bytes, int, Columns | None]]:
        """Yield blocks of whole lines after the header, each with its first line number (from 1) and the layout."""
        with contextlib.ExitStack() as opened:
            with saying_what_failed(self._path, "read"):
                file = opened.enter_context(self._path.open("rb"))
            rest, line, named, separator = self._without_header(file)
            while True:
                with saying_what_failed(self._path, "read"):
                    content = file.read(_BLOCK)
                content = content if separator == b"," else content.replace(separator, b",")
                end = (rest + content).rfind(b"\n") + 1 if content else len(rest)
                text, rest = (rest + content)[:end], (rest + content)[end:]
                if text:
                    text = text.replace(b"\r\n", b"\n")
                    yield text, line, named
                    line += text.count(b"\n")
                if not content:
                    return
                if len(rest) > _MAX_LINE:
                    raise DatasetError(
                        f"{self._path}: line {line} has more than {_MAX_LINE:,} bytes; expected 785 numbers"
                    )

    def _without_header(self, file: IO[bytes]) -> tuple[bytes, int, Columns | None, bytes]:
        """Read the first line; return it (empty if a header), the first data line's number, layout and separator."""
        with saying_what_failed(self._path, "read"):
            first = file.readline(_MAX_HEADER)
        first = first.removeprefix(b"\xef\xbb\xbf")  # the byte order mark that Excel writes
        separator = separator_of(first)
        first = first.replace(separator, b",")
        if first.endswith(b"\n") and is_header(first):
            return b"", 2, self._columns or named_columns(first, self._path), separator
        return first, 1, self._columns, separator

    def _numbers_by_line(self, text: bytes, first_line: int, columns: Columns) -> tuple[NDArray[np.int64], list[int]]:
        """Parse slowly: accept blanks and empty lines, and report errors by line and column."""
        rows, lines = [], []
        for number, line in enumerate(text.split(b"\n"), first_line):
            if line.strip():
                rows.append(self._numbers(line, number, columns.count))
                lines.append(number)
        return np.array(rows, np.int64).reshape(-1, columns.count), lines

    def _numbers(self, line: bytes, number: int, expected: int) -> list[int]:
        cells = line.split(b",")
        if len(cells) != expected:
            meaning = "label and 784 pixels" if expected == PLAIN.count else "as the header names"
            if len(cells) == expected - 1 == UNLABELLED.count and number <= 2:
                meaning += f". Without labels: `digitlab classify {self._path} --out OUT.npz` gives them the reader's"
            raise DatasetError(
                f"{self._path}: line {number} has {counted(len(cells), 'column')}; expected {expected}: {meaning}"
            )
        return [self._number(cell, number, column) for column, cell in enumerate(cells, 1)]

    def _number(self, cell: bytes, line: int, column: int) -> int:
        # Not int(): it accepts "1_0", and is very slow for long rows of digits.
        bare = cell.strip().strip(b"'\"").removesuffix(b".0")
        if not bare.isdigit() or len(bare) > 9:
            received = cell.strip()[:20].decode("utf-8", "backslashreplace")
            raise DatasetError(
                f"{self._path}: line {line}, column {column} is {received!r}; expected a whole number 0 to 255"
            )
        return int(bare)


def _plain_numbers(text: bytes, columns: int) -> NDArray[np.int16] | None:
    """Parse fast: lines of numbers of one to three digits to int16 (N, columns); None for anything else."""
    content = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero((content == _COMMA) | (content == _NEWLINE))
    lengths = np.diff(ends, prepend=-1) - 1
    if not len(ends) or len(ends) % columns or lengths.min() < 1 or lengths.max() > 3 or ends[-1] != len(content) - 1:
        return None
    is_line_end = (content[ends] == _NEWLINE).reshape(-1, columns)
    if not is_line_end[:, -1].all() or is_line_end[:, :-1].any():
        return None
    digits = content.astype(np.int16) - _ZERO
    if ((digits < 0) | (digits > 9)).sum() != len(ends):
        return None
    values = digits[ends - 1]
    values += np.where(lengths > 1, digits[ends - 2], 0) * 10
    values += np.where(lengths > 2, digits[ends - 3], 0) * 100
    return values.reshape(-1, columns)


class _CsvSink:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        names = ("label", *(f"pixel{number}" for number in range(784)))
        file.write((",".join(names) + "\n").encode())

    def write(self, digits: Digits) -> None:
        for start in range(0, len(digits), BATCH):
            part = digits[start : start + BATCH]
            values = np.concatenate((part.labels[:, np.newaxis], part.images.reshape(-1, 784)), axis=1)
            cells = _CELLS[values]  # (N, 785, 4)
            last = cells[:, -1]
            last[last == _COMMA] = _NEWLINE
            self._file.write(cells[cells != 0].data)


@contextlib.contextmanager
def csv_writer(path: Path) -> Iterator[ImageSink]:
    """Write a header, and one line per image.

    Raises:
        StorageError: when it cannot be written; no file remains then.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        yield _CsvSink(file)
