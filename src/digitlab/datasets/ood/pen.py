"""Draw strokes on a canvas, and scale the canvas to an image placed as in MNIST."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Points = NDArray[np.float64]  # (P, 2), x to the right, y down
    Canvas = NDArray[np.uint8]

__all__ = ["CANVAS", "as_mnist", "blank", "draw_lines", "placed", "shaken"]

CANVAS = 96  # pixels; a little more than three per pixel of the image
_MARGIN = 12
_LONGEST = 20  # pixels of the image: the longest side of the drawing, as in MNIST
_FIXED = 4  # fractional bits of OpenCV's coordinates


def blank() -> Canvas:
    """Create an empty canvas, uint8 (96, 96)."""
    return np.zeros((CANVAS, CANVAS), np.uint8)


def shaken(strokes: Sequence[Points], rng: np.random.Generator) -> list[Points]:
    """Add handwriting variation to strokes: move points; rotate, slant and scale the whole."""
    turn, slant = rng.normal(0, 0.12), rng.normal(0, 0.15)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ np.array([[1, 0], [slant, 1]])
    matrix *= np.exp(rng.normal(0, 0.15, 2))
    bend = rng.normal(0, 0.08, (2, 2, 2))  # a smooth displacement: neighbouring points move together
    shaky = []
    for points in strokes:
        waves = np.sin(2.5 * points @ bend[0] * 12 + rng.normal(0, 0.3, 2)) * 0.035
        shaky.append((points + waves + rng.normal(0, 0.012, points.shape)) @ matrix)
    return shaky


def placed(strokes: Sequence[Points]) -> list[Points]:
    """Convert strokes to pixels of the canvas, so that they fill it except for a margin."""
    together = np.concatenate(strokes)
    low, high = together.min(axis=0), together.max(axis=0)
    scale = (CANVAS - 2 * _MARGIN) / max(float((high - low).max()), 1e-6)
    return [(points - (low + high) / 2) * scale + (CANVAS - 1) / 2 for points in strokes]


def draw_lines(canvas: Canvas, strokes: Sequence[Points], rng: np.random.Generator, width: float | None = None) -> None:
    """Draw a symbol's lines, all of one width: 3 to 13 pixels of the canvas (0.8 to 3.6 of the image) by default."""
    width = float(rng.uniform(3, 13)) if width is None else width
    for points in strokes:
        fixed = np.asarray(np.rint(points * 2**_FIXED), np.int32)
        cv2.polylines(canvas, [fixed], False, 255, max(1, round(width)), cv2.LINE_AA, _FIXED)


def as_mnist(canvas: Canvas) -> NDArray[np.uint8]:
    """Place the drawing as in MNIST, longest side 20 pixels, centre of mass in the middle: uint8 (28, 28).

    All 0 if the canvas is empty.
    """
    rows, columns = np.flatnonzero(canvas.max(axis=1) > 40), np.flatnonzero(canvas.max(axis=0) > 40)
    image = np.zeros((28, 28), np.uint8)
    if not len(rows):
        return image
    ink = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = _LONGEST / max(ink.shape)
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    moments = cv2.moments(small)
    mass = max(moments["m00"], 1e-6)
    left = int(np.clip(round(14 - moments["m10"] / mass - 0.5), 0, 28 - size[0]))
    top = int(np.clip(round(14 - moments["m01"] / mass - 0.5), 0, 28 - size[1]))
    image[top : top + size[1], left : left + size[0]] = small
    return image
