"""Find the label and pixel columns of a CSV file, by its header or its content."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import labels_are_loose
from digitlab.errors import DatasetError, counted
from digitlab.storage import saying_what_failed
from digitlab.values import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "PLAIN", "UNLABELLED", "Columns", "CsvChoice", "cells_of", "is_header", "label_choices", "label_stands_last",
    "named_columns", "separator_of",
]  # fmt: skip

_PIXELS = 784
_LABELS = frozenset({"label", "labels", "class", "classes", "target", "targets", "digit", "y"})
_ROW_NUMBERS = frozenset({"", "id", "index", "row", "unnamed: 0"})  # "" and "Unnamed: 0" are written by pandas
NO_LABEL = -1
_FEWEST_ANSWERS = 3  # without a header, the last column is the label only if it has this many distinct values


@dataclass(frozen=True, slots=True)
class Columns:
    """The column layout of every line.

    count: columns per line
    label: index of the label column
        -1: there is none; accepted only under `loose_labels`
    pixels: indices of the 784 pixel columns; None: all but the label, in order
    """

    count: int = _PIXELS + 1
    label: int = 0
    pixels: NDArray[np.intp] | None = None

    def parted(self, values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Split lines (N, count) into pixels (N, 784) and labels (N,)."""
        if self.label == NO_LABEL:
            return values[:, :_PIXELS] if self.pixels is None else values[:, self.pixels], np.full(len(values), NONE)
        if self.pixels is not None:
            return values[:, self.pixels], values[:, self.label]
        if self.label == 0:
            return values[:, 1:], values[:, 0]
        return np.delete(values, self.label, axis=1), values[:, self.label]


PLAIN = Columns()  # Kaggle's layout: the label, then the pixels
UNLABELLED = Columns(_PIXELS, NO_LABEL)


def separator_of(line: bytes) -> bytes:
    """Return what separates the cells of a line: a comma, or, as Excel writes in many countries, a semicolon or tab.

    >>> separator_of(b"5,0,0"), separator_of(b"5;0;0")
    (b',', b';')
    """
    return b"," if b"," in line else next((separator for separator in (b";", b"\t") if separator in line), b",")


def is_header(line: bytes) -> bool:
    """Return whether the first line is a header: letters instead of numbers, or pandas' column numbers 0, 1, 2, …."""
    cells = cells_of(line)
    if len(cells) > _PIXELS and cells == [str(number) for number in range(len(cells))]:
        return True
    return any(cell[:1].isalpha() for cell in cells)


def named_columns(line: bytes, path: Path) -> Columns | None:
    """Derive the layout from a header; None for one without usable names: fewer than 784 columns, or 0, 1, 2, ….

    The label is the column named label, class, target, digit or y, or else the only one without a number in its name.
    Pixel columns are sorted by the numbers in their names. A column of row numbers is ignored.

    Raises:
        DatasetError: when no column, or more than one, can be the label, or there are not 784 pixel columns.
    """
    names = [cell.lower() for cell in cells_of(line)]
    if len(names) < _PIXELS or names == [str(number) for number in range(len(names))]:
        return UNLABELLED if len(names) == _PIXELS and labels_are_loose() else None
    label = _label_of(names, path)
    if label == NO_LABEL:
        return UNLABELLED if len(names) == _PIXELS else Columns(len(names), NO_LABEL, np.arange(len(names))[-_PIXELS:])
    others = [index for index in range(len(names)) if index != label]
    pixels = [index for index in others if names[index] not in _ROW_NUMBERS] if len(others) > _PIXELS else others
    if len(pixels) != _PIXELS:
        odd = [repr(names[index]) for index in pixels if not _numbers_in(names[index])]
        more = f"; not named like pixels: {', '.join(odd[:5])}" if odd and len(pixels) > _PIXELS else ""
        raise DatasetError(
            f"{path}: its header names {counted(len(pixels), 'column')} besides the label {names[label]!r}; "
            f"expected {_PIXELS} "
            f"pixels{more}"
        )
    return Columns(len(names), label, np.array(_in_order(pixels, names), np.intp))


def label_stands_last(blocks: Iterable[NDArray[np.signedinteger[Any]]]) -> bool:
    """Return whether lines (N, 785) without a header have the label in the last column.

    In that case the first column is the top left pixel, which is 0 in every image, and the last column holds digits.
    With the label first, the last column is the bottom right pixel, which is 0. Where the lines are sorted by their
    labels, a block has few of them: as many blocks are looked at as it takes.
    """
    answers: set[int] = set()
    for values in blocks:
        if values[:, 0].any() or values[:, -1].max(initial=0) > 9:
            return False
        answers.update(np.unique(values[:, -1]).tolist())
        if len(answers) >= _FEWEST_ANSWERS:
            return True
    return False


