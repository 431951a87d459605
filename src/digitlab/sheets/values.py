"""Derive the value of a field from what was seen in it, and from what is known about it.

This is done after the photos were read: another list or check needs no photo to be read again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from digitlab.reading.numbers import check_of, nearest, number_list, settle
from digitlab.sheets.form import DIGIT

if TYPE_CHECKING:
    from digitlab.reading.numbers import Check, NumberList
    from digitlab.sheets.form import Field
    from digitlab.values import Box, ReadDigit

__all__ = [
    "ANSWERED", "DOUBTFUL", "EMPTY", "FAILED", "SUMS", "FieldRead", "Known", "Seen", "State", "is_sum", "known_of",
    "value_of",
]  # fmt: skip

State = Literal["answered", "doubtful", "empty", "failed check"]
ANSWERED: State = "answered"
DOUBTFUL: State = "doubtful"
EMPTY: State = "empty"
FAILED: State = "failed check"
SUMS = "sum:FIELD+FIELD"  # how a sum is written, for messages

_TICKED, _TOUCHED = 1.9, 1.0  # mm: longest stroke in a box of 5 mm from which it is ticked; or perhaps ticked
_GAP, _SIGN = 0.5, 0.9  # factors on the confidence: an empty box may be an overlooked digit; a sign is in between
_SURE, _UNSURE = 0.99, 0.6  # the confidence of ticks; they have no probabilities of their own


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen in a field of one sheet.

    cells: the digit of each box, or of each mark on a free line; None for an empty box, or a mark that is not a digit
    signs: for a free line, what those marks are, "?" if that is unclear; "" for digits
    longest: for tick boxes, the longest stroke in each in mm
    box: of the field in pixels of the picture
    sure: for each cell, how sure its digit is (see `digitlab.sheets.digits.Judged`); if empty, by its confidence
    """

    name: str
    cells: tuple[ReadDigit | None, ...]
    signs: tuple[str, ...]
    longest: tuple[float, ...]
    box: Box
    sure: tuple[float, ...] = ()

    @property
    def confidence(self) -> float:
        """Confidence of all digits together."""
        sure = self.sure or tuple(0.0 if each is None else each.confidence for each in self.cells)
        return math.prod(each for each, cell in zip(sure, self.cells, strict=True) if cell is not None)


@dataclass(frozen=True, slots=True)
class FieldRead:
    """A field of one sheet.

    value: as in the table, "?" for each digit that was not answered, "" if it is empty
    read: the digits as read, without list and check; confidence: of the value, 0 … 1
    digits: of the filled cells, with the column of each cell; box: of the field in pixels of the picture
    """

    name: str
    value: str
    confidence: float
    state: State
    read: str
    box: Box
    digits: tuple[ReadDigit, ...] = ()

    @property
    def filled(self) -> bool:
        """Whether the table has a value that needs no review: answered, and more than an unticked box."""
        return self.state == ANSWERED and self.value not in ("", "no")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about a field's value."""

    among: NumberList | None = None
    check: Check | None = None


def is_sum(check: str) -> bool:
    """Return whether a check concerns other fields too (see `digitlab.sheets.sums`)."""
    return check.startswith("sum:")


def known_of(field: Field) -> Known:
    """Load the list and the check of a field; a sum is not a check of one field.

    Raises:
        DatasetError, UsageError: for a list that is missing or empty by now.
    """
    return Known(
        number_list(field.among) if field.among else None,
        check_of(field.check) if field.check and not is_sum(field.check) else None,
    )


def value_of(field: Field, seen: Seen, known: Known, threshold: float) -> FieldRead:
    """Derive the value of a field. threshold: the confidence from which a list's or check's value is accepted."""
    if field.kind in ("tick", "choice"):
        return _choice(field, seen)
    if not any(seen.cells):
        return FieldRead(field.name, "", 1.0, EMPTY, "", seen.box)
    plain = _row_of_boxes(field, seen) if field.kind == "boxes" else _free_line(field, seen)
    return _with_constraints(plain, field, _text_around(field, seen), known, threshold)


