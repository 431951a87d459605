"""Numbers of a list: find which of them stands there, by the reader's own probabilities.

The likelihood of each entry sums over all alignments with the digits that were read, so it tolerates an overlooked or
a spurious digit, weighted by how rare these are. Besides the entries there is "none of them": any other number, or one
of them with a wrong digit, as people write it now and then.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import DatasetError, UsageError
from digitlab.kinds import kind_of
from digitlab.reading.numbers.evidence import CHANGE_THRESHOLD, OVERLOOKED, evidence_of
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.numbers.evidence import Evidence
    from digitlab.values import ReadDigit

__all__ = ["Choice", "NumberList", "nearest", "number_list"]

NOT_LISTED = 0.02  # the share of written numbers that are not on the list they should be on, …
MISWRITTEN = 2e-3  # … and of those that are an entry with one digit miswritten
_MOST_NET_ERRORS = 3  # largest net number of digits that may be overlooked or spurious
_MOST_ENTRIES, _LONGEST = 1_000_000, 40
_LARGEST_FILE = 200_000_000  # bytes
_START = 1024  # bytes that show whether a file is text
_QUOTED = re.compile(r'"[^"]*"')
_NAMED_DELIMITER = re.compile(r'\s*sep=([^"\r\n])\s*', re.IGNORECASE)  # the first line that Excel writes and reads
_NUMBERED, _LETTER = re.compile(r"[0-9]"), re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class NumberList:
    """The numbers that may be written, each once.

    entries: as in the list: digits, and signs that may be left out in writing
    source: what they were read from, for messages

    Raises:
        UsageError: for no entry, one without a digit or with more than 40, or two with the same digits.

    >>> NumberList(("4711", "08-15")).digits
    ('4711', '0815')
    """

    entries: tuple[str, ...]
    source: str = "the list"

    def __post_init__(self) -> None:
        if not self.entries:
            raise UsageError(f"{self.source} is empty; expected at least one number")
        if len(self.entries) > _MOST_ENTRIES:
            raise UsageError(f"{self.source} has {len(self.entries):,} numbers; expected at most {_MOST_ENTRIES:,}")
        seen: dict[str, str] = {}
        for entry, digits in zip(self.entries, self.digits, strict=True):
            if not 0 < len(digits) <= _LONGEST:
                raise UsageError(f"{self.source}: {entry[:60]!r} has {len(digits)} digits; expected 1 to {_LONGEST}")
            if digits in seen:
                raise UsageError(
                    f"{self.source}: {seen[digits]!r} and {entry!r} are the same number; expected each once"
                )
            seen[digits] = entry

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def digits(self) -> tuple[str, ...]:
        """The digits of each entry."""
        return tuple("".join(_NUMBERED.findall(entry)) for entry in self.entries)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The number of digits of each entry: int64 (entries,)."""
        return np.array([len(each) for each in self.digits], np.int64)

    @cached_property
    def padded(self) -> NDArray[np.uint8]:
        """The digits of each entry, padded with 0 at the end: uint8 (entries, longest)."""
        longest = int(self.lengths.max())
        text = "".join(each.ljust(longest, "0") for each in self.digits)
        return (np.frombuffer(text.encode("ascii"), np.uint8) - ord("0")).reshape(-1, longest)


@dataclass(frozen=True, slots=True)
class Choice:
    """The entry of a list that fits what was read.

    text: the entry as in the list, or "?" for each digit that was read if the evidence supports no entry
    confidence: 0 … 1, of the nearest entry, with "none of them" as an alternative
    fits: whether the entry is returned
    read: the most likely digits without the list
    entry: the nearest one's row in the list, from 0; second: the next nearest entry; None in a list of one
    margin: how much more likely the nearest is than the second, or than "none of them" if that is more likely, as a
        power of ten: 2 means a hundred times
    """

    text: str
    confidence: float
    fits: bool
    read: str
    entry: int
    nearest: str
    second: str | None
    margin: float


