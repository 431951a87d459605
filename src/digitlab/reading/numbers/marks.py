"""Signs between the digits of a line: commas, points, minus, slashes and colons, told by size and place.

They are not among the page reader's answers, so they are looked for in the ink: connected components beside the digits,
measured in heights of the digits next to them. Rather no sign than one that is not there: what touches a digit, is
fainter or thinner than the digits' pen, or stands among other specks is left alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.reading.components import connected
from digitlab.reading.ink import INK, ink_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Sides = tuple[float, float, float, float]

__all__ = ["Sign", "signs_of"]

_HEIGHT = 36  # pixels of a digit, to which larger ones are reduced
_LEAST_HEIGHT = 10.0  # pixels of a digit below which a point is not told from a speck
_BEFORE, _BEHIND, _ABOVE = 0.9, 0.3, 0.35  # heights around a line of digits in which signs are looked for
_MOST_SPECKS = 3  # unexplained components between two digits: more are dirt
_OWN = 0.45  # of a component's area in a digit's box, from which on it is the digit's
_SMALL, _SIDE = 0.3, 0.12  # heights: of a component that may be a sign in a leaning digit's box, and how near its side
_DARK = 0.75  # the least mean ink of a sign
_FURTHEST = 1.1  # heights from a sign to the digits beside it
_DOT, _PEN = 0.27, 0.6  # the largest dot, in heights; the least of its sides, in widths of the pen


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign: its character, and its box in pixels of the picture."""

    character: str
    box: Sides


@dataclass(frozen=True, slots=True)
class _Speck:
    """A component beside digits, in heights of those.

    wide, high: its size; low: its lower end, up from the baseline; left: where it begins
    lean: of its middle line, to the right for one up; thin: its mean width in a row
    """

    box: Sides
    wide: float
    high: float
    low: float
    left: float
    lean: float
    thin: float


def signs_of(picture: NDArray[np.uint8], line: Sequence[Sides]) -> list[Sign]:
    """The signs in front of and between digits of one line, from left to right.

    picture: uint8 (H, W, 3) RGB, in which the line is upright; line: boxes of its digits in pixels, from left to right
    """
    if not line:
        return []
    usual = float(np.median([y1 - y0 for _, y0, _, y1 in line]))
    if usual < _LEAST_HEIGHT:
        return []
    height, width = picture.shape[:2]
    left = max(0, math.floor(line[0][0] - _BEFORE * usual))
    right = min(width, math.ceil(max(box[2] for box in line) + _BEHIND * usual))
    top = max(0, math.floor(min(box[1] for box in line) - _ABOVE * usual))
    bottom = min(height, math.ceil(max(box[3] for box in line) + _ABOVE * usual))
    part = np.ascontiguousarray(picture[top:bottom, left:right])
    scale = min(1.0, _HEIGHT / usual)
    if scale < 1.0:
        part = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    ink = ink_map(part, max(3, round(0.6 * usual * scale)))
    if ink is None:
        return []
    boxes = [
        tuple((side - shift) * scale for side, shift in zip(box, (left, top, left, top), strict=True)) for box in line
    ]
    found = _in_gaps(ink, boxes)  # type: ignore[arg-type]  # four sides each
    return [
        Sign(sign.character, (x0 / scale + left, y0 / scale + top, x1 / scale + left, y1 / scale + top))
        for sign in found
        for x0, y0, x1, y1 in (sign.box,)
    ]


def _in_gaps(ink: NDArray[np.float32], line: list[Sides]) -> list[Sign]:
    """The signs of each gap of a line, in pixels of the ink."""
    solid = (ink >= INK).view(np.uint8)
    labels, statistics = connected(solid)
    pen = _pen(solid, line)
    middles = [(box[0] + box[2]) / 2.0 for box in line]
    between: dict[int, list[_Speck]] = {}
    for part in range(1, len(statistics)):
        x, y, wide, high, area = statistics[part].tolist()
        if area < 2 or _owned((x, y, x + wide, y + high), labels, part, line):
            continue
        gap = int(np.searchsorted(middles, x + wide / 2.0))
        beside = [line[each] for each in (gap - 1, gap) if 0 <= each < len(line)]
        speck = _measured(ink, labels, part, (x, y, x + wide, y + high), beside)
        if speck is not None:
            between.setdefault(gap, []).append(speck)
    signs = []
    for gap, specks in sorted(between.items()):
        if gap == len(line) or len(specks) > _MOST_SPECKS:
            continue
        sign = _sign(specks, pen / _tall([line[each] for each in (gap - 1, gap) if each >= 0]), first=gap == 0)
        if sign is not None:
            signs.append(sign)
    return signs


