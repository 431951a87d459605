"""Layout of a form's sheet: where everything stands, in millimetres from the upper left corner.

Printing a form and reading its photos are both based on this description.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from digitlab.errors import RecipeError
from digitlab.sheets.form import DIGIT, Field, Form, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "CODES",
    "CODE_SIDE",
    "MARKER_SIDE",
    "MARK_SIDE",
    "Layout",
    "Placed",
    "Rectangle",
    "Text",
    "corner_markers",
    "lay_out",
    "text_width",
]  # fmt: skip

Rectangle = tuple[float, float, float, float]  # left, top, right, bottom

MARKER_SIDE, _MARKER_EDGE = 12.0, 8.0  # side of the corner markers, and their margin: printers leave 5 mm blank
MARK_SIDE, _MARK_EDGE = 3.0, 10.0  # small squares along the edges: side, and distance from centre to paper edge
CODE_SIDE = 9.0  # side of the marker that says which version of the form was printed
CODES = 1000
_LEFT, _TOP, _BOTTOM = 22.0, 30.0, 24.0  # margins of the part to be filled in
_BOX = (7.0, 9.0)  # a digit's box: room for digits of 5 to 7 mm
_TICK = 5.0
_LABEL, _SMALL, _TITLE = 3.4, 2.9, 5.6  # mm: font sizes, from baseline to baseline
_GAP, _BESIDE = 5.0, 8.0  # space below a field, and between two on a row
_ROW = 2.4  # space between the rows of a table
_SIGN = 0.6  # space on either side of a sign printed between boxes

# Widths of Helvetica's characters from space to tilde, in thousandths of its size (Adobe's font metrics).
_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, *([556] * 10), 278, 278, 584, 584,
    584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611,
    722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text. x, y: the left end of its baseline; size: mm."""

    text: str
    x: float
    y: float
    size: float
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A field with its cells: a box for each digit, for each tick, or the one area of a free line."""

    field: Field
    cells: tuple[Rectangle, ...]

    @property
    def box(self) -> Rectangle:
        """Bounding box of all cells."""
        x0, y0, x1, y1 = zip(*self.cells, strict=True)
        return min(x0), min(y0), max(x1), max(y1)


@dataclass(slots=True)
class Layout:
    """A form on its sheet.

    size: width and height in mm; marks: the centres of the small squares along the edges
    scale: pixels of the blank per mm, for an existing form; else 0
    """

    form: Form
    size: tuple[float, float]
    placed: list[Placed] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    marks: list[tuple[float, float]] = field(default_factory=list)
    scale: float = 0.0

    @property
    def code(self) -> int:
        """A number below `CODES` that changes with every place, by which sheets of an older version are recognised."""
        content = json.dumps([self.size, [[round(x, 2) for x in cell] for each in self.placed for cell in each.cells]])
        return int.from_bytes(hashlib.sha256(content.encode()).digest()[:4]) % CODES

    @property
    def code_at(self) -> Rectangle:
        """The place of that number, printed as a marker."""
        middle, bottom = self.size[0] / 2, self.size[1] - _MARKER_EDGE
        return middle - CODE_SIDE / 2, bottom - CODE_SIDE, middle + CODE_SIDE / 2, bottom


def text_width(text: str, size: float) -> float:
    """Return the width in mm of a text in Helvetica of this size; accents do not change it."""
    plain = "".join(unicodedata.normalize("NFKD", sign)[0] for sign in text)
    return sum(_WIDTHS[ord(sign) - 32] if " " <= sign <= "~" else 600 for sign in plain) * size / 1000.0


def corner_markers(size: tuple[float, float]) -> tuple[Rectangle, Rectangle, Rectangle, Rectangle]:
    """Return the places of the four markers: upper left, upper right, lower right, lower left."""
    edge, side = _MARKER_EDGE, MARKER_SIDE
    right, bottom = size[0] - edge - side, size[1] - edge - side
    places = ((edge, edge), (right, edge), (right, bottom), (edge, bottom))
    one, two, three, four = ((x, y, x + side, y + side) for x, y in places)
    return one, two, three, four


def lay_out(form: Form, blank: tuple[int, int] | None = None) -> Layout:
    """Lay out a form. blank: width and height in pixels of the picture of an existing form.

    Raises:
        RecipeError: where something does not fit on the sheet.
    """
    if blank is not None:
        return _as_marked(form, blank)
    layout = Layout(form, form.size)
    _head(layout)
    writer = _Writer(layout)
    for item in form.items:
        if isinstance(item, Field):
            writer.field(item)
        else:
            writer.table(item)
    layout.marks = list(_marks(form.size))
    return layout


def _as_marked(form: Form, blank: tuple[int, int]) -> Layout:
    """Place the fields where their file marks them on the blank, whose width is taken as that of the paper."""
    scale = blank[0] / form.size[0]
    layout = Layout(form, (form.size[0], blank[1] / scale), scale=scale)
    for each in form.fields:
        if not each.at:
            raise RecipeError(f"{form.path}: tables are for forms that digitlab prints; mark each field of the blank")
        for left, top, width, height in each.at:
            if left + width > blank[0] or top + height > blank[1]:
                raise RecipeError(
                    f"{form.path}: {each.name} reaches beyond the blank of {blank[0]}×{blank[1]} pixels; expected at = "
                    "[left, top, width, height] inside it"
                )
        boxes_per_place = each.cells // len(each.at)
        cells = [
            (left + width * box / boxes_per_place, top, left + width * (box + 1) / boxes_per_place, top + height)
            for left, top, width, height in each.at
            for box in range(boxes_per_place)
        ]
        layout.placed.append(Placed(each, tuple(_scaled(cell, 1 / scale) for cell in cells)))
    return layout


def _scaled(cell: Rectangle, factor: float) -> Rectangle:
    x0, y0, x1, y1 = cell
    return x0 * factor, y0 * factor, x1 * factor, y1 * factor


def _marks(size: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Yield the centres of the squares along the edges, which show how the paper curls; none where the code stands."""
    middle = _MARKER_EDGE + MARKER_SIDE / 2
    width, height = size[0] - 2 * middle, size[1] - 2 * middle
    for x in (_MARK_EDGE, size[0] - _MARK_EDGE):
        yield from ((x, middle + height * share / 6) for share in range(1, 6))
    for y in (_MARK_EDGE, size[1] - _MARK_EDGE):
        yield from ((middle + width * share / 4, y) for share in (1, 2, 3) if y < middle or share != 2)


