"""Fill in a form as a person does: values, and their ink on the printed page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.examples.handwriting import BODY, stroke
from digitlab.sheets.form import DIGIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from digitlab.sheets.layout import Layout, Placed, Rectangle
    from digitlab.values import Digits

__all__ = ["Pen", "filled"]

_PENS = ((28, 28, 34), (30, 42, 120), (40, 70, 170), (20, 20, 24), (60, 60, 66))  # RGB of black and blue ink
_PENCIL = (118, 118, 122)
_GAP = 0.3  # gap between the digits of a free line, in digit heights


class Pen:
    """One writer's pen for a sheet: colour, size and slant are its own; digits are random ones of a dataset (MNIST)."""

    def __init__(self, digits: Digits, rng: np.random.Generator) -> None:
        self._rng = rng
        self._images = [digits.images[digits.labels == label] for label in range(10)]
        self.pencil = bool(rng.random() < 0.12)
        colour = np.array(_PENCIL if self.pencil else _PENS[rng.integers(len(_PENS))], np.float64)
        self.colour = np.clip(colour + rng.normal(0, 8, 3), 0, 255)
        self.size = float(rng.uniform(0.52, 0.74))  # fraction of a box's height
        self.slant = float(rng.normal(0, 0.06))
        self.care = float(rng.uniform(0.25, 1.0))  # how close to the middle of a box

    def digit(self, label: int, tall: float) -> NDArray[np.float32]:
        """Return the ink of a digit, float32 (h, w), whose longest side is about this many pixels."""
        images = self._images[label]
        image = images[int(self._rng.integers(len(images)))]
        lean = self.slant + self._rng.normal(0, 0.03)
        matrix = np.array([[1.0, -lean, lean * 14], [0.0, 1.0, 0.0]])
        leaned = cv2.warpAffine(image, matrix, (28, 28), flags=cv2.INTER_LINEAR)
        return stroke(np.asarray(leaned, np.uint8), tall / BODY * float(self._rng.uniform(0.92, 1.08)))

    def lay(self, page: NDArray[np.uint8], ink: NDArray[np.float32], x: float, y: float) -> None:
        """Put ink on the page, centred at (x, y) in pixels."""
        left, top = round(x - ink.shape[1] / 2), round(y - ink.shape[0] / 2)
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(page.shape[1], left + ink.shape[1]), min(page.shape[0], top + ink.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        cover = ink[y0 - top : y1 - top, x0 - left : x1 - left, None] * float(self._rng.uniform(0.88, 1.0))
        if self.pencil:
            grain = self._rng.normal(0.0, 0.16, cover.shape)
            cover = np.clip(cover * (0.9 + grain), 0.0, 1.0)
        part = page[y0:y1, x0:x1].astype(np.float64)
        page[y0:y1, x0:x1] = np.clip(np.minimum(part, part + (self.colour - part) * cover), 0, 255).astype(np.uint8)


def filled(
    page: NDArray[np.uint8], layout: Layout, values: Mapping[str, str], digits: Digits, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return the printed page with these values written on it, uint8 (H, W, 3).

    page: uint8 (H, W, 3), from edge to edge; values: by field name; for "" the field is left empty
    """
    page, pen = page.copy(), Pen(digits, rng)
    per_mm = page.shape[1] / layout.size[0]
    for placed in layout.placed:
        value = values[placed.field.name]
        if not value:
            continue
        if placed.field.kind == "boxes":
            _in_boxes(page, placed, value, pen, per_mm, rng)
        elif placed.field.kind == "line":
            _on_line(page, placed.cells[0], value, pen, per_mm, rng)
        else:
            names: Sequence[str] = placed.field.choices or ("yes",)
            if value in names:
                _tick(page, placed.cells[names.index(value)], pen, per_mm, rng)
    return page


def _in_boxes(
    page: NDArray[np.uint8], placed: Placed, value: str, pen: Pen, per_mm: float, rng: np.random.Generator
) -> None:
    digits = [sign for sign in value if sign.isdigit()]
    boxes = placed.field.pattern.count(DIGIT)
    free = boxes - len(digits)
    first = 0 if not free or rng.random() < 0.5 else free  # left-aligned, or right-aligned as in sums
    for number, sign in enumerate(digits):
        x0, y0, x1, y1 = placed.cells[first + number]
        tall = pen.size * (y1 - y0) * per_mm
        ink = pen.digit(int(sign), tall)
        most = 0.96 * (x1 - x0) * per_mm
        if ink.shape[1] > most:
            ink = np.asarray(cv2.resize(ink, (round(most), ink.shape[0]), interpolation=cv2.INTER_AREA), np.float32)
        off = rng.normal(0, 0.42 * (1.15 - pen.care), 2)
        x, y = (x0 + x1) / 2 + off[0], (y0 + y1) / 2 + off[1]
        pen.lay(page, ink, x * per_mm, y * per_mm)


def _on_line(
    page: NDArray[np.uint8], cell: Rectangle, value: str, pen: Pen, per_mm: float, rng: np.random.Generator
) -> None:
    x0, y0, x1, y1 = cell
    tall = min(0.62 * (y1 - y0), 0.9 * (x1 - x0) / len(value)) * per_mm
    x, base = (x0 + 2.0) * per_mm, (y1 - 1.0) * per_mm
    for sign in value:
        ink = pen.digit(int(sign), tall)
        pen.lay(page, ink, x + ink.shape[1] / 2, base - tall / 2 + rng.normal(0, 0.04 * tall))
        x += ink.shape[1] + _GAP * tall * rng.uniform(0.7, 1.2)


def _tick(page: NDArray[np.uint8], cell: Rectangle, pen: Pen, per_mm: float, rng: np.random.Generator) -> None:
    """Draw a cross, a hook, or a scribble."""
    side = (cell[2] - cell[0]) * per_mm
    reach = round(0.9 * side)
    ink = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    kind = rng.random()
    if kind < 0.55:
        strokes = [[(-0.4, -0.4), (0.4, 0.4)], [(0.4, -0.4), (-0.4, 0.4)]]
    elif kind < 0.9:
        strokes = [[(-0.35, 0.0), (-0.1, 0.35), (0.55, -0.5)]]
    else:
        strokes = [[(math.cos(n) * 0.3 * (n % 3) / 2, math.sin(n) * 0.3) for n in range(12)]]
    for points in strokes:
        moved = np.array(points) * side * rng.uniform(0.85, 1.1) + rng.normal(0, 0.05 * side, (len(points), 2)) + reach
        cv2.polylines(ink, [np.rint(moved * 8).astype(np.int32)], False, 255, max(1, round(0.5 * per_mm)), 16, 3)
    off = rng.normal(0, 0.08 * side, 2)
    x, y = (cell[0] + cell[2]) / 2 * per_mm + off[0], (cell[1] + cell[3]) / 2 * per_mm + off[1]
    pen.lay(page, np.asarray(ink / 255.0, np.float32), x, y)
