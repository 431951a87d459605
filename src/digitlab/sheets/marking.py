"""Mark an existing form: find its boxes on a scan of the empty one, and write a TOML file to be edited."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import DigitlabError, RecipeError, StorageError, UsageError
from digitlab.reading.images import load_reduced
from digitlab.sheets.features import Blank
from digitlab.sheets.form_file import read_form
from digitlab.sheets.marked_fields import quoted
from digitlab.storage import saying_what_failed, write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Row", "find_rows", "mark_blank", "numbered", "write_marked"]

_WIDTH = 1654  # pixels: width at which boxes are searched for: 200 dpi for A4
_BOX = (3.2, 14.0)  # mm: the least and the largest side of a box
_FILLED = 0.86  # share of the bounding box that a box's outline fills: it is a rectangle
_ALIKE = 0.25  # of its size: how much neighbours may differ
_GAP = 0.45  # of its width: greatest gap between neighbours
_EVEN = 0.5  # mm: how much gaps may differ for a row to be divided evenly
_SQUARE, _TICK = 1.2, 6.5  # aspect ratio, and mm: a lone box below both is a tick box

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """Boxes side by side, in pixels of the picture: left, top, width, height. tick: a single small square.

    at: of each box if the gaps between them differ, as for dates; else of all together
    """

    at: tuple[Box, ...]
    boxes: int
    tick: bool


def find_rows(picture: NDArray[np.uint8], width: float) -> list[Row]:
    """Find rows of boxes, in reading order. picture: uint8 (H, W, 3) RGB; width: of its paper in mm."""
    scale = picture.shape[1] / _WIDTH
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    interpolation = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    small = cv2.resize(grey, (_WIDTH, round(picture.shape[0] / scale)), interpolation=interpolation)
    solid = cv2.adaptiveThreshold(small, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 12)
    solid = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    outlines, hierarchy = cv2.findContours(solid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    per_mm = _WIDTH / width
    boxes = []
    for outline, (_, _, _, parent) in zip(outlines, hierarchy[0] if hierarchy is not None else [], strict=False):
        x, y, wide, high = cv2.boundingRect(outline)
        if parent < 0 or not all(_BOX[0] * per_mm <= side <= _BOX[1] * per_mm for side in (wide, high)):
            continue
        if cv2.contourArea(outline) >= _FILLED * wide * high and high < 2.2 * wide and wide < 2.2 * high:
            boxes.append((x, y, wide, high))
    return [_inside(_scaled(row, scale, per_mm), picture.shape[1], picture.shape[0]) for row in _in_rows(boxes)]


def _in_rows(boxes: list[tuple[int, int, int, int]]) -> list[list[tuple[int, int, int, int]]]:
    """Group neighbours of the same size into rows, in reading order."""
    rows: list[list[tuple[int, int, int, int]]] = []
    for box in sorted(boxes):
        x, y, wide, high = box
        for row in rows:
            left, top, w, h = row[-1]
            near = 0 < x - (left + w) + 0.2 * w <= (_GAP + 0.2) * w and abs(y - top) <= _ALIKE * h
            if near and abs(wide - w) <= _ALIKE * w and abs(high - h) <= _ALIKE * h:
                row.append(box)
                break
        else:
            rows.append([box])
    band = max(1.0, float(np.median([high for *_, high in boxes]))) if boxes else 1.0
    return sorted(rows, key=lambda row: (round(row[0][1] / band), row[0][0]))


def _scaled(row: list[tuple[int, int, int, int]], scale: float, per_mm: float) -> Row:
    """Extend a row to its lines: what was found are the insides of the boxes, the lines lie around them."""
    gaps = [two[0] - one[0] - one[2] for one, two in itertools.pairwise(row)]
    half = min(gaps) / 2 if gaps else 0.06 * row[0][2]
    top, bottom = min(y for _, y, _, _ in row), max(y + high for _, y, _, high in row)
    over = min(half, 0.1 * (bottom - top))
    above, height = (top - over) * scale, (bottom - top + 2 * over) * scale
    cells = tuple(((x - half) * scale, above, (wide + 2 * half) * scale, height) for x, _, wide, _ in row)
    if not gaps or max(gaps) - min(gaps) <= _EVEN * per_mm:
        left, right = cells[0][0], cells[-1][0] + cells[-1][2]
        cells = ((left, above, right - left, height),)
    _, _, wide, high = row[0]
    square = max(wide, high) <= _SQUARE * min(wide, high) and wide <= _TICK * per_mm
    return Row(cells, len(row), len(row) == 1 and square)


def _inside(row: Row, width: int, height: int) -> Row:
    """Cut off what lies beyond a picture of this size: the lines of a box at its edge may."""
    at = []
    for x, y, w, h in row.at:
        left, top = max(0.0, x), max(0.0, y)
        # A bit less, as files have one decimal.
        at.append((left, top, min(x + w, width - 0.2) - left, min(y + h, height - 0.2) - top))
    return Row(tuple(at), row.boxes, row.tick)


def mark_blank(blank: Path, out: Path, width: float) -> list[Row]:
    """Write the form's file with every row of boxes as a field, and check that photos can be matched to the blank.

    width: mm of the paper

    Raises:
        ImageError: when the blank cannot be opened. UsageError: when no box is found.
        RecipeError: when there is too little print for it to be found in photos.
    """
    picture, _ = load_reduced(blank, None)
    rows = find_rows(picture, width)
    if not rows:
        raise UsageError(
            f"{blank}: no boxes were found; expected a scan of the empty form, upright, with boxes of {_BOX[0]:g} to "
            f"{_BOX[1]:g} mm on paper {width:g} mm wide (--width)"
        )
    text = "".join((_head(blank, out, picture, width), *(_field(number, row) for number, row in enumerate(rows, 1))))
    write_marked(out, text)
    return rows


def write_marked(out: Path, text: str) -> None:
    """Write a form's file if it is valid and photos can be matched to its blank; if not, what is there stays.

    Raises:
        RecipeError: when it is not, with the line and key in the file. StorageError: when it cannot be written.
    """
    temporary = out.with_name(f".{out.stem}.tried.toml")  # in the same folder: relative paths to lists and the blank
    try:
        write_text(temporary, text)
        Blank(read_form(temporary))
    except DigitlabError as error:
        kind = StorageError if isinstance(error, StorageError) else RecipeError
        raise kind(str(error).replace(str(temporary), str(out))) from error
    finally:
        with saying_what_failed(out):
            temporary.unlink(missing_ok=True)
    write_text(out, text)


def _head(blank: Path, out: Path, picture: NDArray[np.uint8], width: float) -> str:
    relative = Path(os.path.relpath(blank.resolve(), out.resolve().parent)).as_posix()
    size = f"{picture.shape[1]} x {picture.shape[0]}"
    return f"""\