def _row_of_boxes(field: Field, seen: Seen) -> FieldRead:
    """Derive the value of a row of boxes.

    Empty boxes before and after a number are allowed; one between its digits may be an overlooked digit, and becomes
    "?". In a field that must be full, each empty box does.
    """
    cells, digits = seen.cells, tuple(each for each in seen.cells if each is not None)
    filled = [index for index, each in enumerate(cells) if each is not None]
    first, last = (0, len(cells) - 1) if field.full else (filled[0], filled[-1])
    signs = ["?" if each is None else each.character for each in cells[first : last + 1]]
    text = "".join(signs)
    shown = field.written(text) if len(text) == field.boxes else text
    confidence = seen.confidence * (_GAP if len(signs) > len(digits) else 1.0)
    return FieldRead(field.name, shown, confidence, DOUBTFUL if "?" in text else ANSWERED, shown, seen.box, digits)


def _free_line(field: Field, seen: Seen) -> FieldRead:
    """Derive the value of a number that is written freely: its marks from left to right."""
    digits = tuple(each for each in seen.cells if each is not None)
    text = "".join(sign if each is None else each.character for each, sign in zip(seen.cells, seen.signs, strict=True))
    confidence = seen.confidence * (_SIGN if len(digits) < len(seen.cells) else 1.0)
    return FieldRead(field.name, text, confidence, DOUBTFUL if "?" in text else ANSWERED, text, seen.box, digits)


def _choice(field: Field, seen: Seen) -> FieldRead:
    """Derive which of the tick boxes is ticked; "?" if two are, or one is only touched."""
    ticked = [number for number, reach in enumerate(seen.longest) if reach >= _TICKED]
    touched = [number for number, reach in enumerate(seen.longest) if _TOUCHED <= reach < _TICKED]
    if field.kind == "tick":
        value = "?" if touched else "yes" if ticked else "no"
    elif len(ticked) > 1 or touched:
        value = "?"
    else:
        value = field.choices[ticked[0]] if ticked else ""
    state = DOUBTFUL if value == "?" else ANSWERED if value else EMPTY
    return FieldRead(field.name, value, _UNSURE if value == "?" else _SURE, state, value, seen.box)


def _with_constraints(
    plain: FieldRead, field: Field, around: list[str] | None, known: Known, threshold: float
) -> FieldRead:
    """Apply the list or the check.

    An empty box between digits is never closed: no check is evaluated then, and a list's entry of no more digits than
    were read is doubtful. around: see `_text_around`
    """
    if known.among is not None:
        choice = nearest(plain.digits, known.among, threshold)
        settled = _settled(plain, choice.text, choice.confidence, fits=choice.fits)
        gap = field.kind == "boxes" and around is None
        closed = gap and len(known.among.digits[choice.entry]) <= len(plain.digits)
        return replace(settled, state=DOUBTFUL) if closed and settled.state == ANSWERED else settled
    if known.check is not None and around is not None:
        complete = len(plain.digits) == field.boxes
        checked = settle(plain.digits, known.check, threshold, written=around, complete=complete)
        return _settled(plain, checked.text, checked.confidence, fits=checked.fits)
    return plain


def _settled(plain: FieldRead, text: str, confidence: float, *, fits: bool) -> FieldRead:
    state = ANSWERED if fits else DOUBTFUL if "?" in plain.value else FAILED
    return FieldRead(plain.name, text, confidence, state, plain.read, plain.box, plain.digits)


def _text_around(field: Field, seen: Seen) -> list[str] | None:
    """Return the text before each digit and after the last: what is printed, or the signs seen on a free line.

    None if a box that must be filled, or one between digits, is empty, or if a sign is unclear.
    """
    if field.kind == "boxes":
        filled = [index for index, each in enumerate(seen.cells) if each is not None]
        if len(filled) == field.boxes:
            return _printed(field)
        return None if field.full or len(filled) <= filled[-1] - filled[0] else [""] * (len(filled) + 1)
    around = [""]
    for each, sign in zip(seen.cells, seen.signs, strict=True):
        if each is None:
            around[-1] += sign
        else:
            around.append("")
    return None if any("?" in signs for signs in around) else around


def _printed(field: Field) -> list[str]:
    """Return what is printed before each box, and after the last.

    >>> from digitlab.sheets.form import Field
    >>> _printed(Field("day", "Day", "boxes", boxes=4, pattern="##.##"))
    ['', '', '.', '', '']
    """
    around, between = [], ""
    for sign in field.pattern:
        if sign == DIGIT:
            around.append(between)
            between = ""
        else:
            between += sign
    return [*around, between]
