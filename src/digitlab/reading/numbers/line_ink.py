"""The ink of one line of digits: its connected components, and those not part of a digit, measured in digit heights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.reading.components import connected
from digitlab.reading.ink import INK, halved_to, ink_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.components import Labels

    Sides = tuple[float, float, float, float]

__all__ = ["LineInk", "Speck", "line_ink"]

_HEIGHT = 32  # pixels: height of a digit to which larger ones are reduced
_LEAST_HEIGHT = 10.0  # pixels: height of a digit below which a point looks like a speck
_BESIDE, _ABOVE = 0.9, 0.35  # digit heights around a line of digits in which ink is examined
_OWN = 0.45  # of a component's area: least part in a digit's box for it to be the digit's
_SMALL, _SIDE = 0.3, 0.12  # digit heights: size of a possible sign in a leaning digit's box; distance to its side
_DARK = 0.75  # the least mean ink of a component: that of the digits is 1
_FURTHEST = 1.1  # digit heights: largest distance to the adjacent digits
_MOST = 400  # components of a line; more are noise


@dataclass(frozen=True, slots=True)
class Speck:
    """A component that is not part of a digit, in heights of the adjacent digits.

    part: its label; box: in pixels of the ink; gap: how many digits stand before it
    wide, high: its size; low: height of its lower end above the baseline; left: position of its left end
    lean: slope of its centre line, to the right for one up; thin: its mean width per row
    """

    part: int
    box: tuple[int, int, int, int]
    gap: int
    wide: float
    high: float
    low: float
    left: float
    lean: float
    thin: float


@dataclass(frozen=True, slots=True)
class LineInk:
    """The ink of a line, float32 (H, W), 0 … 1, and its components' labels.

    line: boxes of its digits in pixels of the ink, from left to right; pen: their stroke width, in digit heights
    corner, scale: where the ink lies in the picture, and its pixels per pixel of the picture
    boxes: of the components, by label; specks: the components not part of a digit, from left to right
    """

    ink: NDArray[np.float32]
    labels: Labels
    line: tuple[Sides, ...]
    pen: float
    corner: tuple[int, int]
    scale: float
    boxes: tuple[tuple[int, int, int, int], ...]
    specks: tuple[Speck, ...]

    def placed(self, box: Sides) -> Sides:
        """Convert a box of the ink to pixels of the picture."""
        (left, top), scale = self.corner, self.scale
        x0, y0, x1, y1 = box
        return x0 / scale + left, y0 / scale + top, x1 / scale + left, y1 / scale + top

    def digit(self, index: int) -> Speck | None:
        """Measure the main component of a digit that has others on both sides, as if it were none; else None."""
        x0, y0, x1, y1 = (max(0, round(side)) for side in self.line[index])
        counts = np.bincount(self.labels[y0:y1, x0:x1].ravel())
        if len(counts) < 2 or not 0 < index < len(self.line) - 1:
            return None
        part = int(counts[1:].argmax()) + 1
        neighbours = [self.line[index - 1], self.line[index + 1]]
        return _measured(self.ink, self.labels, part, self.boxes[part], neighbours, index)


def line_ink(picture: NDArray[np.uint8], line: Sequence[Sides]) -> LineInk | None:
    """Extract the ink of a line; None if there is none, or its digits are too small.

    picture: uint8 (H, W, 3) RGB, in which the line is upright; line: boxes of its digits in pixels, from left to right
    """
    digit_height = float(np.median([y1 - y0 for _, y0, _, y1 in line])) if line else 0.0
    if digit_height < _LEAST_HEIGHT:
        return None
    height, width = picture.shape[:2]
    left = max(0, math.floor(min(box[0] for box in line) - _BESIDE * digit_height))
    right = min(width, math.ceil(max(box[2] for box in line) + _BESIDE * digit_height))
    top = max(0, math.floor(min(box[1] for box in line) - _ABOVE * digit_height))
    bottom = min(height, math.ceil(max(box[3] for box in line) + _ABOVE * digit_height))
    longest = max(right - left, bottom - top)
    side = max(1, round(longest * min(1.0, _HEIGHT / digit_height)))
    scale = side / longest
    part = np.ascontiguousarray(halved_to(picture[top:bottom, left:right], side))
    ink = ink_map(part, max(3, round(0.6 * digit_height * scale)))
    if ink is None:
        return None
    boxes = tuple(
        ((x0 - left) * scale, (y0 - top) * scale, (x1 - left) * scale, (y1 - top) * scale) for x0, y0, x1, y1 in line
    )
    solid = (ink >= INK).view(np.uint8)
    labels, statistics = connected(solid)
    specks = _specks(ink, labels, statistics, boxes) if len(statistics) <= _MOST else ()
    component_boxes = tuple((x, y, x + wide, y + high) for x, y, wide, high, _ in statistics.tolist())
    pen = _pen(solid, boxes) / (digit_height * scale)
    return LineInk(ink, labels, boxes, pen, (left, top), scale, component_boxes, specks)


def _specks(
    ink: NDArray[np.float32], labels: Labels, statistics: NDArray[np.int32], line: tuple[Sides, ...]
) -> tuple[Speck, ...]:
    middles = [(box[0] + box[2]) / 2.0 for box in line]
    specks = []
    for part, (x, y, wide, high, area) in enumerate(statistics.tolist()):
        box = x, y, x + wide, y + high
        if part == 0 or area < 2 or _owned(box, labels, part, line):
            continue
        gap = int(np.searchsorted(middles, x + wide / 2.0))
        neighbours = [line[each] for each in (gap - 1, gap) if 0 <= each < len(line)]
        speck = _measured(ink, labels, part, box, neighbours, gap)
        if speck is not None:
            specks.append(speck)
    return tuple(sorted(specks, key=lambda each: each.box[0]))


def _owned(box: tuple[int, int, int, int], labels: Labels, part: int, line: tuple[Sides, ...]) -> bool:
    """Return whether a component is a digit's ink: largely in a digit's box, and not a small one at the box's side."""
    x0, y0, x1, y1 = box
    own = labels[y0:y1, x0:x1] == part
    total = int(np.count_nonzero(own))
    for a, b, c, d in line:
        if c <= x0 or a >= x1 or d <= y0 or b >= y1:
            continue
        inside = own[max(0, math.floor(b) - y0) : math.ceil(d) - y0, max(0, math.floor(a) - x0) : math.ceil(c) - x0]
        small = max(x1 - x0, y1 - y0) <= _SMALL * (d - b)
        aside = min((x0 + x1) / 2.0 - a, c - (x0 + x1) / 2.0) < _SIDE * (d - b)
        if np.count_nonzero(inside) >= _OWN * total and not (small and aside):
            return True
    return False