# A form that exists already. Each [[field]] is a row of boxes that was found on the blank; the picture beside this file
# has their names in it. Rename them, delete what is not a field, add what is missing.
#
#   at = [left, top, width, height] in pixels of the blank ({size}), of the whole row, or a list: of each box
#   boxes = 7, or pattern = "##.##.####", or tick = true, or choices = ["a", "b"] for boxes side by side, or line = 40
#   label, full, among, one_to_one, check: as in `digitlab sheet example`

[form]
title = {quoted(out.stem)}
blank = {quoted(relative)}
width = {width:g}                # mm of the paper
"""


def _field(number: int, row: Row) -> str:
    kind = "tick = true" if row.tick else f"boxes = {row.boxes}"
    places = [f"[{', '.join(f'{side:.1f}' for side in each)}]" for each in row.at]
    at = places[0] if len(places) == 1 else "[\n" + "".join(f"  {each},\n" for each in places) + "]"
    return f'\n[[field]]\nname = "field{number}"\n{kind}\nat = {at}\n'


def numbered(blank: Path, rows: list[Row]) -> NDArray[np.uint8]:
    """Draw the blank with each row in a frame and its name, uint8 (H, W, 3) RGB, at most 1,654 pixels wide."""
    picture, _ = load_reduced(blank, None)
    scale = min(1.0, _WIDTH / picture.shape[1])
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    shown = np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    for number, row in enumerate(rows, 1):
        colour = (0, 110, 60) if row.tick else (200, 30, 30)
        for box in row.at:
            left, top, width, height = (round(side * scale) for side in box)
            cv2.rectangle(shown, (left, top), (left + width, top + height), colour, 2)
        left, top = round(row.at[0][0] * scale), round(row.at[0][1] * scale)
        cv2.putText(shown, f"field{number}", (left, top - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, 2, cv2.LINE_AA)
    return np.asarray(shown, np.uint8)
