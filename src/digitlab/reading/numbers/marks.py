"""Signs between the digits of a line: commas, points, minus, slashes and colons, recognised by size and place.

The page reader does not detect them, so they are searched for in the ink: connected components beside the digits,
measured in heights of the adjacent digits. A missed sign is better than a false one: what touches a digit, is fainter
or thinner than the digits' pen, or stands among other specks is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from digitlab.reading.numbers.line_ink import line_ink

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.reading.candidates import Candidate
    from digitlab.reading.numbers.line_ink import LineInk, Sides, Speck

__all__ = ["Sign", "signs_of", "with_signs"]

_MOST_LINES = 80  # on a page with more, signs are not searched for
_STROKES = (1, 7)  # digits that a slash is mistaken for,
_DOUBTED = 0.5  # confidence below which a digit would not be answered anyway
_LEAST = 6  # digits of a line in which slashes are expected: a date has four digits and two slashes
_MOST = 3  # unexplained components between two digits: more are dirt
_DOT, _PEN = 0.27, 0.6  # the largest dot, in digit heights; its least side, in pen widths


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign: its character, and its box in pixels of the picture."""

    character: str
    box: Sides


def with_signs(
    picture: NDArray[np.uint8], lines: list[list[Candidate]], *, free: bool = True
) -> tuple[list[list[Candidate]], list[list[Sign]]]:
    """Return the lines without the slashes that were taken for digits, and the signs of each line.

    picture: uint8 (H, W, 3) RGB, in which the lines are upright; free: whether a digit may turn out to be a slash
    """
    if len(lines) > _MOST_LINES:
        return lines, [[] for _ in lines]
    digits: list[list[Candidate]] = []
    signs: list[list[Sign]] = []
    for line in lines:
        ink = line_ink(picture, [each.box for each in line])
        if ink is None:
            digits.append(line)
            signs.append([])
            continue
        possible = free and len(line) >= _LEAST
        strokes = [
            index
            for index, each in enumerate(line)
            if possible and each.digit in _STROKES and _is_misread_slash(ink, index, each)
        ]
        digits.append([each for index, each in enumerate(line) if index not in strokes])
        found = [*signs_of(ink), *(Sign("/", line[index].box) for index in strokes)]
        signs.append(sorted(found, key=lambda each: each.box[0] + each.box[2]))
    return digits, signs


def _is_misread_slash(ink: LineInk, index: int, digit: Candidate) -> bool:
    """Return whether a digit is a slash: taller than its neighbours, below the baseline, leaning, one plain stroke.

    This holds for 1 in 700 of 688 drawn ones, and for half of the drawn slashes that were taken for digits.
    """
    speck = ink.digit(index)
    if speck is None:
        return False
    high, low = (1.15, -0.06) if digit.confidence >= _DOUBTED else (1.08, -0.02)
    return speck.high >= high and speck.low <= low and speck.lean >= 0.18 and speck.thin <= 1.35 * ink.pen


def signs_of(ink: LineInk) -> list[Sign]:
    """Find the signs in front of and between the digits of a line, from left to right."""
    signs = []
    for gap, group in groupby(sorted(ink.specks, key=lambda each: each.gap), key=lambda each: each.gap):
        specks = list(group)
        sign = None if gap == len(ink.line) or len(specks) > _MOST else _sign(specks, ink.pen, first=gap == 0)
        if sign is not None:
            signs.append(Sign(sign, ink.placed(_bounding_box(specks))))
    return signs


def _sign(specks: Sequence[Speck], pen: float, *, first: bool) -> str | None:
    """Return the one sign that the components of a gap make; None if they make none, or more than one."""
    if len(specks) == 2 and not first and _is_colon(*sorted(specks, key=lambda each: each.low), pen=pen):
        return ":"
    if len(specks) != 1:
        return None
    (speck,) = specks
    if _is_minus(speck, pen):
        return "-"
    if first or min(speck.wide, speck.high) < _PEN * pen:
        return None
    if is_slash(speck, pen):
        return "/"
    if speck.wide <= min(_DOT, 1.6 * speck.high) and speck.high <= _DOT and -0.18 <= speck.low <= 0.06:
        comma = speck.high >= 1.45 * speck.wide or (speck.low < -0.1 and speck.high >= 1.2 * speck.wide)
        return "," if comma and speck.high > 1.3 * pen else "."
    short = speck.high <= 0.6 and speck.wide <= 0.45 and speck.low + speck.high <= 0.34
    if short and speck.low <= -0.03 and (speck.lean >= 0.1 or speck.wide <= _DOT) and speck.high >= 0.7 * speck.wide:
        return ","
    return None


def is_slash(speck: Speck, pen: float) -> bool:
    """Return whether it is a tall thin stroke that leans to the right and reaches the baseline."""
    return speck.high >= 0.85 and speck.lean >= 0.22 and speck.low <= 0.12 and speck.thin <= max(2.2 * pen, 0.16)


def _is_colon(lower: Speck, upper: Speck, *, pen: float) -> bool:
    """Return whether these are two dots, one above the other."""
    dots = all(max(each.wide, each.high) <= _DOT and min(each.wide, each.high) >= _PEN * pen for each in (lower, upper))
    apart, aside = upper.low - lower.low, upper.left - lower.left
    return dots and -0.1 <= lower.low <= 0.4 and 0.2 <= apart <= 0.7 and upper.low <= 0.85 and -0.2 < aside < 0.3


def _is_minus(speck: Speck, pen: float) -> bool:
    """Return whether it is a flat stroke half-way up."""
    flat = 0.16 <= speck.wide <= 0.8 and speck.high <= 0.3 and speck.wide >= 1.7 * speck.high
    return flat and speck.high >= _PEN * pen and 0.18 <= speck.low + speck.high / 2.0 <= 0.75


def _bounding_box(specks: Sequence[Speck]) -> Sides:
    x0, y0, x1, y1 = zip(*(each.box for each in specks), strict=True)
    return min(x0), min(y0), max(x1), max(y1)
