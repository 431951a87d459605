"""One digit a row, for tables."""

from __future__ import annotations

import contextlib
import csv
from typing import TYPE_CHECKING, Any

from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["CSV_COLUMNS", "csv_file", "plain_name"]

CSV_COLUMNS = ("path", "line", "position", "digit", "confidence", "x0", "y0", "x1", "y1")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a table program would compute a file's name that begins so


def plain_name(path: str) -> str:
    """The name of a file as a table program takes it for one, whatever it begins with."""
    return f"./{path}" if path.startswith(_FORMULA) else path


@contextlib.contextmanager
def csv_file(path: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A function that takes rows of pictures (see `row_of`) and writes their digits; the file is there at the end.

    ``line`` and ``position`` (in the line; in a grid the column) count from 0; ``digit`` is "?" where a digit was found
    but not answered.

    Raises:
        StorageError: when it cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(CSV_COLUMNS)

        def write(row: Mapping[str, Any]) -> None:
            name = plain_name(row["path"])
            for each in row["digits"]:
                digit = "?" if each["digit"] is None else each["digit"]
                table.writerow([name, each["line"], each["position"], digit, f"{each['confidence']:.4f}", *each["box"]])

        yield write
