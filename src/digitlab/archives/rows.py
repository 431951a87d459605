"""Convert an answer to a row of results, the same in JSON Lines and in Parquet, or to CSV with one row per digit."""

from __future__ import annotations

import contextlib
import csv
from typing import TYPE_CHECKING, Any

from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from digitlab.archives.job import Answer
    from digitlab.values import ReadDigit, Reading, ReadNumber

__all__ = ["CSV_COLUMNS", "csv_file", "digit_row", "plain_name", "row_of"]


def row_of(answer: Answer[Reading], made_by: str) -> dict[str, Any]:
    """Make the row that is kept of a picture.

    path, text, lines, digits, numbers, note, fits, turned, ms, error (then nothing was read), width, height; and what a
    later run compares to know whether a picture must be read again: bytes, modified, made_by (see `ReadingJob.digest`).
    """
    reading = answer.reading
    size = reading.size if reading is not None else None
    return {
        "path": answer.name,
        "text": None if reading is None else reading.text,
        "lines": [] if reading is None else list(reading.lines),
        "digits": [] if reading is None else _digits(reading),
        "numbers": [] if reading is None else _numbers(reading),
        "note": None if reading is None else reading.note,
        "fits": reading is None or reading.fits,
        "turned": 0 if reading is None else reading.turned,
        "ms": None if reading is None else round(reading.milliseconds, 2),
        "error": answer.error,
        "width": size[0] if size else None,
        "height": size[1] if size else None,
        "bytes": answer.stamp[0],
        "modified": answer.stamp[1],
        "made_by": made_by,
    }


def _digits(reading: Reading) -> list[dict[str, Any]]:
    rows, line, position = [], -1, 0
    for digit in reading.digits:
        position = position + 1 if digit.line == line else 0
        line = digit.line
        rows.append(digit_row(digit, position if digit.column is None else digit.column))
    return rows


def _numbers(reading: Reading) -> list[dict[str, Any]]:
    pairs = zip(reading.numbers, reading.digits_of_numbers, strict=True)
    return [_number(number, indices) for number, indices in pairs]


def _number(number: ReadNumber, indices: Sequence[int]) -> dict[str, Any]:
    """Convert a number as read, or as its list or check makes it; read, second and margin are None without one.

    indices: of its digits in the row's digits
    """
    return {
        "text": number.text,
        "confidence": round(number.confidence, 6),
        "box": list(number.box),
        "read": number.read,
        "fits": number.fits,
        "second": number.second,
        "margin": None if number.margin is None else round(number.margin, 2),
        "digits": list(indices),
    }


def digit_row(read_digit: ReadDigit, position: int) -> dict[str, Any]:
    """Make a digit's row. guess: the most likely digit, even if declined; second: the next one; None if unknown.

    Both confidences are the probability that this digit stands there: that it is a digit at all and that it is this
    one.
    """
    ranked = sorted(range(len(read_digit.probabilities)), key=lambda digit: -read_digit.probabilities[digit])
    guess = read_digit.digit if read_digit.digit is not None or not ranked else ranked[0]
    second = next((digit for digit in ranked if digit != guess), None)
    likeliest = max(read_digit.probabilities, default=0.0)
    score = min(1.0, read_digit.confidence / likeliest) if likeliest else 1.0  # probability that it is a digit at all
    return {
        "digit": read_digit.digit,
        "confidence": round(read_digit.confidence, 6),
        "guess": guess,
        "second": second,
        "second_confidence": None if second is None else round(score * read_digit.probabilities[second], 6),
        "box": list(read_digit.box),
        "line": read_digit.line,
        "position": position,
    }


CSV_COLUMNS = ("path", "line", "position", "digit", "confidence", "x0", "y0", "x1", "y1")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would evaluate a file name that begins like this


def plain_name(path: str) -> str:
    """Return a file name that a spreadsheet takes for a name, whatever it begins with."""
    return f"./{path}" if path.startswith(_FORMULA) else path


@contextlib.contextmanager
def csv_file(path: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Yield a function that writes the digits of picture rows (see `row_of`); the file is complete at the end.

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
            for found in row["digits"]:
                digit = "?" if found["digit"] is None else found["digit"]
                table.writerow(
                    [name, found["line"], found["position"], digit, f"{found['confidence']:.4f}", *found["box"]]
                )

        yield write