def number_list(source: str | Path | Iterable[object] | NumberList) -> NumberList:
    """Read a list of numbers: a file, ``list.csv``, or one column, ``list.csv:number`` (its name, or 1 for the first).

    Without a column, the first one whose cells below the header all hold digits is taken, or else the first one with
    some empty cells; a file of one column is a plain list. Columns are separated by comma, semicolon or tab. In Python
    also any iterable of texts or whole numbers.

    Raises:
        DatasetError: for a file that is missing or has no such column, listing the existing columns.
        UsageError: as `NumberList`.
    """
    if isinstance(source, NumberList):
        return source
    if not isinstance(source, str | Path):
        if not isinstance(source, Iterable):
            raise UsageError(f"among is {source!r}; expected a list of numbers, or a file such as list.csv")
        return NumberList(tuple(map(_as_text, source)))
    name, column = str(source), ""
    if not Path(name).is_file():
        file, _, rest = name.rpartition(":")
        if file:
            name, column = file, rest.strip()
    path = Path(name)
    if not path.is_file():
        what = f"{name}: is a folder" if path.is_dir() else f"there is no file {name}"
        raise DatasetError(f"{what}; expected a list of numbers, such as list.csv or list.csv:number")
    rows = _rows(path)
    index = _column(rows, column, name)
    cells = [(number, row[index].strip() if index < len(row) else "") for number, row in rows]
    if _has_header([cell for _, cell in cells], column):
        del cells[0]
    bad = next((number for number, cell in cells if cell and not _NUMBERED.search(cell)), None)
    if bad is not None:
        raise DatasetError(f"{name}: line {bad} has no number in that column; expected one in each line")
    return NumberList(tuple(cell for _, cell in cells if cell), name)


def _as_text(number: object) -> str:
    """Write an entry as text; a whole number without decimals, since columns with empty cells come as floating numbers.

    >>> _as_text(4711.0), _as_text(12.5), _as_text(" 0815 ")
    ('4711', '12.5', '0815')
    """
    if isinstance(number, Real) and not isinstance(number, Integral) and float(number).is_integer():
        return str(int(float(number)))
    return str(number).strip()


def likelihoods(evidence: Evidence, numbers: NumberList) -> NDArray[np.float64]:
    """Return for each entry how much more likely the digits are with it than with any other number: (entries,)."""
    longest, shortest = numbers.padded.shape[1], int(numbers.lengths.min())
    # sums[j] is over all alignments of the entries' first j digits with the places so far.
    sums = {j: np.full(len(numbers), OVERLOOKED**j) for j in range(min(_MOST_NET_ERRORS, longest) + 1)}
    columns = numbers.padded.T
    for i, (present, probabilities) in enumerate(
        zip(evidence.present.tolist(), evidence.probabilities, strict=True), 1
    ):
        by_digit = probabilities * (10.0 * present * (1.0 - OVERLOOKED))
        row: dict[int, NDArray[np.float64]] = {}
        for j in range(max(0, i - _MOST_NET_ERRORS), min(longest, i + _MOST_NET_ERRORS) + 1):
            total = sums[j] * (1.0 - present) if j in sums else np.zeros(len(numbers))
            if j - 1 in sums:
                total += sums[j - 1] * by_digit[columns[j - 1]]
            if j - 1 in row:
                total += row[j - 1] * OVERLOOKED
            row[j] = total
        sums = row
    result = np.zeros(len(numbers))
    for j in range(shortest, longest + 1):
        if j in sums:
            complete = numbers.lengths == j
            result[complete] = sums[j][complete]
    return result


def nearest(digits: Sequence[ReadDigit], among: NumberList, threshold: float = 0.5) -> Choice:
    """Find the entry of a list that these digits stand for.

    It is returned if its probability, with "none of them" as an alternative, is the threshold or more, and 0.95 or more
    if it differs from what was read in a digit, or has one more or less.

    digits: in reading order, answered or not; without digits, no entry is returned
    """
    evidence = evidence_of(digits)
    read = evidence.likeliest
    likelihood = likelihoods(evidence, among)
    none = none_likelihood(evidence, among, likelihood)
    weights = likelihood * (1.0 - NOT_LISTED) / len(among)
    order = np.argsort(-weights, kind="stable")[:2]
    best = int(order[0])
    second = among.entries[int(order[1])] if len(order) > 1 else None
    other = max(float(weights[order[1]]) if len(order) > 1 else 0.0, none)
    total = float(weights.sum()) + none
    confidence = float(weights[best]) / total if total > 0.0 and len(evidence) else 0.0
    margin = math.log10(max(float(weights[best]), 1e-300) / max(other, 1e-300))
    needed = threshold if among.digits[best] == read else max(threshold, CHANGE_THRESHOLD)
    fits = len(evidence) > 0 and confidence >= needed
    text = among.entries[best] if fits else "?" * len(evidence)
    return Choice(text, confidence, fits, read, best, among.entries[best], second, margin)


