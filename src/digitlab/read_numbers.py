"""The contents of a page as read: digits, the signs between them, and the numbers that they form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Box", "ReadDigit", "ReadMark", "ReadNumber", "number_of", "numbers_of_line"]

# In digit heights: widest gap within a number; its limit on widely spaced lines; excess over the usual gap of a space.
_GAP, _SPACED_GAP, _SPACE = 0.8, 1.3, 0.45
_SURENESS = (0.91, 0.19)  # tools/fit_numbers.py, on 1,500 drawn numbers of MNIST training digits

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class ReadDigit:
    """One digit found on a page: value, confidence, place (``box`` in pixels of the upright picture) and line.

    digit: None where a digit was found but not answered: its confidence is below the reader's threshold
    confidence: 0..1, probability that the most likely digit stands there
    probabilities: of the ten digits, given that it is one, with sum 1; empty if unknown
    column: column of the grid cell (its row is ``line``), or index among a pattern's digits; None without either

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
        """The character that stands for it in every text: its digit, or "?" if it was not answered."""
        return "?" if self.digit is None else str(self.digit)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON: digit (or null), confidence, box, line; column, if there is one."""
        column = {} if self.column is None else {"column": self.column}
        confidence = round(self.confidence, 4)
        return {"digit": self.digit, "confidence": confidence, "box": list(self.box), "line": self.line, **column}


@dataclass(frozen=True, slots=True)
class ReadMark:
    """A sign in a number that is not a digit: ``sign`` is one of , . - / : and ``box`` is in pixels of the picture."""

    sign: str
    box: Box
    line: int


@dataclass(frozen=True, slots=True)
class ReadNumber:
    """Digits of one line that belong together, with the signs between them.

    text: one character per digit, "?" for one that was not answered, with the signs in place and a space for a gap that
        is clearly wider than the others. If a list or a check was asked for, the value that it leads to
    box: around all of it, in pixels of the picture; confidence: 0..1, probability that all of it is right
    read, fits: if a list or a check was asked for, what was read without it (else None), and whether it led to a value
    nearest, second: the most likely entry of the list, also if it is not returned, and the next one; margin: how much
        more likely the first is, as a power of ten
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
    nearest: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON: text, confidence, box; with a list or a check read, fits; with a list second, margin.

        Where no entry of the list is returned also nearest, the most likely one. Which digits it has, `Reading.as_dict`
        adds.
        """
        asked = {} if self.read is None else {"read": self.read, "fits": self.fits}
        listed = {"second": self.second, "margin": None if self.margin is None else round(self.margin, 2)}
        listed["nearest"] = None if self.fits else self.nearest
        told = {"text": self.text, "confidence": round(self.confidence, 4), "box": list(self.box), **asked}
        return told | {name: value for name, value in listed.items() if value is not None}


def numbers_of_line(digits: list[ReadDigit], marks: list[ReadMark], turned: int = 0) -> list[ReadNumber]:
    """Group the digits of one line into numbers.

    turned: clockwise quarter turns by which the page was rotated for reading
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
                mark = None  # a sign after or before a number is punctuation, except a minus before it
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
    """Return the sign between two digits of a line, or in front of the first; None if there is none."""
    start = -math.inf if last is None else _middle(last, turned)
    return next((mark for mark in marks if start < _middle(mark, turned) < _middle(digit, turned)), None)


def _middle(found: ReadDigit | ReadMark, turned: int) -> float:
    """Return the centre along the line, in reading direction."""
    along = turned % 2
    return (found.box[along] + found.box[along + 2]) / (-2.0 if turned in (1, 2) else 2.0)


def _gap(left: ReadDigit | ReadMark, right: ReadDigit | ReadMark, turned: int) -> float:
    """Return the gap between two neighbours of a line, in digit heights."""
    along, across = (1, 0) if turned % 2 else (0, 1)  # on a page that lay on its side, lines run up or down
    gap = max(left.box[along] - right.box[along + 2], right.box[along] - left.box[along + 2])
    high = [each.box[across + 2] - each.box[across] for each in (left, right) if isinstance(each, ReadDigit)]
    return gap / max(sum(high) / len(high), 1e-6)


def number_of(digits: list[ReadDigit], signs: list[tuple[int, ReadMark | None]]) -> ReadNumber:
    """Build a number from digits and signs, each with the index of the digit it precedes (None: a space)."""
    marks = tuple(mark for _, mark in signs if mark is not None)
    boxes = [each.box for each in digits] + [each.box for each in marks]
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    before = {at: " " if mark is None else mark.sign for at, mark in signs}
    text = "".join(before.get(at, "") + found.character for at, found in enumerate(digits))
    box = min(x0), min(y0), max(x1), max(y1)
    return ReadNumber(text, box, _whole([each.confidence for each in digits]), tuple(digits), marks)


def _whole(confidences: list[float]) -> float:
    """Estimate the probability that all digits are right and none is missing: logistic regression on their product."""
    product = min(max(math.prod(confidences), 1e-9), 1.0 - 1e-9)
    slope, constant = _SURENESS
    return 1.0 / (1.0 + math.exp(-slope * math.log(product / (1.0 - product)) - constant))
