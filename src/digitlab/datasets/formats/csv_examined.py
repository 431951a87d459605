"""Which columns of a CSV could be the label: for those who examine it with a network."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.formats.csv_columns import Columns, cells_of, is_header
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["CsvChoice", "label_choices"]

_PIXELS, _MOST_OTHERS = 784, 50
_LINES, _LONGEST_LINE = 1000, 1 << 16


@dataclass(frozen=True, slots=True)
class CsvChoice:
    """A column that could be the label, in the first thousand lines.

    labels: (N,), 0 to 10
    images: uint8 (N, 28, 28), the columns that are left then
    """

    name: str
    columns: Columns
    labels: NDArray[np.uint8]
    images: NDArray[np.uint8]


def label_choices(path: Path) -> list[CsvChoice]:
    """The columns that hold digits and leave 784 pixels; none where a line is not of numbers."""
    with saying_what_failed(path, "read"), path.open("rb") as file:
        lines = [line for _ in range(_LINES + 1) if (line := file.readline(_LONGEST_LINE))]
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
    others = [place for place in range(width) if place not in set(pixels)] if len(pixels) == _PIXELS else [0, width - 1]
    found = []
    for place in others:
        left = pixels if len(pixels) == _PIXELS else [each for each in range(width) if each != place]
        values, images = table[:, place], table[:, left]
        if len(left) != _PIXELS or not _are_digits(values) or images.min() < 0 or images.max() > 255:
            continue
        columns = Columns(width, place, np.array(left, np.intp))
        name = repr(names[place]) if names else f"number {place + 1}"
        found.append(CsvChoice(name, columns, values.astype(np.uint8), images.astype(np.uint8).reshape(-1, 28, 28)))
    return found


def _pixel_columns(names: list[str], width: int) -> list[int]:
    """Columns with a number in their names that have one beginning in common; empty without a header."""
    starts = [name.rstrip("0123456789") for name in names]
    common = max(set(starts), key=starts.count) if starts else ""
    return [place for place in range(min(width, len(names))) if starts[place] == common and names[place] != common]


def _are_digits(values: NDArray[np.float64]) -> bool:
    return bool(
        (values == np.floor(values)).all() and values.min() >= 0 and values.max() <= 10 and len(set(values)) > 2
    )
