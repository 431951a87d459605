"""Read the fields of a filled form from a photo: register it, cut out the fields, read them cell by cell."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import ImageError
from digitlab.reading.glyph import normalise
from digitlab.reading.images import load_reduced
from digitlab.sheets.cells import filled_share, is_sign, marks_on, sign_of, strength_of, written_in
from digitlab.sheets.digits import judge
from digitlab.sheets.features import Blank
from digitlab.sheets.registration import register
from digitlab.sheets.strips import blank_strip, cut_blank_strip, cut_strip
from digitlab.sheets.values import Seen
from digitlab.values import ReadDigit

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.reading import Reader
    from digitlab.sheets.cells import Written
    from digitlab.sheets.digits import Judged
    from digitlab.sheets.layout import Layout, Rectangle
    from digitlab.sheets.registration import Registration
    from digitlab.sheets.strips import Strip

__all__ = ["SheetReader", "SheetReading"]

_SIDE = 1900  # pixels of a photo's longest side: 6 per mm of A4; a JPEG of 12 megapixels is decoded at half its size
_FEWEST_LINES = 0.75  # least share of the printed lines that must be where the form has them
_FIELDS_WITHOUT = 0.34  # greatest share of the fields that may lack half of their lines


@dataclass(frozen=True, slots=True)
class SheetReading:
    """All that was seen on one sheet.

    fields: in the order of the form; size: width and height of the upright picture, which boxes refer to
    note: what is odd about the photo, such as a marker that was covered; None where nothing is
    turned: clockwise quarter turns that set the sheet upright
    """

    fields: tuple[Seen, ...]
    size: tuple[int, int]
    milliseconds: float
    note: str | None = None
    turned: int = 0


class SheetReader:
    """Reads photos of one form. layout: of the form; reader: of digits."""

    def __init__(self, layout: Layout, reader: Reader) -> None:
        self.layout, self.reader = layout, reader
        self._blank = None if layout.form.blank is None else Blank(layout.form)
        self._blanks = [] if self._blank is None else [
            blank_strip(self._blank.picture, self._blank.registration, each) for each in layout.placed
        ]  # fmt: skip

    def read(self, path: str | Path) -> SheetReading:
        """Read one photo.

        Raises:
            ImageError: when it cannot be opened, or does not show the form; the message names the file.
            ModelError: when a network cannot run.
        """
        start = time.perf_counter()
        picture, size = load_reduced(path, _SIDE)
        try:
            reading = self.read_pixels(picture, size)
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from error
        return replace(reading, milliseconds=(time.perf_counter() - start) * 1000.0)

    def read_pixels(self, picture: NDArray[np.uint8], size: tuple[int, int] | None = None) -> SheetReading:
        """Read a photo, uint8 (H, W, 3) RGB. size: its size before it was reduced, which boxes refer to.

        Raises:
            ImageError: when it does not show the form; the message names no file.
        """
        start = time.perf_counter()
        registration, strips = self._strips(picture)
        full_size = size or (picture.shape[1], picture.shape[0])
        fields = self._fields(strips, _Boxes(registration, full_size[0] / picture.shape[1]))
        note = f"marker {', '.join(registration.missing)} not seen" if registration.missing else None
        milliseconds = (time.perf_counter() - start) * 1000.0
        return SheetReading(tuple(fields), full_size, milliseconds, note, _turned(registration))

    def glyphs(self, path: str | Path) -> dict[str, list[NDArray[np.uint8] | None]]:
        """Return what is written in the boxes of each field, as networks take it: uint8 (28, 28), None if empty.

        Raises:
            ImageError: as `read`.
        """
        picture, _ = load_reduced(path, _SIDE)
        try:
            _, strips = self._strips(picture)
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from error
        glyphs: dict[str, list[NDArray[np.uint8] | None]] = {}
        for placed, strip, strength in zip(self.layout.placed, strips, strength_of(strips), strict=True):
            if placed.field.kind == "boxes":
                inks = [written_in(strength, cell, strip.level) for cell in strip.cells]
                glyphs[placed.field.name] = [None if each is None else normalise(each.ink) for each in inks]
        return glyphs

    def _strips(self, picture: NDArray[np.uint8]) -> tuple[Registration, list[Strip]]:
        """Register the form in a photo, and cut out its fields.

        Raises:
            ImageError: when it is not there, or not certainly.
        """
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        if self._blank is None:
            registration = register(grey, self.layout)
            strips = [cut_strip(picture, registration, each) for each in self.layout.placed]
        else:
            registration = self._blank.register(grey)
            strips = [
                cut_blank_strip(picture, registration, each, blank)
                for each, blank in zip(self.layout.placed, self._blanks, strict=True)
            ]
        _expect_lines(strips)
        return registration, strips

    def _fields(self, strips: list[Strip], boxes: _Boxes) -> list[Seen]:
        strengths = strength_of(strips)
        written = [
            _written(placed.field.kind, strip, strength)
            for placed, strip, strength in zip(self.layout.placed, strips, strengths, strict=True)
        ]
        digits = [
            [None if each is None or (placed.field.kind == "line" and is_sign(each, row)) else each for each in row]
            for placed, row in zip(self.layout.placed, written, strict=True)
        ]
        answers = iter(judge(self.reader, [each.ink for row in digits for each in row if each is not None]))
        fields = []
        for index, (placed, strip) in enumerate(zip(self.layout.placed, strips, strict=True)):
            kind, row, baseline = placed.field.kind, written[index], strip.cells[0][3]
            judgements = [None if each is None else next(answers) for each in digits[index]]
            cells = tuple(
                None if each is None or judgement is None else self._digit(judgement, boxes.of(strip, each.box), column)
                for column, (each, judgement) in enumerate(zip(digits[index], judgements, strict=True))
            )
            certainties = tuple(0.0 if judgement is None else judgement.sure for judgement in judgements)
            signs = [sign_of(each, row, baseline) for each in row if kind == "line" and each is not None]
            ticks = strip.cells if kind in ("tick", "choice") else ()
            longest = tuple(filled_share(strengths[index], cell, strip.level) for cell in ticks)
            fields.append(Seen(placed.field.name, cells, tuple(signs), longest, boxes.of(strip, None), certainties))
        return fields

    def _digit(self, judged: Judged, box: tuple[int, int, int, int], column: int) -> ReadDigit:
        digit = int(np.argmax(judged.probabilities)) if judged.confidence >= self.reader.threshold else None
        return ReadDigit(digit, judged.confidence, box, 0, judged.probabilities, column)


def _written(kind: str, strip: Strip, strength: NDArray[np.uint8]) -> list[Written | None]:
    """Extract the ink of a field: of each box, or of each mark on a free line; none for tick boxes."""
    if kind == "boxes":
        return [written_in(strength, cell, strip.level) for cell in strip.cells]
    return [*marks_on(strength, strip.cells[0], strip.level)] if kind == "line" else []


@dataclass(frozen=True, slots=True)
class _Boxes:
    """Converts parts of strips to boxes in the original picture. scale: of that to the reduced one."""

    registration: Registration
    scale: float

    def of(self, strip: Strip, part: Rectangle | None) -> tuple[int, int, int, int]:
        if part is None:
            x0, y0, x1, y1 = zip(*strip.cells, strict=True)
            part = min(x0), min(y0), max(x1), max(y1)
        left, top, right, bottom = (round(side * self.scale) for side in self.registration.box(strip.on_sheet(part)))
        return max(0, left), max(0, top), max(left + 1, right), max(top + 1, bottom)


def _turned(registration: Registration) -> int:
    width, middle = registration.size[0], registration.size[1] / 2
    left, right = registration(np.array([[0.0, middle], [width, middle]]))
    return -round(math.atan2(right[1] - left[1], right[0] - left[0]) / (math.pi / 2)) % 4


def _expect_lines(strips: list[Strip]) -> None:
    """Reject a photo in which the form's lines are not where they should be: the registration must be wrong."""
    lines, found = sum(strip.lines for strip in strips), sum(strip.lines_found for strip in strips)
    poor = sum(strip.lines_found < strip.lines / 2 for strip in strips)
    if lines and (found < _FEWEST_LINES * lines or poor > _FIELDS_WITHOUT * len(strips)):
        raise ImageError(
            f"only {100 * found / lines:.0f} % of the form's lines are where they should be; expected a sheet that was "
            "printed from this file, whole and sharp"
        )