def _head(layout: Layout) -> None:
    form = layout.form
    x = _LEFT
    layout.texts.append(Text(form.title, x, 19.0, _TITLE, bold=True))
    if form.note:
        layout.texts.append(Text(form.note, x, 24.5, _SMALL))
    for text in layout.texts:
        if text_width(text.text, text.size) > form.size[0] - 2 * x:
            key = "title" if text.bold else "note"
            raise RecipeError(f"{form.path}: the {key} {text.text!r} is too long for one line; expected a shorter one")
    layout.texts.append(Text(f"form {form.number}", x, form.size[1] - 10.0, _SMALL))


class _Writer:
    """Places one item below the other, or beside it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.x, self.y = _LEFT, _TOP  # where the next item begins
        self._below = _TOP  # the lower end of this row
        self._right = layout.size[0] - _LEFT

    def field(self, field: Field) -> None:
        """Place a field: its label, and its boxes below."""
        if not field.beside:
            self.x, self.y = _LEFT, self._below
        width, cells, texts = _cells(field, self.x, self.y + _LABEL + 1.6)
        if self.x + max(width, text_width(field.label, _LABEL)) > self._right:
            raise self._no_room(field.name, "to the right; expected fewer boxes, or beside = false")
        if field.kind != "tick":
            self.layout.texts.append(Text(field.label, self.x, self.y + _LABEL, _LABEL))
        self._put(field, cells, texts, field.name)
        self.x += max(width, text_width(field.label, _LABEL)) + _BESIDE

    def table(self, table: Table) -> None:
        """Place a table: a line of column heads, then its rows."""
        self.x, self.y = _LEFT, self._below
        self.layout.texts.append(Text(table.label, _LEFT, self.y + _LABEL, _LABEL, bold=True))
        label_width = max(text_width(row, _LABEL) for row in table.rows) + 5.0
        column_xs, x = [], _LEFT + label_width
        for column in table.columns:
            width = max(_cells(column, 0.0, 0.0)[0], text_width(column.label, _SMALL))
            column_xs.append(x)
            self.layout.texts.append(Text(column.label, x, self.y + 2 * _LABEL + 2.4, _SMALL))
            x += width + _BESIDE
        if x - _BESIDE > self._right:
            raise self._no_room(table.name, "to the right; expected fewer boxes or columns")
        top = self.y + 2 * _LABEL + 4.0
        named = {each.name: each for each in self.layout.form.fields}
        for row in table.rows:
            self.layout.texts.append(Text(row, _LEFT, top + _BOX[1] / 2 + _LABEL / 3, _LABEL))
            for column, column_x in zip(table.columns, column_xs, strict=True):
                _, cells, texts = _cells(column, column_x, top, inside=True)
                self._put(named[f"{table.name}.{row}.{column.name}"], cells, texts, f"{table.name}, row {row}")
            top += _BOX[1] + _ROW

    def _put(self, field: Field, cells: list[Rectangle], texts: list[Text], name: str) -> None:
        placed = Placed(field, tuple(cells))
        if placed.box[3] > self.layout.size[1] - _BOTTOM:
            raise self._no_room(name, "below; expected fewer fields, more of them beside = true, or a second form")
        self.layout.placed.append(placed)
        self.layout.texts += texts
        self._below = max(self._below, placed.box[3] + _GAP)

    def _no_room(self, name: str, advice: str) -> RecipeError:
        form = self.layout.form
        return RecipeError(f"{form.path}: {name} does not fit on the sheet ({form.paper}) {advice}")


def _cells(field: Field, x: float, y: float, *, inside: bool = False) -> tuple[float, list[Rectangle], list[Text]]:
    """Return a field's width, its cells at this place, and the text printed beside them. inside: a row of a table."""
    height = _BOX[1]
    if field.kind == "line":
        return field.line, [(x, y, x + field.line, y + height + 1.0)], []
    if field.kind == "boxes":
        return _boxes(field, x, y)
    cells, texts, start = [], [], x
    labels: Sequence[str] = field.choices or (("" if inside else field.label),)
    top = y + (height - _TICK) / 2
    for label in labels:
        cells.append((x, top, x + _TICK, top + _TICK))
        texts.append(Text(label, x + _TICK + 1.5, top + _TICK - 1.2, _LABEL))
        x += _TICK + 1.5 + text_width(label, _LABEL) + 5.0
    return x - 5.0 - start, cells, [text for text in texts if text.text]


def _boxes(field: Field, x: float, y: float) -> tuple[float, list[Rectangle], list[Text]]:
    width, height = _BOX
    cells, texts, start = [], [], x
    for sign in field.pattern:
        if sign == DIGIT:
            cells.append((x, y, x + width, y + height))
            x += width
        else:
            size = 1.4 * _LABEL
            sign_width = text_width(sign, size)
            texts.append(Text(sign, x + _SIGN, y + height - 2.0, size))
            x += sign_width + 2 * _SIGN
    return x - start, cells, texts
