"""Assign list entries to the stored readings of a batch, one each: the assignment needs them all.

What was read is kept beside the results (OUT.read.jsonl) without the list: an interrupted run can be resumed, and
another list needs no picture to be read again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from digitlab.archives.job import Answer
from digitlab.archives.rows import row_of
from digitlab.errors import DatasetError, ImageError
from digitlab.reading.numbers import assigned
from digitlab.reading.numbers.matching import with_known_numbers
from digitlab.values import ReadDigit, Reading, ReadMark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from digitlab.archives.job import ReadingJob
    from digitlab.reading.constraints import Constraints

__all__ = ["assigned_rows", "read_beside", "whole_row", "without_list"]

Row = dict[str, Any]


def read_beside(out: Path) -> Path:
    """Return where the readings are kept: numbers.jsonl → numbers.jsonl.read.jsonl."""
    return out.with_name(out.name + ".read.jsonl")


def without_list(job: ReadingJob) -> ReadingJob:
    """Return the job without its list and without one-to-one assignment."""
    return replace(job, constraints=replace(job.constraints, among=None, one_to_one=False))


def whole_row(answer: Answer[Reading], made_by: str) -> Row:
    """Extend `row_of` by all that a list needs: each digit's ten probabilities, and the signs."""
    reading = answer.reading
    if reading is None:
        return {**row_of(answer, made_by), "reading": None}
    content = {
        "digits": [
            [item.digit, item.confidence, list(item.box), item.line, list(item.probabilities), item.column]
            for item in reading.digits
        ],
        "marks": [[item.sign, list(item.box), item.line] for item in reading.marks],
        "pattern": reading.pattern,
    }
    return {**row_of(answer, made_by), "reading": content}


def _reading(row: Mapping[str, Any]) -> Reading:
    """Restore a reading that `whole_row` kept.

    Raises:
        DatasetError: for any other row.
    """
    try:
        digits = tuple(
            ReadDigit(digit, confidence, _box(box), line, tuple(probabilities), column)
            for digit, confidence, box, line, probabilities, column in row["reading"]["digits"]
        )
        marks = tuple(ReadMark(sign, _box(box), line) for sign, box, line in row["reading"]["marks"])
        size = None if row["width"] is None else (row["width"], row["height"])
        return Reading(
            digits, row["ms"], row["note"], size, pattern=row["reading"]["pattern"], fits=row["fits"],
            turned=row["turned"], marks=marks,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{row.get('path')}: its stored reading is damaged; delete OUT.read.jsonl and read again"
        ) from error


def _box(sides: Iterable[int]) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = sides
    return x0, y0, x1, y1


def assigned_rows(
    stored_rows: Iterable[Mapping[str, Any]], constraints: Constraints, threshold: float, made_by: str
) -> Iterator[Row]:
    """Yield rows of the readings kept, each with its own entry of the list.

    threshold: of the reader

    Raises:
        DatasetError, UsageError: as `digitlab.reading.numbers.assigned`, and for a damaged row.
    """
    rows = list(stored_rows)
    readings: list[Reading | ImageError] = [
        ImageError(row["error"])
        if row["error"] is not None
        else with_known_numbers(_reading(row), constraints, threshold)
        for row in rows
    ]
    for row, reading in zip(rows, assigned(readings, constraints.among or ()), strict=True):
        assigned_reading = reading if isinstance(reading, Reading) else None
        answer = Answer(row["path"], assigned_reading, row["error"], (row["bytes"], row["modified"]))
        yield row_of(answer, made_by)
