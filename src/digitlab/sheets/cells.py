"""What is written in each cell of a strip, judged by itself: a weak pencil beside a bold pen is not an empty box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.reading.components import FAINT
from digitlab.reading.ink import INK, ink_scale, ink_strength
from digitlab.sheets.strips import PER_MM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.sheets.layout import Rectangle
    from digitlab.sheets.strips import Strip

__all__ = ["Written", "filled_share", "strength_of", "written_in"]

_WINDOW = 4.0  # mm: wider than any stroke, narrower than a shadow's edge
_AROUND = 1.1  # mm around a box, into which its digit may reach
_OWN = 0.5  # of a stroke's area: the least that lies in the box of which it is
_PART = 0.05  # of the largest stroke's area: less is a speck beside it
_SPECK = 0.9  # mm: the longest side of what is dirt
_INSET = 0.45  # mm within a box: its printed lines are beyond


@dataclass(frozen=True, slots=True)
class Written:
    """The ink of one cell. ink: float32 (h, w), 0 … 1, cropped to it; box: in pixels of the strip."""

    ink: NDArray[np.float32]
    box: Rectangle


def strength_of(strips: Sequence[Strip]) -> list[NDArray[np.uint8]]:
    """How far each pixel of each strip is from its paper, uint8 (H, W).

    All of them on one sheet: what is done once a picture takes longer than what is done once a pixel.
    """
    widest = max(strip.picture.shape[1] for strip in strips)
    rows: list[list[int]] = []
    free = 0
    for number in sorted(range(len(strips)), key=lambda each: -strips[each].picture.shape[0]):
        wide = strips[number].picture.shape[1]
        if wide > free:
            rows.append([])
            free = widest
        rows[-1].append(number)
        free -= wide
    heights = [strips[row[0]].picture.shape[0] for row in rows]
    sheet = np.full((sum(heights), widest, 3), 255, np.uint8)
    places: dict[int, tuple[slice, slice]] = {}
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for number in row:
            high, wide = strips[number].picture.shape[:2]
            places[number] = slice(top, top + high), slice(left, left + wide)
            sheet[places[number]] = strips[number].picture
            left += wide
        sheet[top : top + height, left:] = np.median(sheet[top : top + height, :left], axis=(0, 1))
        top += height
    strength = ink_strength(sheet, round(_WINDOW * PER_MM), page=True, light=False)
    return [np.ascontiguousarray(strength[places[number]]) for number in range(len(strips))]


def written_in(strength: NDArray[np.uint8], cell: Rectangle) -> Written | None:
    """What is written in a cell; None where it is empty, but for specks.

    strength: uint8 (H, W) of the strip
    """
    inside = _part(strength, cell, -_INSET)
    scale = ink_scale(np.ascontiguousarray(strength[inside])) if strength[inside].size else None
    if scale is None:
        return None
    rows, columns = _part(strength, cell, _AROUND)
    ink = np.asarray(cv2.LUT(np.ascontiguousarray(strength[rows, columns]), scale), np.float32)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats((ink >= INK).astype(np.uint8), connectivity=8)
    x0, y0, x1, y1 = (round(side) for side in cell)
    within = labels[max(0, y0 - rows.start) : y1 - rows.start, max(0, x0 - columns.start) : x1 - columns.start]
    counted = np.bincount(within.ravel(), minlength=len(statistics))
    area = statistics[:, cv2.CC_STAT_AREA]
    mine = (counted >= _OWN * area) & (area >= 4)
    mine[0] = False
    if not mine.any():
        return None
    mine &= area >= _PART * area[mine].max()
    soft = ink * cv2.dilate(mine[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
    down, along = np.flatnonzero(soft.max(axis=1) >= FAINT), np.flatnonzero(soft.max(axis=0) >= FAINT)
    tight = soft[down[0] : down[-1] + 1, along[0] : along[-1] + 1]
    if max(tight.shape) < _SPECK * PER_MM:
        return None
    left, top = columns.start + int(along[0]), rows.start + int(down[0])
    box = float(left), float(top), float(left + tight.shape[1]), float(top + tight.shape[0])
    return Written(np.asarray(tight, np.float32), box)


def filled_share(strength: NDArray[np.uint8], cell: Rectangle) -> tuple[float, float]:
    """Of a box to be ticked: the share of it that is ink, and mm of the ink's longest side; zeros where it is empty."""
    rows, columns = _part(strength, cell, -_INSET)
    inside = np.ascontiguousarray(strength[rows, columns])
    scale = ink_scale(inside) if inside.size else None
    if scale is None:
        return 0.0, 0.0
    solid = (np.asarray(cv2.LUT(inside, scale)) >= INK).astype(np.uint8)
    _, _, statistics, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if len(statistics) < 2:
        return 0.0, 0.0
    largest = statistics[1:][statistics[1:, cv2.CC_STAT_AREA].argmax()]
    longest = max(int(largest[cv2.CC_STAT_WIDTH]), int(largest[cv2.CC_STAT_HEIGHT])) / PER_MM
    return float(solid.mean()), longest


def _part(strength: NDArray[np.uint8], cell: Rectangle, more: float) -> tuple[slice, slice]:
    """Rows and columns of a cell with so many mm more on each side."""
    more *= PER_MM
    x0, y0, x1, y1 = cell
    top, bottom = max(0, round(y0 - more)), min(strength.shape[0], round(y1 + more))
    left, right = max(0, round(x0 - more)), min(strength.shape[1], round(x1 + more))
    return slice(top, max(top, bottom)), slice(left, max(left, right))
