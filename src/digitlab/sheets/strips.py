"""Cut out a field of a registered sheet, find its printed lines to a fraction of a millimetre, and remove them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.sheets.features import print_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.sheets.layout import Placed, Rectangle
    from digitlab.sheets.registration import Registration

__all__ = ["PER_MM", "Strip", "blank_strip", "cut_blank_strip", "cut_strip"]

PER_MM = 6.0  # pixels per mm: a digit of 5 mm has 30, as many as networks look at
_MARGIN = 3.0  # mm around the field: less than the distance to the next row
_REACH = 1.4  # mm: how far lines may be from their places: less than a quarter of a box
_SEGMENT = 22.0  # mm of boxes that are shifted together: a curled sheet shifts a long row unevenly
_LINE = 0.6  # mm on either side of a line's middle that are removed: printed 0.3 wide, and blurred
_SHARE = 30.0  # percentile of a line's pixels: a line is dark all along, a stroke is not
_VISIBLE = 5.0  # grey levels: least darkness of a line
_PRINTED = 20  # grey levels below the paper: print on a blank
_OVER = 1.35  # times as dark as the line: there, a pen went over it


@dataclass(frozen=True, slots=True)
class Strip:
    """A rectified field.

    picture: uint8 (H, W, 3) RGB, without the printed lines; cells: in pixels of it, as they were found
    before: the picture with the lines; corner: its left and top on the sheet in mm
    lines, lines_found: how many printed lines there should be, and how many were found
    level: how dark those are: grey levels below the paper
    """

    picture: NDArray[np.uint8]
    before: NDArray[np.uint8]
    cells: tuple[Rectangle, ...]
    corner: tuple[float, float]
    lines: int
    lines_found: int
    level: float = 0.0

    def on_sheet(self, part: Rectangle) -> Rectangle:
        """Convert a part from pixels of the strip to mm of the sheet."""
        (x, y), (x0, y0, x1, y1) = self.corner, part
        return x + x0 / PER_MM, y + y0 / PER_MM, x + x1 / PER_MM, y + y1 / PER_MM


def cut_strip(picture: NDArray[np.uint8], registration: Registration, placed: Placed) -> Strip:
    """Cut a field out of a photo, uint8 (H, W, 3) RGB, and remove its printed lines."""
    x0, y0, x1, y1 = placed.box
    corner = x0 - _MARGIN, y0 - _MARGIN
    flat = registration.flat(picture, (*corner, x1 + _MARGIN, y1 + _MARGIN), PER_MM)
    cells = [_in_pixels(cell, corner) for cell in placed.cells]
    if placed.field.kind == "line":
        return _free_line(flat, cells[0], corner)
    grey = np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY), np.uint8)
    vertical, horizontal = _darker_than_beside(grey, across=False), _darker_than_beside(grey, across=True)
    cleaned, shifted_cells, lines, lines_found, levels = flat.copy(), [], 0, 0, []
    for segment in _segments(cells):
        dx, right = _shift(vertical, [x for x0, _, x1, _ in segment for x in (x0, x1)], _rows_of(segment))
        dy, below = _shift(horizontal.T, [y for _, y0, _, y1 in segment[:1] for y in (y0, y1)], _columns_of(segment))
        shifted = [(x0 + dx, y0 + dy, x1 + dx, y1 + dy) for x0, y0, x1, y1 in segment]
        lines += len(segment) * 2 + 2
        lines_found += right + below
        shifted_cells += shifted
        levels += _erase_lines(cleaned, vertical, horizontal, shifted)
    darkness = float(np.median(levels)) if levels else 0.0
    return Strip(cleaned, flat, tuple(shifted_cells), corner, lines, lines_found, darkness)


def _in_pixels(cell: Rectangle, corner: tuple[float, float]) -> Rectangle:
    x0, y0, x1, y1 = cell
    return (
        (x0 - corner[0]) * PER_MM, (y0 - corner[1]) * PER_MM, (x1 - corner[0]) * PER_MM, (y1 - corner[1]) * PER_MM,
    )  # fmt: skip


def _segments(cells: list[Rectangle]) -> list[list[Rectangle]]:
    """Split the cells into segments of a few neighbours, of about equal number."""
    count = min(len(cells), max(1, math.ceil((cells[-1][2] - cells[0][0]) / (_SEGMENT * PER_MM))))
    edges = [round(len(cells) * part / count) for part in range(count + 1)]
    return [cells[start:stop] for start, stop in itertools.pairwise(edges)]


def _rows_of(cells: list[Rectangle]) -> NDArray[np.int64]:
    """Return the rows between the corners of the boxes."""
    return np.arange(round(cells[0][1] + PER_MM), round(cells[0][3] - PER_MM))


def _columns_of(cells: list[Rectangle]) -> NDArray[np.int64]:
    """Return the columns likewise: between boxes that stand apart there is no line."""
    return np.concatenate([np.arange(round(x0 + PER_MM), round(x1 - PER_MM)) for x0, _, x1, _ in cells])


def _darker_than_beside(grey: NDArray[np.uint8], *, across: bool) -> NDArray[np.uint8]:
    """Return how much darker each pixel is than both of its sides, uint8 (H, W): what is broad vanishes."""
    reach = 2 * round(_LINE * PER_MM) + 1
    shape = (1, reach) if across else (reach, 1)
    brush = cv2.getStructuringElement(cv2.MORPH_RECT, shape)
    return np.asarray(cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, brush), np.uint8)


def _shift(dark: NDArray[np.uint8], positions: list[float], rows: NDArray[np.int64]) -> tuple[float, int]:
    """Return by how many pixels lines are off in x, and how many of them were found. rows: those to look at."""
    reach = round(_REACH * PER_MM)
    part = dark[rows[rows < len(dark)]]
    if part.size == 0:
        return 0.0, 0
    # Slightly slanted lines leave their column: the darkest of three neighbours counts.
    thick = cv2.dilate(np.ascontiguousarray(part), np.ones((1, 3), np.uint8))
    profile = np.percentile(thick, _SHARE, axis=0)
    grain = float(np.median(profile))
    profile = np.maximum(profile - grain, 0.0)
    strongest = max(float(np.percentile(profile, 98)), 1.0)
    profile = np.minimum(profile, strongest)  # a pen stroke is darker than any line, but must count no more
    columns = np.arange(len(profile), dtype=np.float64) + 0.5
    expected = np.array(sorted(set(positions)))
    shifts = np.arange(-2 * reach, 2 * reach + 1) / 2.0
    strengths = np.interp(expected[None] + shifts[:, None], columns, profile, left=0.0, right=0.0)
    # Small shifts are slightly preferred: an empty strip of a photo without lines must not drift.
    score = strengths.sum(axis=1) * (1.0 - 0.1 * np.abs(shifts) / reach)
    best = int(score.argmax())
    visible = strengths[best] > max(_VISIBLE - grain, 0.25 * strongest, 2.0)
    count = sum(int(visible[np.flatnonzero(expected == position)[0]]) for position in positions)
    return float(shifts[best]) if visible.any() else 0.0, count


def _erase_lines(
    picture: NDArray[np.uint8], vertical: NDArray[np.uint8], horizontal: NDArray[np.uint8], cells: list[Rectangle]
) -> list[float]:
    """Remove the lines of a segment, continuing what is on both sides across them; return how dark they were."""
    over = round(_LINE * PER_MM)
    top, bottom = max(0, round(cells[0][1]) - over), round(cells[0][3]) + over
    levels = []
    for x in sorted({x for x0, _, x1, _ in cells for x in (x0, x1)}):
        levels += _erase_line(picture, vertical, x, slice(top, bottom))
    for x0, y0, x1, y1 in cells:
        columns = slice(max(0, round(x0) - over), round(x1) + over)
        for y in (y0, y1):
            levels += _erase_line(picture.transpose(1, 0, 2), horizontal.T, y, columns)
    return levels


def _erase_line(picture: NDArray[np.uint8], dark: NDArray[np.uint8], x: float, rows: slice) -> list[float]:
    """Replace an upright line by interpolation between its sides, except where a clearly darker pen crosses.

    Returns its darkness, in a list; an empty one for a line beyond the picture.
    """
    half = _LINE * PER_MM
    x0, x1 = round(x - half), round(x + half)
    if x0 < 1 or x1 >= picture.shape[1] - 1:
        return []
    ink = dark[rows, x0:x1].max(axis=1).astype(np.float32)
    typical = float(np.median(ink))
    keep = ink > _OVER * typical + 10.0
    weight = ((np.arange(x0, x1) - x0 + 1) / (x1 - x0 + 1)).astype(np.float32)[None, :, None]
    before = picture[rows, x0 - 1 : x0].astype(np.float32)
    after = picture[rows, x1 : x1 + 1].astype(np.float32)
    between = np.rint(before * (1 - weight) + after * weight).astype(np.uint8)
    picture[rows, x0:x1] = np.where(keep[:, None, None], picture[rows, x0:x1], between)
    return [typical]


def blank_strip(picture: NDArray[np.uint8], registration: Registration, placed: Placed) -> NDArray[np.uint8]:
    """Cut a field out of the blank, for comparison by `cut_blank_strip`: uint8 (H, W, 3)."""
    x0, y0, x1, y1 = placed.box
    return registration.flat(picture, (x0 - _MARGIN, y0 - _MARGIN, x1 + _MARGIN, y1 + _MARGIN), PER_MM)


def cut_blank_strip(
    picture: NDArray[np.uint8], registration: Registration, placed: Placed, blank: NDArray[np.uint8]
) -> Strip:
    """Cut a field out of a photo of an existing form, and remove the print that the blank, uint8 (H, W, 3), has."""
    x0, y0, x1, y1 = placed.box
    corner = x0 - _MARGIN, y0 - _MARGIN
    flat = registration.flat(picture, (*corner, x1 + _MARGIN, y1 + _MARGIN), PER_MM)
    cells = tuple(_in_pixels(cell, corner) for cell in placed.cells)
    blank_print, photo_print = (
        print_of(np.asarray(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), np.uint8)) for each in (blank, flat)
    )
    printed = blank_print > _PRINTED
    if not printed.any():
        return Strip(flat, flat, cells, corner, 0, 0)
    dx, dy = _print_offset(blank_print, photo_print)
    matrix = np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]])
    size = flat.shape[1], flat.shape[0]
    blank_print = np.asarray(cv2.warpAffine(blank_print, matrix, size), np.uint8)
    printed = blank_print > _PRINTED
    thick = cv2.dilate(photo_print, np.ones((3, 3), np.uint8))
    share = float((thick[printed] > _PRINTED // 2).mean()) if printed.any() else 0.0
    # Print is equally dark everywhere, but for the light: where it is far darker, a pen went over it.
    ratio = float(np.median(photo_print[printed].astype(np.float32) / np.maximum(blank_print[printed], 1)))
    pen = photo_print > _OVER * ratio * blank_print.astype(np.float32) + 25.0
    erased = (cv2.dilate(printed.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~pen
    cleaned = np.asarray(cv2.inpaint(flat, erased.astype(np.uint8), 3.0, cv2.INPAINT_TELEA), np.uint8)
    shifted_cells = tuple((x0 + dx, y0 + dy, x1 + dx, y1 + dy) for x0, y0, x1, y1 in cells)
    return Strip(cleaned, flat, shifted_cells, corner, 10, round(10 * share), float(np.median(photo_print[printed])))


def _print_offset(blank_print: NDArray[np.uint8], photo_print: NDArray[np.uint8]) -> tuple[float, float]:
    """Return by how many pixels the print is off its place: where the two look most alike."""
    reach = round(_REACH * PER_MM)
    # A pen must count no more than print.
    capped = np.minimum(photo_print, max(1.0, float(np.percentile(photo_print, 97)))).astype(np.float32)
    padded = cv2.copyMakeBorder(capped, reach, reach, reach, reach, cv2.BORDER_REFLECT)
    correlation = cv2.matchTemplate(padded, blank_print.astype(np.float32), cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(correlation)
    return (float(x - reach), float(y - reach)) if best > 0.2 else (0.0, 0.0)


def _free_line(flat: NDArray[np.uint8], cell: Rectangle, corner: tuple[float, float]) -> Strip:
    """Make the strip of a free line, whose rule is at its lower edge; segment by segment."""
    grey = np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY), np.uint8)
    horizontal = _darker_than_beside(grey, across=True)
    cleaned, lines_found, lines = flat.copy(), 0, 0
    x0, _, x1, y1 = cell
    edges = np.linspace(x0, x1, max(2, round((x1 - x0) / (20 * PER_MM)) + 1))
    for start, stop in itertools.pairwise(edges):
        columns = slice(round(float(start)), round(float(stop)))
        dy, count = _shift(horizontal.T, [y1], np.arange(columns.start, columns.stop))
        lines, lines_found = lines + 1, lines_found + count
        _erase_line(cleaned.transpose(1, 0, 2), horizontal.T, y1 + dy, columns)
    return Strip(cleaned, flat, (cell,), corner, lines, lines_found)
