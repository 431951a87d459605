"""Numbers of a list: find which of them stands there, by the reader's own probabilities.

The likelihood of each entry sums over all alignments with the digits that were read, so it tolerates an overlooked or
a spurious digit, weighted by how rare these are. Besides the entries there is "none of them": any other number, or one
of them with a wrong digit, as people write it now and then.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import DatasetError, UsageError
from digitlab.reading.numbers.evidence import CARRIED, OVERLOOKED, evidence_of
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from digitlab.reading.numbers.evidence import Evidence
    from digitlab.values import ReadDigit

__all__ = ["Choice", "NumberList", "nearest", "number_list"]

NOT_LISTED = 0.02  # the share of written numbers that are not on the list they should be on, …
MISWRITTEN = 2e-3  # … and of those that are an entry with one digit miswritten
_ASTRAY = 3  # largest net number of digits that may be overlooked or spurious
_MOST_ENTRIES, _LONGEST = 1_000_000, 40
_LARGEST_FILE = 200_000_000  # bytes
_NUMBERED, _LETTER = re.compile(r"[0-9]"), re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class NumberList:
    """The numbers that may be written, each once.

    entries: as in the list: digits, and signs that may be left out in writing
    where: what they were read from, for messages

    Raises:
        UsageError: for no entry, one without a digit or with more than 40, or two with the same digits.

    >>> NumberList(("4711", "08-15")).digits
    ('4711', '0815')
    """

    entries: tuple[str, ...]
    where: str = "the list"

    def __post_init__(self) -> None:
        if not self.entries:
            raise UsageError(f"{self.where} is empty; expected at least one number")
        if len(self.entries) > _MOST_ENTRIES:
            raise UsageError(f"{self.where} has {len(self.entries):,} numbers; expected at most {_MOST_ENTRIES:,}")
        seen: dict[str, str] = {}
        for entry, digits in zip(self.entries, self.digits, strict=True):
            if not 0 < len(digits) <= _LONGEST:
                raise UsageError(f"{self.where}: {entry[:60]!r} has {len(digits)} digits; expected 1 to {_LONGEST}")
            if digits in seen:
                raise UsageError(
                    f"{self.where}: {seen[digits]!r} and {entry!r} are the same number; expected each once"
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

    Without a column, the first one whose cells below the header all hold digits is taken; a file of one column is a
    plain list. Columns are separated by comma, semicolon or tab. In Python also any iterable of texts or whole numbers.

    Raises:
        DatasetError: for a file that is missing or has no such column, listing the existing columns.
        UsageError: as `NumberList`.
    """
    if isinstance(source, NumberList):
        return source
    if not isinstance(source, str | Path):
        return NumberList(tuple(str(each).strip() for each in source))
    name, column = str(source), ""
    if not Path(name).is_file():
        file, _, rest = name.rpartition(":")
        if file:
            name, column = file, rest.strip()
    path = Path(name)
    if not path.is_file():
        raise DatasetError(f"there is no file {name}; expected a list of numbers, such as list.csv or list.csv:number")
    rows = _rows(path)
    at = _column(rows, column, name)
    cells = [(number, row[at].strip() if at < len(row) else "") for number, row in rows]
    if _has_header([cell for _, cell in cells], column):
        del cells[0]
    bad = next((number for number, cell in cells if cell and not _NUMBERED.search(cell)), None)
    if bad is not None:
        raise DatasetError(f"{name}: line {bad} has no number in that column; expected one in each line")
    return NumberList(tuple(cell for _, cell in cells if cell), name)


def likelihoods(evidence: Evidence, listed: NumberList) -> NDArray[np.float64]:
    """Return for each entry how much more likely the digits are with it than with any other number: (entries,)."""
    longest, shortest = listed.padded.shape[1], int(listed.lengths.min())
    # ways[j] sums over all alignments of the entries' first j digits with the places so far.
    ways = {j: np.full(len(listed), OVERLOOKED**j) for j in range(min(_ASTRAY, longest) + 1)}
    place = listed.padded.T
    for i, (present, which) in enumerate(zip(evidence.present.tolist(), evidence.probabilities, strict=True), 1):
        by_digit = which * (10.0 * present * (1.0 - OVERLOOKED))
        row: dict[int, NDArray[np.float64]] = {}
        for j in range(max(0, i - _ASTRAY), min(longest, i + _ASTRAY) + 1):
            here = ways[j] * (1.0 - present) if j in ways else np.zeros(len(listed))
            if j - 1 in ways:
                here += ways[j - 1] * by_digit[place[j - 1]]
            if j - 1 in row:
                here += row[j - 1] * OVERLOOKED
            row[j] = here
        ways = row
    result = np.zeros(len(listed))
    for j in range(shortest, longest + 1):
        if j in ways:
            ends = listed.lengths == j
            result[ends] = ways[j][ends]
    return result


