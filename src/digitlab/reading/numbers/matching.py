"""Apply a list or a check to a page's numbers: each becomes an entry of the list, fulfils the check, or is "?"."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.errors import DigitlabError, UsageError, counted
from digitlab.reading.numbers.assignment import one_to_one
from digitlab.reading.numbers.checks import Check, check_of, joined, settle
from digitlab.reading.numbers.lists import NumberList, nearest, number_list
from digitlab.reading.numbers.sums import settle_sum
from digitlab.values import ReadNumber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from digitlab.reading.constraints import Constraints
    from digitlab.values import ReadDigit, Reading

__all__ = ["assigned", "with_known_numbers"]

_ADDEND = re.compile(r"(?P<minus>-)?[0-9?]+(?:[.,](?P<decimals>[0-9?]+))?")


def with_known_numbers(reading: Reading, constraints: Constraints, threshold: float) -> Reading:
    """Add `Reading.settled` to a reading if a list or a check is wanted; otherwise return it unchanged.

    As with a pattern, one number of the page is what was asked for: the most likely that fits, among its numbers and
    its whole lines. With a number of lines, each of them is one. A sum is one for all numbers.

    threshold: the confidence from which a number is returned as read
    """
    if constraints.among is None and constraints.check is None:
        return reading
    if constraints.among is not None:
        numbers = _number_list(constraints.among)
        return _settled(reading, constraints, functools.partial(_of_list, among=numbers, threshold=threshold))
    check = check_of(constraints.check or "")
    if check.total is not None:
        return _summed(reading, check, threshold)
    complete = reading.fits and (constraints.count is not None or constraints.pattern is not None)
    settle_one = functools.partial(_checked, check=check, threshold=threshold, complete=complete)
    return _settled(reading, constraints, settle_one)


def assigned(
    readings: Sequence[Reading | DigitlabError], among: str | Path | Iterable[object] | NumberList
) -> list[Reading | DigitlabError]:
    """Assign list entries to a batch of readings, one number each, no entry twice: the most likely as a whole.

    The text of each is its entry. If an assignment of the batch without this pair is nearly as likely, ``fits`` is
    False and the note says "doubtful", with the margin; a picture that got no entry has "?" and says so. Errors, for
    pictures that could not be read, stay in place.

        readings = assigned(list(reader.read_many(photos, among="class.csv:number")), "class.csv:number")

    Raises:
        DatasetError, UsageError: for an invalid list, as `number_list`; for more pictures than memory allows.
    """
    numbers = number_list(among)
    read = [each for each in readings if not isinstance(each, DigitlabError)]
    read_numbers = [_the_number(each) for each in read]
    assignments = iter(one_to_one([each.digits for each in read_numbers], numbers))
    remaining = iter(read_numbers)
    result: list[Reading | DigitlabError] = []
    for reading in readings:
        if isinstance(reading, DigitlabError):
            result.append(reading)
            continue
        read_number, assignment = next(remaining), next(assignments)
        without_list = read_number.text if read_number.read is None else read_number.read
        number = replace(
            read_number, text=assignment.text, confidence=assignment.confidence, read=without_list,
            fits=not assignment.doubtful, second=None, margin=assignment.margin, nearest=None,
        )  # fmt: skip
        remark = None
        if assignment.entry is None:
            remark = "none of the remaining numbers of the list is likely enough"
        elif assignment.doubtful:
            remark = f"doubtful: {10**assignment.margin:.1f} times as likely as the best assignment without this pair"
        notes = [each for each in (_note_before_list(reading), remark) if each]
        result.append(replace(reading, settled=(number,), fits=not assignment.doubtful, note="; ".join(notes) or None))
    return result


def _note_before_list(reading: Reading) -> str:
    """Return a reading's note without what was said because no entry of the list fitted by itself."""
    note = reading.note or ""
    if reading.settled and not reading.settled[0].fits:
        note = note.removesuffix(_list_note(reading.settled[0])).removesuffix("; ")
    return note


def _the_number(reading: Reading) -> ReadNumber:
    """Return the number of a picture that holds one: what its list led to, else its longest."""
    numbers = reading.numbers
    if len(numbers) > 1 and reading.settled is not None:
        raise UsageError(f"a picture has {len(numbers)} numbers of the list; expected one, where each gets its own")
    return max(numbers, key=lambda each: len(each.digits), default=_no_number())


@functools.lru_cache(maxsize=4)
def _number_list(entries: tuple[str, ...]) -> NumberList:
    """Build the list of these entries, once for all pictures."""
    return NumberList(entries)


def _settled(reading: Reading, constraints: Constraints, settle_one: Callable[[ReadNumber], ReadNumber]) -> Reading:
    """Settle each line as a number if a number of lines was given, else only the number that fits best."""
    lines = _lines(reading)
    if constraints.lines is not None:
        settled = tuple(settle_one(each) for each in lines)
        missing = constraints.lines - len(settled)
        notes = [_mismatch_note(each, constraints) for each in settled if not each.fits]
        if missing > 0:
            notes.append(f"{missing} of {counted(constraints.lines, 'number was', 'numbers were')} not found")
    else:
        numbers = lines if constraints.pattern is not None else [*reading.numbers, *lines]
        candidates = [settle_one(each) for each in dict.fromkeys(numbers)]
        best = max(candidates, key=lambda each: (each.fits, *_rank(each, constraints)), default=_no_number())
        settled = (best,)
        notes = [] if best.fits else [_mismatch_note(best, constraints)]
    notes = [text for text in (reading.note, *notes) if text]
    fits = reading.fits and all(each.fits for each in settled) and (constraints.lines or 1) <= len(settled)
    return replace(reading, settled=settled, fits=fits, note="; ".join(notes) or None)


