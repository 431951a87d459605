"""Reading a form's photos as a job for processes or a cluster, and the outcome of each photo as a row.

A row holds what was *seen*: every digit with its probabilities. Lists, checks and one-to-one are applied to rows
(`table`), so another list needs no photo to be read again.
"""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from digitlab.archives.job import Answer, answered, digest_of, on_this_node
from digitlab.archives.rows import digit_row
from digitlab.reading import Reader
from digitlab.sheets.features import layout_of
from digitlab.sheets.sheet_reading import SheetReader, SheetReading
from digitlab.sheets.values import Seen
from digitlab.values import ReadDigit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from digitlab.archives import Picture
    from digitlab.sheets.form import Form

__all__ = ["SheetJob", "seen_in", "sheet_row"]

_ROW = 4  # row format; 3: a digit's certainty was the lowest of any view


@dataclass(frozen=True, slots=True)
class SheetJob:
    """How all photos of one form are read. model, threshold: as `Reader` takes them."""

    form: Form
    model: str | Path | None = None
    threshold: float | None = None

    def reader(self, threads: int = 1) -> Reader:
        """Make the digit reader of one worker.

        Raises:
            ModelError, UsageError: as `Reader`.
        """
        return Reader(self.model, threads=threads, threshold=self.threshold)

    def answering(self, threads: int = 1, reader: Reader | None = None) -> Callable[[Picture], Answer[SheetReading]]:
        """See `digitlab.archives.PictureJob`."""
        sheets = SheetReader(layout_of(self.form), reader or self.reader(threads))
        return functools.partial(_read, sheets)

    def on_nodes(self) -> SheetJob:
        """See `digitlab.archives.PictureJob`."""
        blank = None if self.form.blank is None else self.form.blank.resolve()
        return replace(self, form=replace(self.form, blank=blank), model=on_this_node(self.model))

    def digest(self, reader: Reader) -> str:
        """Return `digest_of` the reader and the form: its number, its places, and its blank if it has one."""
        layout = layout_of(self.form)
        places = [[each.field.name, each.field.kind, each.cells] for each in layout.placed]
        blank = b"" if self.form.blank is None else self.form.blank.read_bytes()
        return digest_of(reader, [_ROW, self.form.number, layout.code, places], blank)


def _read(sheets: SheetReader, picture: Picture) -> Answer[SheetReading]:
    return answered(picture, lambda: sheets.read(picture.path))


def sheet_row(answer: Answer[SheetReading], made_by: str, threshold: float = 0.5) -> dict[str, Any]:
    """Make the row kept of a photo: as `digitlab.archives.row_of`, and ``fields`` with what was seen in each.

    threshold: of the reader
    """
    reading = answer.reading
    fields = () if reading is None else reading.fields
    digits = [
        {**digit_row(each, each.column or 0), "field": seen.name}
        for seen in fields
        for each in seen.cells
        if each is not None
    ]
    return {
        "path": answer.name,
        "fields": [asdict(seen) for seen in fields],
        "digits": digits,
        "threshold": threshold,
        "note": None if reading is None else reading.note,
        "turned": 0 if reading is None else reading.turned,
        "ms": None if reading is None else round(reading.milliseconds, 2),
        "error": answer.error,
        "width": None if reading is None else reading.size[0],
        "height": None if reading is None else reading.size[1],
        "bytes": answer.stamp[0],
        "modified": answer.stamp[1],
        "made_by": made_by,
    }


def seen_in(row: Mapping[str, Any]) -> tuple[Seen, ...]:
    """Restore what was seen in the fields from a row of `sheet_row`, whether or not it was a file in between."""
    return tuple(
        Seen(
            each["name"],
            tuple(None if cell is None else _digit(cell) for cell in each["cells"]),
            tuple(each["signs"]),
            tuple(each["longest"]),
            _box(each["box"]),
            tuple(each.get("sure", ())),
        )
        for each in row["fields"]
    )


def _digit(cell: Mapping[str, Any]) -> ReadDigit:
    return ReadDigit(
        cell["digit"], cell["confidence"], _box(cell["box"]), 0, tuple(cell["probabilities"]), cell["column"]
    )


def _box(sides: Any) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = sides
    return x0, y0, x1, y1
