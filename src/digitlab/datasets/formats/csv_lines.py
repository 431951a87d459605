"""CSV as Kaggle has MNIST: a line an image, the label and then 784 pixels, row by row; a header line may come first."""

from __future__ import annotations

import contextlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import as_digits
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError
from digitlab.storage import atomic_path, saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.datasets.formats.protocol import ImageSink
    from digitlab.values import Digits

__all__ = ["CsvSource", "csv_writer"]

_COLUMNS = 785
_MAX_LINE = 1 << 14  # 785 numbers of three digits are 3,140 bytes; pandas writes "255.0"
_BLOCK = 1 << 20

_ZERO, _NINE, _COMMA, _NEWLINE = b"09,\n"

# "0," … "255," as four bytes each, with NUL where there is no digit.
_CELLS: NDArray[np.uint8] = np.frombuffer(
    b"".join(b"%d," % value + b"\0" * (3 - len(str(value))) for value in range(256)), np.uint8
)
_CELLS = _CELLS.reshape(256, 4)


class CsvSource(Closing):
    """The lines of a file; how many there are is known at its end only."""

    count: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        with saying_what_failed(path, "read"):
            path.open("rb").close()

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """All images in the file's order; see `ImageSource.batches`.

        Raises:
            DatasetError: at the first line that does not hold a label and 784 pixels, naming line and column.
        """
        for text, first_line in self._blocks():
            plain = _plain_numbers(text)
            if plain is None:
                digits = self._digits(*self._numbers_by_line(text, first_line))
            else:
                digits = self._digits(plain, range(first_line, first_line + len(plain)))
            for start in range(0, len(digits), size):
                yield digits[start : start + size]

    def _digits(self, values: NDArray[np.signedinteger[Any]], lines: Sequence[int]) -> Digits:
        return as_digits(values[:, 1:], values[:, 0], self._path, lambda row: f"line {lines[row]}")

    def _blocks(self) -> Iterator[tuple[bytes, int]]:
        """The file without header, in blocks of whole lines, with the number of their first line, from 1."""
        with contextlib.ExitStack() as opened:
            with saying_what_failed(self._path, "read"):
                file = opened.enter_context(self._path.open("rb"))
            rest, line = self._without_header(file)
            while True:
                with saying_what_failed(self._path, "read"):
                    content = file.read(_BLOCK)
                end = (rest + content).rfind(b"\n") + 1 if content else len(rest)
                text, rest = (rest + content)[:end], (rest + content)[end:]
                if text:
                    text = text.replace(b"\r\n", b"\n")
                    yield text, line
                    line += text.count(b"\n")
                if not content:
                    return
                if len(rest) > _MAX_LINE:
                    raise DatasetError(
                        f"{self._path}: line {line} has more than {_MAX_LINE:,} bytes; expected 785 numbers"
                    )

    def _without_header(self, file: IO[bytes]) -> tuple[bytes, int]:
        """The first line, or nothing if it is a header, and the number of the line that comes next or is given."""
        with saying_what_failed(self._path, "read"):
            first = file.readline(_MAX_LINE)
        first = first.removeprefix(b"\xef\xbb\xbf")  # Excel's mark of UTF-8
        cell = first.split(b",")[0].strip().strip(b'"')
        is_header = first.endswith(b"\n") and cell[:1].isalpha()
        return (b"", 2) if is_header else (first, 1)

    def _numbers_by_line(self, text: bytes, first_line: int) -> tuple[NDArray[np.int64], list[int]]:
        """The slow way, which takes blanks and empty lines, and names what it cannot take."""
        rows, lines = [], []
        for number, line in enumerate(text.split(b"\n"), first_line):
            if line.strip():
                rows.append(self._numbers(line, number))
                lines.append(number)
        return np.array(rows, np.int64).reshape(-1, _COLUMNS), lines

    def _numbers(self, line: bytes, number: int) -> list[int]:
        cells = line.split(b",")
        if len(cells) != _COLUMNS:
            raise DatasetError(
                f"{self._path}: line {number} has {len(cells)} columns; expected {_COLUMNS}: label and 784 pixels"
            )
        return [self._number(cell.strip(), number, column) for column, cell in enumerate(cells, 1)]

    def _number(self, cell: bytes, line: int, column: int) -> int:
        # Not int(): it takes "1_0", and an endless row of digits takes it forever.
        if not cell.isdigit() or len(cell) > 9:
            received = cell[:20].decode("utf-8", "backslashreplace")
            raise DatasetError(
                f"{self._path}: line {line}, column {column} is {received!r}; expected a whole number 0 to 255"
            )
        return int(cell)


def _plain_numbers(text: bytes) -> NDArray[np.int16] | None:
    """Lines of 785 numbers of one to three digits as int16 (N, 785), all at once; None for anything else."""
    content = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero((content == _COMMA) | (content == _NEWLINE))
    lengths = np.diff(ends, prepend=-1) - 1
    if not len(ends) or len(ends) % _COLUMNS or lengths.min() < 1 or lengths.max() > 3 or ends[-1] != len(content) - 1:
        return None
    is_line_end = (content[ends] == _NEWLINE).reshape(-1, _COLUMNS)
    if not is_line_end[:, -1].all() or is_line_end[:, :-1].any():
        return None
    digits = content.astype(np.int16) - _ZERO
    if ((digits < 0) | (digits > 9)).sum() != len(ends):
        return None
    values = digits[ends - 1]
    values += np.where(lengths > 1, digits[ends - 2], 0) * 10
    values += np.where(lengths > 2, digits[ends - 3], 0) * 100
    return values.reshape(-1, _COLUMNS)


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
    """Write a header line, and a line an image.

    Raises:
        StorageError: when it cannot be written; then it is not there.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        yield _CsvSink(file)
