"""A sheet being written on: its ink, layer by layer, and the ground truth of its digits."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.pages.glyphs import BODY, STEPS, ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.datasets.pages.glyphs import Glyph

    Box = tuple[float, float, float, float]  # x0, y0, x1, y1
    Matrix = tuple[float, float, float, float, float, float]  # a, b, e, c, d, f: x' = a x + b y + e, y' = c x + d y + f

__all__ = ["IGNORED", "NOT_A_DIGIT", "Drawing", "Hand"]

NOT_A_DIGIT, IGNORED = 10, -1
_VISIBLE, _HINTED = 0.78, 0.1  # visible shares of a digit's box: from here on it must, or may, be detected
_LEAST = 9.0  # pixels: the longest side of the smallest digit that must be detected

_DISTANCES = (np.arange(256, dtype=np.float32) - ZERO) / STEPS


@dataclass(frozen=True, slots=True)
class Hand:
    """A person's handwriting style.

    pen: stroke width of line glyphs in fractions of a digit's height; weight: growth of outlines, in the same unit
    slant: pixels to the right per pixel up
    jitter: standard deviation of rotation (radians), size and position (fractions of the height)
    edge: pixels over which ink fades out
    nib: width (to the right) and height (down) of a chisel tip, in fractions of a digit's height: its strokes are broad
        in one direction and narrow in the other; (0, 0): a round tip
    """

    pen: float
    weight: float
    slant: float
    jitter: float
    edge: float = 1.0
    nib: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class Drawing:
    """A square sheet of ``size`` pixels.

    page: (a, b, e), (c, d, f), sheet coordinates to pixels; bend: amplitude, frequency and phase of the lines' wave
    layers: of ink, uint8; boxes and labels: of all recorded signs; letters: boxes of all letters, recorded or not
    """

    size: int
    page: tuple[tuple[float, float, float], tuple[float, float, float]]
    bend: tuple[float, float, float]
    layers: list[NDArray[np.uint8]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    letters: list[Box] = field(default_factory=list)

    def layer(self) -> NDArray[np.uint8]:
        """Add an empty layer of ink, uint8 (size, size), 0 … 255, on top of the previous ones."""
        self.layers.append(np.zeros((self.size, self.size), np.uint8))
        return self.layers[-1]

    def write(
        self,
        ink: NDArray[np.uint8],
        glyph: Glyph,
        x: float,
        y: float,
        height: float,
        hand: Hand,
        rng: np.random.Generator,
        *,
        label: int | None = None,
        record: bool = True,
        letter: bool = False,
        stretch: float = 1.0,
    ) -> float:
        """Draw a glyph with the left end of its baseline at (x, y); return the advance to the next glyph.

        height: of a digit's longest side or of a font's capitals, in pixels. label: overrides the glyph's own
        """
        scale = height / BODY
        turn, grow, dx, dy = rng.normal(0.0, hand.jitter, 4).tolist() if hand.jitter else (0.0, 0.0, 0.0, 0.0)
        scale *= math.exp(grow * 0.7)
        cos, sin, wide = math.cos(turn * 0.8), math.sin(turn * 0.8), scale * stretch
        x, y = x + dx * 0.3 * height, y + dy * 0.4 * height
        (a, b, e), (c, d, f) = self.page
        # from the map to the page: the glyph's own rotation and slant, then the page's
        ga, gb, gc, gd = cos * wide, -sin * scale - hand.slant * scale, sin * wide, cos * scale
        ma, mb, mc, md = a * ga + b * gc, a * gb + b * gd, c * ga + d * gc, c * gb + d * gd
        px, py = a * x + b * y + e, c * x + d * y + f
        py += self.bend[0] * math.sin(self.bend[1] * px + self.bend[2])
        ox, oy = glyph.origin
        matrix = ma, mb, px - ma * ox - mb * oy, mc, md, py - mc * ox - md * oy
        size = math.sqrt(abs(ma * md - mb * mc))  # page pixels per pixel of the map
        half = max(0.5 * hand.pen * height, 0.45) if glyph.line else hand.weight * height
        nib = hand.nib[0] * height, hand.nib[1] * height
        self._ink(ink, glyph, matrix, size, half, hand.edge, nib)
        if record or letter:
            box = _extent(glyph, matrix, max(half, 0.0), nib)
            if record:
                self.mark(*box, glyph.label if label is None else label)
            if letter:
                self.letters.append(box)
        return glyph.advance * wide

    def _ink(
        self,
        ink: NDArray[np.uint8],
        glyph: Glyph,
        matrix: Matrix,
        size: float,
        half: float,
        edge: float,
        nib: tuple[float, float],
    ) -> None:
        a, b, e, c, d, f = matrix
        high, wide = glyph.field.shape
        x0 = max(math.floor(e + min(a * wide, 0) + min(b * high, 0)), 0)
        y0 = max(math.floor(f + min(c * wide, 0) + min(d * high, 0)), 0)
        x1 = min(math.ceil(e + max(a * wide, 0) + max(b * high, 0)) + 1, self.size)
        y1 = min(math.ceil(f + max(c * wide, 0) + max(d * high, 0)) + 1, self.size)
        if x1 <= x0 or y1 <= y0:
            return
        local = np.array(((a, b, e - x0), (c, d, f - y0)))
        warped = cv2.warpAffine(glyph.field, local, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        table = _DISTANCES * (255.0 * size / edge)
        table += 255.0 * (half / edge + 0.5)
        table[:4] = 0.0  # beyond the field's reach there is no ink, however broad the pen
        alpha = cv2.LUT(warped, np.minimum(np.maximum(table, 0.0), 255.0).astype(np.uint8))
        if max(abs(nib[0]), abs(nib[1])) >= 1.0:
            alpha = cv2.dilate(alpha, _tip(round(nib[0]), round(nib[1])))
        part = ink[y0:y1, x0:x1]
        np.maximum(part, alpha, out=part)

    def mark(self, x0: float, y0: float, x1: float, y1: float, label: int) -> None:
        """Record the box of a digit (0 … 9) or of something else (10); digits cut off or too small become IGNORED."""
        area = max((x1 - x0) * (y1 - y0), 1e-6)
        cx0, cy0, cx1, cy1 = max(x0, 0.0), max(y0, 0.0), min(x1, float(self.size)), min(y1, float(self.size))
        seen = max(cx1 - cx0, 0.0) * max(cy1 - cy0, 0.0) / area
        if seen <= _HINTED:
            return
        label = NOT_A_DIGIT if label < 0 else label
        if label != NOT_A_DIGIT and (seen < _VISIBLE or max(x1 - x0, y1 - y0) < _LEAST):
            label = IGNORED
        self.boxes.append((cx0, cy0, cx1, cy1))
        self.labels.append(label)

    def lines(
        self, ink: NDArray[np.uint8], strokes: Sequence[NDArray[np.float64]], width: float, strength: int = 255
    ) -> None:
        """Draw lines through points, float64 (P, 2) each, in sheet coordinates."""
        fixed = [np.rint(np.clip(self.placed(points), -2000, 4000) * 8).astype(np.int32) for points in strokes]
        thickness = max(1, round(width))
        level = strength if width >= 1 else int(strength * max(width, 0.25))
        cv2.polylines(ink, fixed, False, int(level), thickness, cv2.LINE_AA, 3)

    def placed(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points, (P, 2), from sheet coordinates to pixels of the page."""
        page = np.array(self.page)
        placed: NDArray[np.float64] = points @ page[:, :2].T + page[:, 2]
        placed[:, 1] += self.bend[0] * np.sin(self.bend[1] * placed[:, 0] + self.bend[2])
        return placed

    def through(self, x0: float, y0: float, x1: float, y1: float, steps: int = 6) -> NDArray[np.float64]:
        """Sample a straight line at several points, so that it bends with the page."""
        share = np.linspace(0.0, 1.0, steps)[:, None]
        return np.array([[x0, y0]]) * (1 - share) + np.array([[x1, y1]]) * share


@functools.lru_cache(maxsize=512)
def _tip(wide: int, high: int) -> NDArray[np.uint8]:
    """Return the shape of a chisel tip, a line from corner to corner: uint8 (|high| + 1, |wide| + 1)."""
    tip = np.zeros((abs(high) + 1, abs(wide) + 1), np.uint8)
    cv2.line(tip, (0, 0), (abs(wide), abs(high)), 1, 1)
    return np.ascontiguousarray(tip[::-1] if wide * high < 0 else tip)


def _extent(glyph: Glyph, matrix: Matrix, half: float, nib: tuple[float, float]) -> Box:
    """Compute the box of a glyph on the page, in pixels: that of its points, enlarged by half the pen's tip."""
    a, b, e, c, d, f = matrix
    x, y = glyph.points[:, 0], glyph.points[:, 1]
    xs, ys = a * x + b * y, c * x + d * y
    across, down = half + 0.3 + abs(nib[0]) / 2, half + 0.3 + abs(nib[1]) / 2
    return xs.min() + e - across, ys.min() + f - down, xs.max() + e + across, ys.max() + f + down