def _measured(
    ink: NDArray[np.float32],
    labels: Labels,
    part: int,
    box: tuple[int, int, int, int],
    neighbours: list[Sides],
    gap: int,
) -> Speck | None:
    """Measure a component in heights of the adjacent digits; None if too far, too faint, or of another size."""
    x0, y0, x1, y1 = box
    digit_height = max(sum(each[3] - each[1] for each in neighbours) / len(neighbours), 1.0)
    baseline = sum(each[3] for each in neighbours) / len(neighbours)
    wide, high, low = (x1 - x0) / digit_height, (y1 - y0) / digit_height, (baseline - y1) / digit_height
    distance = max(max(x0 - each[2], each[0] - x1) for each in neighbours) / digit_height
    if distance > _FURTHEST or wide > 1.2 or high > 1.7 or low > 1.2 or low < -0.6:
        return None
    own = labels[y0:y1, x0:x1] == part
    if float(ink[y0:y1, x0:x1][own].mean()) < _DARK:
        return None
    ys, xs = np.nonzero(own)
    lean = -float(np.polyfit(ys, xs, 1)[0]) if len(ys) > 4 and np.ptp(ys) else 0.0
    return Speck(part, box, gap, wide, high, low, x0 / digit_height, lean, len(ys) / (y1 - y0) / digit_height)


def _pen(solid: NDArray[np.uint8], line: tuple[Sides, ...]) -> float:
    """Return the width of the digits' strokes in pixels."""
    distance = cv2.distanceTransform(solid, cv2.DIST_L2, 3)
    inside = np.zeros(solid.shape, np.bool_)
    for x0, y0, x1, y1 in line:
        inside[max(0, int(y0)) : math.ceil(y1), max(0, int(x0)) : math.ceil(x1)] = True
    depths = distance[inside & (solid > 0)]
    return 2.0 * float(np.quantile(depths, 0.8)) if len(depths) else 1.0