def cells_of(line: bytes) -> list[str]:
    """Split a line into cells, without quotes and surrounding blanks."""
    text = line.decode("utf-8", "replace").strip("\r\n").replace("\r", " ")  # a stray \r makes csv fail
    return [cell.strip().strip("'\"").strip() for cell in next(csv.reader([text]), [])]


def _label_of(names: Sequence[str], path: Path) -> int:
    named = [index for index, name in enumerate(names) if name in _LABELS]
    unnumbered = [index for index, name in enumerate(names) if not _numbers_in(name) and name not in _ROW_NUMBERS]
    candidates = named or unnumbered
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        if labels_are_loose():
            return NO_LABEL
        raise DatasetError(
            f"{path}: its header names no label ({names[0]!r} … {names[-1]!r}); expected a column named label, class "
            "or target besides 784 pixels. Images without labels can be classified, not evaluated: "
            f"`digitlab classify {path} --out OUT.npz` gives them the reader's answers"
        )
    if labels_are_loose():
        return candidates[0]
    several = ", ".join(repr(names[index]) for index in candidates[:5])
    raise DatasetError(f"{path}: its header has more than one column that could be the label ({several}); keep one")


def _numbers_in(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]{1,9}", name))


def _in_order(columns: list[int], names: Sequence[str]) -> list[int]:
    """Sort columns by the numbers in their names, if all have equally many and none repeat; else keep the order."""
    numbers = {column: _numbers_in(names[column]) for column in columns}
    alike = len({len(key) for key in numbers.values()}) == 1
    if not alike or len(set(numbers.values())) != len(columns):
        return columns
    return sorted(columns, key=numbers.__getitem__)


_MOST_OTHERS = 50
_LINES, _LONGEST_LINE = 1000, 1 << 16


@dataclass(frozen=True, slots=True)
class CsvChoice:
    """A column that could be the label, judged by the first thousand lines.

    labels: (N,), 0 to 10
    images: uint8 (N, 28, 28), made of the remaining columns
    """

    name: str
    columns: Columns
    labels: NDArray[np.uint8]
    images: NDArray[np.uint8]


def label_choices(path: Path) -> list[CsvChoice]:
    """Find the columns that hold digits and leave 784 pixels; none if any line is not numeric."""
    with saying_what_failed(path, "read"), path.open("rb") as file:
        lines = [line for _ in range(_LINES + 1) if (line := file.readline(_LONGEST_LINE))]
    separator = separator_of(lines[0] if lines else b"")
    lines = [line.replace(separator, b",") for line in lines]
    header = bool(lines) and is_header(lines[0])
    names = cells_of(lines[0]) if header else []
    rows = list(csv.reader(io.StringIO(b"".join(lines[header:]).decode("utf-8", "replace"))))
    width = len(rows[0]) if rows else 0
    if not _PIXELS < width <= _PIXELS + _MOST_OTHERS or any(len(row) != width for row in rows):
        return []
    try:
        table = np.array(rows).astype(np.float64)
    except ValueError:
        return []
    pixels = _pixel_columns(names, width)
    candidates = (
        [column for column in range(width) if column not in set(pixels)] if len(pixels) == _PIXELS else [0, width - 1]
    )
    choices = []
    for column in candidates:
        pixel_columns = pixels if len(pixels) == _PIXELS else [other for other in range(width) if other != column]
        values, images = table[:, column], table[:, pixel_columns]
        if len(pixel_columns) != _PIXELS or not _are_digits(values) or images.min() < 0 or images.max() > 255:
            continue
        columns = Columns(width, column, np.array(pixel_columns, np.intp))
        name = repr(names[column]) if names else f"number {column + 1}"
        choices.append(CsvChoice(name, columns, values.astype(np.uint8), images.astype(np.uint8).reshape(-1, 28, 28)))
    return choices


def _pixel_columns(names: list[str], width: int) -> list[int]:
    """Find the columns named by the most common prefix and a number; empty without a header."""
    starts = [name.rstrip("0123456789") for name in names]
    common = max(set(starts), key=starts.count) if starts else ""
    return [index for index in range(min(width, len(names))) if starts[index] == common and names[index] != common]


def _are_digits(values: NDArray[np.float64]) -> bool:
    return bool(
        (values == np.floor(values)).all() and values.min() >= 0 and values.max() <= 10 and len(set(values)) > 2
    )
