"""The data model of a form: what is asked for on a sheet, as defined in a TOML file (`form_file`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DIGIT", "FORMS", "PAPERS", "Field", "Form", "Kind", "Table"]

DIGIT = "#"  # a box in a pattern; every other character is printed between the boxes
FORMS = 250  # how many form numbers there are: each uses four of the dictionary's 1,000 markers
PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}  # width and height in mm

Kind = str  # "boxes": a digit each; "line": written freely; "tick": a box to be ticked; "choice": one of several
Place = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a sheet, and one column of the table.

    name: of the column; label: printed beside it
    boxes: for the kind "boxes", one per digit; pattern: "##.##.####", or as many # as there are boxes
    line: length of a free line in mm
    choices: the labels of the tick boxes, for the kind "choice"
    beside: whether it is printed on the same row as the field before it
    full: whether each box must be filled; else a number may have fewer digits
    among: the list of the allowed values, "FILE.csv" or "FILE.csv:column" (see `number_list`)
    one_to_one: whether each of those belongs to one sheet
    check: what the value must fulfil, such as "luhn" or "range:0-100" (see `check_of`)
    at: for an existing form: left, top, width and height in pixels of the blank, of each box, or of all together
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
        """The number of boxes that it has on the sheet."""
        return {"boxes": self.boxes, "choice": len(self.choices)}.get(self.kind, 1)

    def written(self, digits: str) -> str:
        """Return a character for each box, with what is printed between them.

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
    """A form on one sheet of paper. number: distinguishes it from other forms, 0 to 249.

    blank: picture of an existing form, and width: of its paper in mm; 0 for forms that digitlab prints
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
        """All fields in the order of the file, those of a table row by row."""
        from dataclasses import replace

        fields: list[Field] = []
        for item in self.items:
            if isinstance(item, Field):
                fields.append(item)
            else:
                fields += [
                    replace(column, name=f"{item.name}.{row}.{column.name}")
                    for row in item.rows
                    for column in item.columns
                ]
        return tuple(fields)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the paper in mm."""
        width, height = PAPERS[self.paper]
        return (self.width, height * self.width / width) if self.width else (width, height)