def _owned(box: tuple[int, int, int, int], labels: NDArray[np.integer], part: int, line: list[Sides]) -> bool:
    """Whether a component is a digit's ink: most of it lies in a digit's box, and not small at the box's side."""
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
    labels: NDArray[np.integer],
    part: int,
    box: tuple[int, int, int, int],
    beside: list[Sides],
) -> _Speck | None:
    """A component in heights of the digits beside it; None where it is too far, too faint, or not a sign's size."""
    x0, y0, x1, y1 = box
    tall = _tall(beside)
    base = sum(each[3] for each in beside) / len(beside)
    wide, high, low = (x1 - x0) / tall, (y1 - y0) / tall, (base - y1) / tall
    away = max(max(x0 - each[2], each[0] - x1) for each in beside) / tall
    if away > _FURTHEST or wide > 1.0 or high > 1.7 or low > 1.2 or low < -0.6:
        return None
    own = labels[y0:y1, x0:x1] == part
    if float(ink[y0:y1, x0:x1][own].mean()) < _DARK:
        return None
    ys, xs = np.nonzero(own)
    lean = 0.0
    if len(ys) > 4 and np.ptp(ys):
        lean = -float(np.polyfit(ys, xs, 1)[0])
    rows = max(1, len(np.unique(ys)))
    thin = len(ys) / rows / tall
    return _Speck((x0, y0, x1, y1), wide, high, low, x0 / tall, lean, thin)


def _sign(specks: list[_Speck], pen: float, *, first: bool) -> Sign | None:
    """The one sign that the components of a gap make; None where they are none, or more than one sign."""
    if len(specks) == 2 and not first and _is_colon(*sorted(specks, key=lambda each: each.low), pen=pen):
        return Sign(":", _around(specks))
    if len(specks) != 1:
        return None
    (one,) = specks
    if _is_minus(one, pen):
        return Sign("-", one.box)
    if first or min(one.wide, one.high) < _PEN * pen:
        return None
    if one.high >= 0.85 and one.lean >= 0.22 and one.low <= 0.12 and one.thin <= max(2.2 * pen, 0.16):
        return Sign("/", one.box)
    if one.wide <= min(_DOT, 1.6 * one.high) and one.high <= _DOT and -0.18 <= one.low <= 0.06:
        comma = one.high >= 1.45 * one.wide or (one.low < -0.1 and one.high >= 1.2 * one.wide)
        return Sign("," if comma and one.high > 1.3 * pen else ".", one.box)
    short = one.high <= 0.6 and one.wide <= 0.45 and one.low + one.high <= 0.34
    if short and one.low <= -0.03 and (one.lean >= 0.1 or one.wide <= _DOT) and one.high >= 0.7 * one.wide:
        return Sign(",", one.box)
    return None


def _is_colon(lower: _Speck, upper: _Speck, *, pen: float) -> bool:
    """Two dots, one above the other."""
    dots = all(max(each.wide, each.high) <= _DOT and min(each.wide, each.high) >= _PEN * pen for each in (lower, upper))
    apart, aside = upper.low - lower.low, (upper.left - lower.left)
    return dots and -0.1 <= lower.low <= 0.4 and 0.2 <= apart <= 0.7 and upper.low <= 0.85 and -0.2 < aside < 0.3


def _is_minus(one: _Speck, pen: float) -> bool:
    """A flat stroke half way up."""
    flat = 0.16 <= one.wide <= 0.8 and one.high <= 0.3 and one.wide >= 1.7 * one.high
    return flat and one.high >= _PEN * pen and 0.18 <= one.low + one.high / 2.0 <= 0.75


def _around(specks: list[_Speck]) -> Sides:
    x0, y0, x1, y1 = zip(*(each.box for each in specks), strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _tall(boxes: list[Sides]) -> float:
    return max(sum(box[3] - box[1] for box in boxes) / len(boxes), 1.0)


def _pen(solid: NDArray[np.uint8], line: list[Sides]) -> float:
    """The width of the digits' strokes in pixels."""
    distance = cv2.distanceTransform(solid, cv2.DIST_L2, 3)
    inside = np.zeros(solid.shape, np.bool_)
    for x0, y0, x1, y1 in line:
        inside[max(0, int(y0)) : math.ceil(y1), max(0, int(x0)) : math.ceil(x1)] = True
    depths = distance[inside & (solid > 0)]
    return 2.0 * float(np.quantile(depths, 0.8)) if len(depths) else 1.0
