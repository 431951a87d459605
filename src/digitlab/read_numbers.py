"""What stands on a page: digits, the signs between them, and the numbers that they make together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Box", "ReadDigit", "ReadMark", "ReadNumber", "number_of", "numbers_of_line"]

# Heights of digits: the widest gap within a number, also where twice that is usual; what a space is wider than usual.
_GAP, _SPACED_GAP, _SPACE = 0.8, 1.3, 0.45
_SURENESS = (0.92, 0.51)  # tools/fit_numbers.py, on 1,500 drawn numbers of MNIST training digits

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class ReadDigit:
    """One digit found on a page: what, how likely, where (``box`` in pixels of the upright picture), on which line.

    digit: None where a digit was found but not answered: its confidence is below the reader's threshold
    confidence: 0..1, how likely the most likely digit stands there
    probabilities: which digit it is, if it is one: ten that sum to 1; empty where unknown
    column: of the cell in a grid, whose row is ``line``, or the place among a pattern's digits; None without either

    >>> ReadDigit(None, 0.4, (6, 0, 11, 9), line=0).character
    '?'
    """

    digit: int | None
    confidence: float
    box: Box
    line: int
    probabilities: tuple[float, ...] = ()
    column: int | None = None

    @property
    def character(self) -> str:
        """What stands for it in every text: its digit, or "?" where it was not answered."""
        return "?" if self.digit is None else str(self.digit)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: digit (or null), confidence, box, line; column, where there is one."""
        column = {} if self.column is None else {"column": self.column}
        confidence = round(self.confidence, 4)
        return {"digit": self.digit, "confidence": confidence, "box": list(self.box), "line": self.line, **column}


@dataclass(frozen=True, slots=True)
class ReadMark:
    """A sign of a number that is no digit: ``sign`` is one of , . - / : and ``box`` where, in pixels of the picture."""

    sign: str
    box: Box
    line: int


@dataclass(frozen=True, slots=True)
class ReadNumber:
    """Digits of one line that belong together, with the signs between them.

    text: a character a digit, "?" for one that was not answered, the signs where they stand, a space for a gap that is
        clearly wider than the others. Where a list or a check was asked for, the value that it leads to
    box: around them, in pixels of the picture; confidence: 0..1, how likely all of it is right
    read, fits: what was read, where a list or a check was asked for (None else), and whether that led to a value
    second: the next most likely entry of the list; margin: how much more likely the first is, as a power of ten
    """

    text: str
    box: Box
    confidence: float
    digits: tuple[ReadDigit, ...]
    marks: tuple[ReadMark, ...] = ()
    read: str | None = None
    fits: bool = True
    second: str | None = None
    margin: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: text, confidence, box; with a list or a check read and fits, of a list second and margin."""
        asked = {} if self.read is None else {"read": self.read, "fits": self.fits}
        listed = {"second": self.second, "margin": None if self.margin is None else round(self.margin, 2)}
        told = {"text": self.text, "confidence": round(self.confidence, 4), "box": list(self.box), **asked}
        return told | {name: value for name, value in listed.items() if value is not None}


def numbers_of_line(digits: list[ReadDigit], marks: list[ReadMark], turned: int = 0) -> list[ReadNumber]:
    """The numbers of one line.

    turned: quarter turns, clockwise, by which the page was turned to be read
    """
    gaps = [_gap(left, right, turned) for left, right in pairwise(digits)]
    usual = sorted(gaps)[(len(gaps) - 1) // 2] if len(gaps) > 1 else 0.0
    limit = max(_GAP, min(2.0 * usual, _SPACED_GAP))
    numbers: list[tuple[list[ReadDigit], list[tuple[int, ReadMark | None]]]] = []
    for found, gap in zip(digits, [math.inf, *gaps], strict=True):
        last = numbers[-1][0][-1] if numbers else None
        mark = _mark_before(found, last, marks, turned)
        near = gap < limit
        if mark is not None:
            behind = _gap(mark, found, turned)
            near = last is not None and max(behind, _gap(last, mark, turned)) < limit
            if not near and (behind >= limit or mark.sign != "-"):
                mark = None  # a sign behind a number, or before one, is punctuation, but for a minus
        if not near:
            numbers.append(([], []))
        group, signs = numbers[-1]
        if mark is not None:
            signs.append((len(group), mark))
        elif group and len(gaps) > 2 and gap > max(usual, 0.0) + _SPACE:
            signs.append((len(group), None))
        group.append(found)
    return [number_of(group, signs) for group, signs in numbers]


def _mark_before(digit: ReadDigit, last: ReadDigit | None, marks: list[ReadMark], turned: int) -> ReadMark | None:
    """The sign between two digits of a line, or in front of the first."""
    start = -math.inf if last is None else _middle(last, turned)
    return next((mark for mark in marks if start < _middle(mark, turned) < _middle(digit, turned)), None)


def _middle(found: ReadDigit | ReadMark, turned: int) -> float:
    """Along the line, in the direction in which it is read."""
    along = turned % 2
    return (found.box[along] + found.box[along + 2]) / (-2.0 if turned in (1, 2) else 2.0)


def _gap(left: ReadDigit | ReadMark, right: ReadDigit | ReadMark, turned: int) -> float:
    """The paper between two neighbours of a line in heights of its digits."""
    along, across = (1, 0) if turned % 2 else (0, 1)  # of a page that lay on its side, lines run up or down
    gap = max(left.box[along] - right.box[along + 2], right.box[along] - left.box[along + 2])
    high = [each.box[across + 2] - each.box[across] for each in (left, right) if isinstance(each, ReadDigit)]
    return gap / max(sum(high) / len(high), 1e-6)


def number_of(digits: list[ReadDigit], signs: list[tuple[int, ReadMark | None]]) -> ReadNumber:
    """A number of digits and of the signs (or None, for a space) before some of them."""
    marks = tuple(mark for _, mark in signs if mark is not None)
    boxes = [each.box for each in digits] + [each.box for each in marks]
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    before = {at: " " if mark is None else mark.sign for at, mark in signs}
    text = "".join(before.get(at, "") + found.character for at, found in enumerate(digits))
    box = min(x0), min(y0), max(x1), max(y1)
    return ReadNumber(text, box, _whole([each.confidence for each in digits]), tuple(digits), marks)


def _whole(confidences: list[float]) -> float:
    """How likely all digits of a number are right, and none is missing: a logistic regression of their product."""
    product = min(max(math.prod(confidences), 1e-9), 1.0 - 1e-9)
    slope, constant = _SURENESS
    return 1.0 / (1.0 + math.exp(-slope * math.log(product / (1.0 - product)) - constant))