def none_likelihood(evidence: Evidence, among: NumberList, likelihood: NDArray[np.float64]) -> float:
    """Return the weight of "none of them": any other number, or the nearest with one digit miswritten.

    In units of ``likelihoods`` times an entry's share.
    """
    best = int(likelihood.argmax())
    digits = among.digits[best]
    miswritten = 0.0
    if len(digits) == len(evidence):
        gain = max(
            float(row.max()) / max(float(row[int(digit)]), 1e-12)
            for row, digit in zip(evidence.probabilities, digits, strict=True)
        )
        miswritten = MISWRITTEN / len(among) * float(likelihood[best]) * gain / (9.0 * len(digits))
    return NOT_LISTED + miswritten


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Read the lines that are not empty, with their line numbers."""
    with saying_what_failed(path, "read"):
        if path.stat().st_size > _LARGEST_FILE:
            raise DatasetError(
                f"{path}: has {path.stat().st_size:,} bytes; a list of numbers has {_LARGEST_FILE:,} at most"
            )
        content = path.read_bytes()
    lines = io.StringIO(_decoded(path, content), newline="").readlines()
    first = next((line for line in lines if line.strip()), "")
    named = _NAMED_DELIMITER.fullmatch(first)
    if named is not None:
        lines[lines.index(first)] = "\n"  # an empty line, so that line numbers stay those of the file
    delimiter = named[1] if named is not None else max(",;\t", key=_QUOTED.sub("", first).count)
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise DatasetError(f"{path}: is not a table ({error}); expected comma separated values") from error
    if not rows:
        raise DatasetError(f"{path}: is empty; expected a number in each line")
    return rows


def _decoded(path: Path, content: bytes) -> str:
    """Decode a text file: UTF-16 as spreadsheets write it ("Unicode text"), UTF-8, or else Latin-1."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content[:_START]:
        kind = kind_of(path)
        what = "not a text file" if kind is None or path.suffix.lower() in (".csv", ".tsv") else kind.what
        raise DatasetError(f"{path}: is {what}; expected a list of numbers as text: save it as CSV")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _has_header(cells: list[str], column: str) -> bool:
    """Return whether the first cell of a column is its name, which may hold a digit as well: "exam 2"."""
    first, *others = cells
    if not _NUMBERED.search(first) or (first == column and not column.isdigit()):
        return True
    return bool(others) and bool(_LETTER.search(first)) and not any(map(_LETTER.search, others))


def _column(rows: list[tuple[int, list[str]]], column: str, name: str) -> int:
    header = [cell.strip() for cell in rows[0][1]]
    if column:
        if column in header:
            return header.index(column)
        if column.isdigit() and 1 <= int(column) <= len(header):
            return int(column) - 1
        known = ", ".join(header)
        raise DatasetError(f"{name}: has no column {column!r}; expected one of {known}, or its number from 1")
    incomplete = None  # the first column with numbers in more than half of the rows, and nothing in the others
    for index in range(len(header)):
        cells = [row[index].strip() if index < len(row) else "" for _, row in rows[1:] or rows]
        filled = [cell for cell in cells if cell]
        if all(_NUMBERED.search(cell) and not _LETTER.search(cell) for cell in filled):
            if len(filled) == len(cells):
                return index
            if incomplete is None and 2 * len(filled) > len(cells):
                incomplete = index
    if incomplete is not None:
        return incomplete
    raise DatasetError(f"{name}: no column contains only numbers; choose one, as in {name}:{header[0] or 1}")
