"""Render a form as a page to be printed: boxes in grey, markers in black."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.sheets.layout import MARK_SIDE, Layout, Rectangle, corner_markers
from digitlab.sheets.pdf_file import PdfPage

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CODE_BOOK", "LINE", "MARKER_BOOK", "form_pdf"]

# With 1,000 markers each: any two of the first differ in at least 9 of 36 squares, so that a damaged one matches none.
MARKER_BOOK, _SQUARES = cv2.aruco.DICT_6X6_1000, 8
CODE_BOOK, _CODE_SQUARES = cv2.aruco.DICT_5X5_1000, 7
LINE = 0.3  # mm: a box's line; thinner than any pen, …
_GREY = 0.55  # … and lighter, but for pencils; still found in a shadow


def form_pdf(layout: Layout) -> bytes:
    """Render a form as PDF.

    Raises:
        RecipeError: for a text with letters that its font does not have.
    """
    form = layout.form
    page = PdfPage(layout.size, form.title)
    for corner, place in enumerate(corner_markers(layout.size)):
        page.squares(list(_squares(MARKER_BOOK, 4 * form.number + corner, _SQUARES, place)))
    page.squares(list(_squares(CODE_BOOK, layout.code, _CODE_SQUARES, layout.code_at)))
    half = MARK_SIDE / 2
    page.squares([(x - half, y - half, x + half, y + half) for x, y in layout.marks])
    boxed = [cell for each in layout.placed if each.field.kind != "line" for cell in each.cells]
    page.frames(boxed, LINE, _GREY)
    for each in layout.placed:
        if each.field.kind == "line":
            x0, _, x1, y1 = each.cells[0]
            page.line(x0, y1, x1, y1, LINE, _GREY)
    for text in layout.texts:
        page.text(text.text, text.x, text.y, text.size, bold=text.bold)
    return page.content()


def _squares(book: int, number: int, squares: int, place: Rectangle) -> Iterator[Rectangle]:
    """Yield the black squares of a marker, with adjacent ones in a row merged."""
    image = cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(book), number, squares)
    x0, y0, x1, _ = place
    side = (x1 - x0) / squares
    for row, line in enumerate(np.asarray(image) < 128):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2).tolist():
            yield x0 + start * side, y0 + row * side, x0 + stop * side, y0 + (row + 1) * side
