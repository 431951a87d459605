"""Extract what is written in each cell of a strip, judged by itself: weak pencil beside bold pen is not empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.reading.components import with_soft_edges
from digitlab.reading.ink import INK, ink_scale, ink_strength
from digitlab.sheets.strips import PER_MM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.sheets.layout import Rectangle
    from digitlab.sheets.strips import Strip

__all__ = ["Written", "filled_share", "is_sign", "marks_on", "sign_of", "strength_of", "written_in"]

_WINDOW = 4.0  # mm: wider than any stroke, narrower than a shadow's edge
_AROUND = 1.1  # mm around a box, into which its digit may reach
_OWN = 0.5  # of a stroke's area: the least part inside the box that it belongs to
_PART = 0.05  # of the largest stroke's area: less is a speck beside it
_SPECK = 0.9  # mm: ink with a shorter longest side is dirt
_INSET = 0.45  # mm inside a box's edge: beyond its printed lines, …
_HALO = 0.8  # … and beyond what is left of them in a blurred photo
_BEYOND = 0.8  # mm beyond a free line, into which its digits may reach
_LOW = 0.45  # of the tallest digit of a line: shorter marks are points, commas and dashes
_DASH = 1.2  # mm: greatest height of a dash
_POINT = 0.35  # mm: least size (longest side) of a point or comma
_ABOVE = 0.5  # of the narrower stroke's width: overlap from which two strokes are one above the other
_THIN = 0.7  # mm: thickness of what may be the remainder of a line, …
_REMAINDER = 0.9  # … if it has at most this share of the line's darkness


@dataclass(frozen=True, slots=True)
class Written:
    """The ink of one cell. ink: float32 (h, w), 0 … 1, cropped to it; box: in pixels of the strip."""

    ink: NDArray[np.float32]
    box: Rectangle


def strength_of(strips: Sequence[Strip]) -> list[NDArray[np.uint8]]:
    """Return how far each pixel of each strip is from its paper, uint8 (H, W).

    All of them are processed on one sheet: the cost per picture is higher than the cost per pixel.
    """
    widest = max(strip.picture.shape[1] for strip in strips)
    rows: list[list[int]] = []
    remaining = 0
    for index in sorted(range(len(strips)), key=lambda each: -strips[each].picture.shape[0]):
        width = strips[index].picture.shape[1]
        if width > remaining:
            rows.append([])
            remaining = widest
        rows[-1].append(index)
        remaining -= width
    heights = [strips[row[0]].picture.shape[0] for row in rows]
    sheet = np.full((sum(heights), widest, 3), 255, np.uint8)
    slices: dict[int, tuple[slice, slice]] = {}
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for index in row:
            strip_height, width = strips[index].picture.shape[:2]
            slices[index] = slice(top, top + strip_height), slice(left, left + width)
            sheet[slices[index]] = strips[index].picture
            left += width
        sheet[top : top + height, left:] = np.median(sheet[top : top + height, :left], axis=(0, 1))
        top += height
    strength = ink_strength(sheet, round(_WINDOW * PER_MM), page=True, light=False)
    return [np.ascontiguousarray(strength[slices[index]]) for index in range(len(strips))]


def written_in(strength: NDArray[np.uint8], cell: Rectangle, level: float = 0.0) -> Written | None:
    """Extract what is written in a cell; None if it is empty, except for specks.

    strength: uint8 (H, W) of the strip; level: how dark its printed lines were
    """
    inside = _part(strength, cell, -_HALO)
    scale = ink_scale(np.ascontiguousarray(strength[inside])) if strength[inside].size else None
    if scale is None:
        return None
    rows, columns = _part(strength, cell, _AROUND)
    ink = np.asarray(cv2.LUT(np.ascontiguousarray(strength[rows, columns]), scale), np.float32)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats((ink >= INK).astype(np.uint8), connectivity=8)
    x0, y0, x1, y1 = (round(side) for side in cell)
    labels_inside = labels[max(0, y0 - rows.start) : y1 - rows.start, max(0, x0 - columns.start) : x1 - columns.start]
    counts = np.bincount(labels_inside.ravel(), minlength=len(statistics))
    area = statistics[:, cv2.CC_STAT_AREA]
    keep = (counts >= _OWN * area) & (area >= 4)
    keep[0] = False
    values = strength[rows, columns]
    local_cell = x0 - columns.start, y0 - rows.start, x1 - columns.start, y1 - rows.start
    for part in np.flatnonzero(keep).tolist():
        if _is_line_remainder(statistics[part], local_cell):
            keep[part] = float(np.percentile(values[labels == part], 75)) > _REMAINDER * level
    if not keep.any():
        return None
    keep &= area >= _PART * area[keep].max()
    written = _cut(ink, keep[labels], columns.start, rows.start)
    return None if max(written.ink.shape) < _SPECK * PER_MM else written


def _is_line_remainder(part: NDArray[np.int32], cell: tuple[int, int, int, int]) -> bool:
    """Return whether a stroke is thin and lies along a side of the cell, as the remainder of its line does."""
    left, top, width, height, _ = part.tolist()
    x0, y0, x1, y1 = cell
    thin, near = _THIN * PER_MM, 2 * _HALO * PER_MM
    vertical = width <= thin and (left + width <= x0 + near or left >= x1 - near)
    horizontal = height <= thin and (top + height <= y0 + near or top >= y1 - near)
    return bool(vertical or horizontal)


def filled_share(strength: NDArray[np.uint8], cell: Rectangle, level: float = 0.0) -> float:
    """Return the size, in mm of the longest side, of the ink in a tick box; 0 if it is empty.

    level: how dark its printed lines were, of which remainders may be left
    """
    rows, columns = _part(strength, cell, -_INSET)
    inside = np.ascontiguousarray(strength[rows, columns])
    scale = ink_scale(inside) if inside.size else None
    if scale is None:
        return 0.0
    solid = (np.asarray(cv2.LUT(inside, scale)) >= INK).astype(np.uint8)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    longest = 0
    x0, y0, x1, y1 = (round(side) for side in cell)
    local_cell = x0 - columns.start, y0 - rows.start, x1 - columns.start, y1 - rows.start
    for part in range(1, len(statistics)):
        remainder = _is_line_remainder(statistics[part], local_cell)
        if not remainder or float(np.percentile(inside[labels == part], 75)) > _REMAINDER * level:
            longest = max(longest, *statistics[part, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].tolist())
    return longest / PER_MM


def marks_on(strength: NDArray[np.uint8], cell: Rectangle, level: float = 0.0) -> list[Written]:
    """Extract the marks on a free line, from left to right: strokes above each other are one mark.

    strength: uint8 (H, W) of the strip; level: how dark its rule was
    """
    rows, columns = _part(strength, cell, _BEYOND)
    values = np.ascontiguousarray(strength[rows, columns])
    scale = ink_scale(values)
    if scale is None:
        return []
    ink = np.asarray(cv2.LUT(values, scale), np.float32)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats((ink >= INK).astype(np.uint8), connectivity=8)
    baseline = round(cell[3]) - rows.start
    groups: list[list[int]] = []
    ends: list[tuple[int, int]] = []
    for part in sorted(range(1, len(statistics)), key=lambda each: int(statistics[each, 0])):
        left, top, width, height, area = statistics[part].tolist()
        rule_shaped = height <= _THIN * PER_MM and abs(top + height / 2 - baseline) <= _HALO * PER_MM
        faint = float(np.percentile(values[labels == part], 75)) <= _REMAINDER * level
        dirt = area < 4 or max(width, height) < _POINT * PER_MM
        if dirt or (rule_shaped and faint) or top + height <= 0.1 * baseline:
            continue
        overlap = min(ends[-1][1], left + width) - max(ends[-1][0], left) if ends else 0
        if overlap > _ABOVE * min(width, ends[-1][1] - ends[-1][0] if ends else width):
            groups[-1].append(part)
            ends[-1] = min(ends[-1][0], left), max(ends[-1][1], left + width)
        else:
            groups.append([part])
            ends.append((left, left + width))
    return [_cut(ink, np.isin(labels, group), columns.start, rows.start) for group in groups]


def is_sign(mark: Written, row: Sequence[Written | None]) -> bool:
    """Return whether a mark is far shorter than the digits beside it (point, comma, dash); alone in a row, none is."""
    tallest = max(each.ink.shape[0] for each in row if each is not None)
    short = mark.ink.shape[0] < _LOW * tallest
    return bool(short and (max(mark.ink.shape) < _LOW * tallest or mark.ink.shape[0] < _DASH * PER_MM))


def sign_of(mark: Written, row: Sequence[Written | None], baseline: float) -> str:
    """Classify a short mark by its shape and its height above the line; "" for a digit. baseline: the line's place."""
    if not is_sign(mark, row):
        return ""
    digits = [each for each in row if each is not None and not is_sign(each, row)]
    top, bottom = min(each.box[1] for each in digits), max(each.box[3] for each in digits)
    middle = (mark.box[1] + mark.box[3]) / 2
    height, width = mark.ink.shape
    if width >= 2 * height and middle < top + 0.75 * (bottom - top):
        return "-"
    if middle < top + 0.6 * (bottom - top) or mark.box[1] > baseline + PER_MM:
        return "?"
    return "." if height <= 1.5 * width else ","


def _cut(ink: NDArray[np.float32], mask: NDArray[np.bool_], x: int, y: int) -> Written:
    """Cut out the ink of some strokes with their soft edges; x, y: where the part lies in the strip."""
    cropped, left, top = with_soft_edges(ink, mask)
    x0, y0 = float(x + left), float(y + top)
    return Written(cropped, (x0, y0, x0 + cropped.shape[1], y0 + cropped.shape[0]))


def _part(strength: NDArray[np.uint8], cell: Rectangle, margin: float) -> tuple[slice, slice]:
    """Return the rows and columns of a cell with this many mm more on each side."""
    margin *= PER_MM
    x0, y0, x1, y1 = cell
    top, bottom = max(0, round(y0 - margin)), min(strength.shape[0], round(y1 + margin))
    left, right = max(0, round(x0 - margin)), min(strength.shape[1], round(x1 + margin))
    return slice(top, max(top, bottom)), slice(left, max(left, right))
