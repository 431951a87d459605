"""Which column of a CSV file is the label and which are pixels: by its header, else by what stands in them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["PLAIN", "Columns", "is_header", "label_stands_last", "named_columns"]

_PIXELS = 784
_LABELS = frozenset({"label", "labels", "class", "classes", "target", "targets", "digit", "y"})
_ROW_NUMBERS = frozenset({"", "id", "index", "row", "unnamed: 0"})  # "" and "Unnamed: 0" are pandas' own
_FEWEST_ANSWERS = 3  # different numbers 0 to 9 in the last column, before a file without a header is read that way


@dataclass(frozen=True, slots=True)
class Columns:
    """The layout of every line.

    count: columns of a line
    label: the place of the label, from 0
    pixels: the places of the 784 pixels, row by row; None: all but the label, in their order
    """

    count: int = _PIXELS + 1
    label: int = 0
    pixels: NDArray[np.intp] | None = None

    def parted(self, values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Pixels (N, 784) and labels (N,) of lines (N, count)."""
        if self.pixels is not None:
            return values[:, self.pixels], values[:, self.label]
        if self.label == 0:
            return values[:, 1:], values[:, 0]
        return np.delete(values, self.label, axis=1), values[:, self.label]


PLAIN = Columns()  # as Kaggle has them: the label, then the pixels


def is_header(line: bytes) -> bool:
    """Whether the first line holds names: a letter where a number would stand, or pandas' 0, 1, 2, … in a row."""
    cells = _cells(line)
    if len(cells) > _PIXELS and cells == [str(number) for number in range(len(cells))]:
        return True
    return any(cell[:1].isalpha() for cell in cells)


def named_columns(line: bytes, path: Path) -> Columns | None:
    """The layout that a header tells; None for a mere title: fewer names than there are pixels, or 0, 1, 2, ….

    The label is the column called label, class, target, digit or y, wherever it stands; else the only one that is not
    numbered. Pixels are taken in the order of their numbers. A column of row numbers is passed by.

    Raises:
        DatasetError: when no column, or more than one, can be the label, or there are not 784 others.
    """
    names = [cell.lower() for cell in _cells(line)]
    if len(names) < _PIXELS or names == [str(number) for number in range(len(names))]:
        return None
    label = _label_of(names, path)
    others = [place for place in range(len(names)) if place != label]
    pixels = [place for place in others if names[place] not in _ROW_NUMBERS] if len(others) > _PIXELS else others
    if len(pixels) != _PIXELS:
        odd = [repr(names[place]) for place in pixels if not _numbers_in(names[place])]
        more = f"; not pixels by their names: {', '.join(odd[:5])}" if odd and len(pixels) > _PIXELS else ""
        raise DatasetError(
            f"{path}: its header names {len(pixels)} columns beside the label {names[label]!r}; expected {_PIXELS} "
            f"pixels{more}"
        )
    return Columns(len(names), label, np.array(_in_order(pixels, names), np.intp))


def label_stands_last(values: NDArray[np.signedinteger[Any]]) -> bool:
    """Whether lines (N, 785) without a header have their label at the end.

    Then the first column is the first pixel, which is 0 in the corner of every digit, and the last one holds digits; in
    a file that begins with its labels the last column is the last corner, which is 0.
    """
    first, last = values[:, 0], values[:, -1]
    return bool(not first.any() and last.max(initial=0) <= 9 and len(np.unique(last)) >= _FEWEST_ANSWERS)


def _cells(line: bytes) -> list[str]:
    text = line.decode("utf-8", "replace").strip("\r\n").replace("\r", " ")  # a stray one ends csv's patience
    return [cell.strip().strip("'\"").strip() for cell in next(csv.reader([text]), [])]


def _label_of(names: Sequence[str], path: Path) -> int:
    called = [place for place, name in enumerate(names) if name in _LABELS]
    unnumbered = [place for place, name in enumerate(names) if not _numbers_in(name) and name not in _ROW_NUMBERS]
    found = called or unnumbered
    if len(found) == 1:
        return found[0]
    if not found:
        raise DatasetError(
            f"{path}: its header names no label ({names[0]!r} … {names[-1]!r}); expected a column called label, class "
            "or target beside 784 pixels. What has no labels can be classified, not measured"
        )
    several = ", ".join(repr(names[place]) for place in found[:5])
    raise DatasetError(f"{path}: its header has more than one column that could be the label ({several}); keep one")


def _numbers_in(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]{1,9}", name))


def _in_order(places: list[int], names: Sequence[str]) -> list[int]:
    """By the numbers in their names, where all are numbered alike and differently; else as they stand."""
    numbers = {place: _numbers_in(names[place]) for place in places}
    alike = len({len(each) for each in numbers.values()}) == 1
    if not alike or len(set(numbers.values())) != len(places):
        return places
    return sorted(places, key=numbers.__getitem__)