def _rank(number: ReadNumber, constraints: Constraints) -> tuple[float, float]:
    """Rank the numbers of a page: for a list by probability, for a check by length."""
    return (number.confidence, 0.0) if constraints.among is not None else (len(number.digits), number.confidence)


def _mismatch_note(number: ReadNumber, constraints: Constraints) -> str:
    if constraints.among is not None or not number.digits:
        return _list_note(number)
    return f"{number.read} does not fulfil the check {constraints.check}"


def _list_note(number: ReadNumber) -> str:
    if not number.digits:
        return "no number was found"
    nearest = f"nearest {number.nearest} ({100 * number.confidence:.0f} %)"
    then = f", then {number.second}" if number.second else ""
    return f"{number.read} matches no number of the list with certainty: {nearest}{then}"


def _lines(reading: Reading) -> list[ReadNumber]:
    """Return each line as one number."""
    numbers: dict[int, list[ReadNumber]] = {}
    for each in reading.numbers:
        numbers.setdefault(each.digits[0].line, []).append(each)
    return [_joined(each) for _, each in sorted(numbers.items())]


def _joined(parts: list[ReadNumber]) -> ReadNumber:
    if len(parts) == 1:
        return parts[0]
    x0, y0, x1, y1 = zip(*(each.box for each in parts), strict=True)
    digits = tuple(digit for each in parts for digit in each.digits)
    marks = tuple(mark for each in parts for mark in each.marks)
    text, confidence = " ".join(each.text for each in parts), math.prod(each.confidence for each in parts)
    return ReadNumber(text, (min(x0), min(y0), max(x1), max(y1)), confidence, digits, marks)


def _no_number() -> ReadNumber:
    return ReadNumber("", (0, 0, 0, 0), 0.0, (), read="", fits=False)


def _of_list(number: ReadNumber, *, among: NumberList, threshold: float) -> ReadNumber:
    choice = nearest(number.digits, among, threshold)
    return replace(
        number, text=choice.text, confidence=choice.confidence, read=number.text, fits=choice.fits,
        second=choice.second, margin=choice.margin, nearest=choice.nearest,
    )  # fmt: skip


def _checked(number: ReadNumber, *, check: Check, threshold: float, complete: bool) -> ReadNumber:
    settled = settle(number.digits, check, threshold, written=_text_around(number), complete=complete)
    return replace(number, text=settled.text, confidence=settled.confidence, read=number.text, fits=settled.fits)


def _text_around(number: ReadNumber) -> list[str]:
    """Return the text before each digit and after the last."""
    return re.split("[0-9?]", number.text)


@dataclass(frozen=True, slots=True)
class _Addends:
    numbers: tuple[ReadNumber, ...]
    total: Sequence[ReadDigit] | str


def _summed(reading: Reading, check: Check, threshold: float) -> Reading:
    numbers = reading.numbers
    total = check.total or ""
    needed = 3 if total == "last" else 2
    if len(numbers) < needed:
        there = "1 number was" if len(numbers) == 1 else f"{len(numbers) or 'no'} numbers were"
        return _not_summed(reading, f"{there} found; the check {check.name} needs {needed} or more")
    written = [each.text for each in numbers]
    units = _units(written if total == "last" else [*written, total])
    if units is None:
        return _not_summed(
            reading, f"{', '.join(written)} cannot be added; expected numbers for the check {check.name}"
        )
    addends = _Addends(numbers[:-1], numbers[-1].digits) if total == "last" else _Addends(numbers, total)
    results = settle_sum([each.digits for each in addends.numbers], addends.total, threshold, units=units)
    settled = tuple(
        replace(
            number,
            text=joined(result.text, _text_around(number)),
            confidence=result.confidence,
            read=number.text,
            fits=result.fits,
        )
        for number, result in zip(numbers, results, strict=True)
    )
    fits = all(each.fits for each in settled)
    mismatch = None if fits else f"the numbers do not fulfil the check {check.name}"
    notes = "; ".join(filter(None, (reading.note, mismatch)))
    return replace(reading, settled=settled, fits=reading.fits and fits, note=notes or None)


def _not_summed(reading: Reading, note: str) -> Reading:
    """Return the reading with "?" for every digit, since nothing confirms any of them, and the note."""
    settled = tuple(
        replace(each, text=joined("?" * len(each.digits), _text_around(each)), read=each.text, fits=False)
        for each in reading.numbers
    )
    return replace(reading, settled=settled, fits=False, note="; ".join(filter(None, (reading.note, note))))


def _units(written: Sequence[str]) -> list[int] | None:
    """Return what 1 in the last digit of each number is worth, as `settle_sum` takes it: the least of them is 1.

    None if one of them is no number that can be added: a date, a time, a range.

    >>> _units(["1,5", "-2", "3.50"])
    [10, -100, 1]
    """
    matches = [_ADDEND.fullmatch(each.replace(" ", "")) for each in written]
    if any(each is None for each in matches):
        return None
    decimals = [len(each["decimals"] or "") for each in matches if each is not None]
    signs = [-1 if each["minus"] else 1 for each in matches if each is not None]
    return [sign * 10 ** (max(decimals) - count) for sign, count in zip(signs, decimals, strict=True)]
