"""A form: what is asked for on a sheet, as a TOML file says it (`form_file`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DIGIT", "FORMS", "PAPERS", "Field", "Form", "Kind", "Table"]

DIGIT = "#"  # of a pattern: a box; every other sign is printed between the boxes
FORMS = 250  # numbers of forms: each has four of the dictionary's 1,000 markers
PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}  # width and height in mm

Kind = str  # "boxes": a digit each; "line": written freely; "tick": a box to be ticked; "choice": one of several
Place = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a sheet, and one column of the table.

    name: of the column; label: printed beside it
    boxes: of the kind "boxes", one for each digit; pattern: "##.##.####", or as many # as there are boxes
    line: mm of a free line
    choices: what the tick boxes are called, of the kind "choice"
    beside: printed on the same row as the field before it
    full: each box must be filled; else a number may have fewer digits
    among: the list of the allowed values, "FILE.csv" or "FILE.csv:column" (see `number_list`)
    one_to_one: each of those belongs to one sheet
    check: what the value must fulfil, such as "luhn" or "range:0-100" (see `check_of`)
    at: left, top, width and height in pixels of the blank of a form that exists already; of each box, or of all
    """

    name: str
    label: str
    kind: Kind
    boxes: int = 0
    pattern: str = ""
    line: float = 0.0
    choices: tuple[str, ...] = ()
    beside: bool = False
    full: bool = False
    among: str = ""
    one_to_one: bool = False
    check: str = ""
    at: tuple[Place, ...] = ()

    @property
    def cells(self) -> int:
        """How many boxes it has on the sheet."""
        return {"boxes": self.boxes, "choice": len(self.choices)}.get(self.kind, 1)

    def written(self, digits: str) -> str:
        """A sign for each box, with what is printed between them.

        >>> Field("day", "Day", "boxes", boxes=4, pattern="##.##").written("24?2")
        '24.?2'
        """
        signs = iter(digits)
        return "".join(next(signs, "") if sign == DIGIT else sign for sign in self.pattern)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of the same fields; the field of a row and a column is called "table.row.column"."""

    name: str
    label: str
    rows: tuple[str, ...]
    columns: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A sheet of paper. number: tells it from other forms, 0 to 249.

    blank: a picture of a form that exists already, and width: mm of its paper; 0 for forms that are printed
    """

    path: Path
    title: str
    number: int
    paper: str
    note: str
    items: tuple[Field | Table, ...]
    blank: Path | None = None
    width: float = 0.0

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every field, in the order of the file, a table's row by row."""
        from dataclasses import replace

        found: list[Field] = []
        for item in self.items:
            if isinstance(item, Field):
                found.append(item)
            else:
                found += [
                    replace(each, name=f"{item.name}.{row}.{each.name}") for row in item.rows for each in item.columns
                ]
        return tuple(found)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the paper in mm."""
        wide, high = PAPERS[self.paper]
        return (self.width, high * self.width / wide) if self.width else (wide, high)