def nearest(digits: Sequence[ReadDigit], among: NumberList, threshold: float = 0.5) -> Choice:
    """Find the entry of a list that these digits stand for.

    It is returned if its probability, with "none of them" as an alternative, is the threshold or more, and 0.95 or more
    if it differs from what was read in a digit, or has one more or less.

    digits: in reading order, answered or not; without digits, no entry is returned
    """
    evidence = evidence_of(digits)
    read = evidence.likeliest
    likely = likelihoods(evidence, among)
    none = none_likelihood(evidence, among, likely)
    weights = likely * (1.0 - NOT_LISTED) / len(among)
    order = np.argsort(-weights, kind="stable")[:2]
    best = int(order[0])
    second = among.entries[int(order[1])] if len(order) > 1 else None
    other = max(float(weights[order[1]]) if len(order) > 1 else 0.0, none)
    total = float(weights.sum()) + none
    confidence = float(weights[best]) / total if total > 0.0 and len(evidence) else 0.0
    margin = math.log10(max(float(weights[best]), 1e-300) / max(other, 1e-300))
    needed = threshold if among.digits[best] == read else max(threshold, CARRIED)
    fits = len(evidence) > 0 and confidence >= needed
    text = among.entries[best] if fits else "?" * len(evidence)
    return Choice(text, confidence, fits, read, best, among.entries[best], second, margin)


def none_likelihood(evidence: Evidence, among: NumberList, likely: NDArray[np.float64]) -> float:
    """Return the weight of "none of them": any other number, or the nearest with one digit miswritten.

    In units of ``likelihoods`` times an entry's share.
    """
    best = int(likely.argmax())
    digits = among.digits[best]
    wrong = 0.0
    if len(digits) == len(evidence):
        gained = max(
            float(row.max()) / max(float(row[int(digit)]), 1e-12)
            for row, digit in zip(evidence.probabilities, digits, strict=True)
        )
        wrong = MISWRITTEN / len(among) * float(likely[best]) * gained / (9.0 * len(digits))
    return NOT_LISTED + wrong


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Read the lines that are not empty, with their line numbers."""
    with saying_what_failed(path, "read"):
        if path.stat().st_size > _LARGEST_FILE:
            raise DatasetError(
                f"{path}: has {path.stat().st_size:,} bytes; a list of numbers has {_LARGEST_FILE:,} at most"
            )
        content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    try:
        rows = [
            (number, row)
            for number, row in enumerate(csv.reader(lines, delimiter=delimiter), 1)
            if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise DatasetError(f"{path}: is no table ({error}); expected comma separated values") from error
    if not rows:
        raise DatasetError(f"{path}: is empty; expected a number in each line")
    return rows


def _has_header(cells: list[str], asked: str) -> bool:
    """Return whether the first cell of a column is its name, which may hold a digit as well: "exam 2"."""
    first, *others = cells
    if not _NUMBERED.search(first) or (first == asked and not asked.isdigit()):
        return True
    return bool(others) and bool(_LETTER.search(first)) and not any(map(_LETTER.search, others))


def _column(rows: list[tuple[int, list[str]]], asked: str, name: str) -> int:
    head = [cell.strip() for cell in rows[0][1]]
    if asked:
        if asked in head:
            return head.index(asked)
        if asked.isdigit() and 1 <= int(asked) <= len(head):
            return int(asked) - 1
        raise DatasetError(f"{name}: has no column {asked!r}; expected one of {', '.join(head)}, or its number from 1")
    for at in range(len(head)):
        cells = [row[at].strip() if at < len(row) else "" for _, row in rows[1:] or rows]
        if all(_NUMBERED.search(cell) and not _LETTER.search(cell) for cell in cells):
            return at
    raise DatasetError(f"{name}: no column holds numbers only; name one, as in {name}:{head[0] or 1}")
