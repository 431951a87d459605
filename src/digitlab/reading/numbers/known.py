"""Apply a list or a check to a page's numbers: each becomes an entry of the list, fulfils the check, or is "?"."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.errors import DigitlabError, UsageError
from digitlab.reading.numbers.assignment import one_to_one
from digitlab.reading.numbers.checks import Check, check_of, settle
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


def with_known_numbers(reading: Reading, wanted: Constraints, threshold: float) -> Reading:
    """Add `Reading.settled` to a reading if a list or a check is wanted; otherwise return it unchanged.

    As with a pattern, one number of the page is what was asked for: the most likely that fits, among its numbers and
    its whole lines. With a number of lines, each of them is one. A sum is one for all numbers.

    threshold: the confidence from which a number is returned as read
    """
    if wanted.among is None and wanted.check is None:
        return reading
    if wanted.among is not None:
        return _settled(reading, wanted, functools.partial(_of_list, among=listed(wanted.among), threshold=threshold))
    check = check_of(wanted.check or "")
    if check.total is not None:
        return _summed(reading, check, threshold)
    complete = reading.fits and (wanted.count is not None or wanted.pattern is not None)
    return _settled(reading, wanted, functools.partial(_checked, check=check, threshold=threshold, complete=complete))


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
    listed_ = number_list(among)
    read = [each for each in readings if not isinstance(each, DigitlabError)]
    units = [_the_number(each) for each in read]
    found = iter(one_to_one([unit.digits for unit in units], listed_))
    units_left = iter(units)
    result: list[Reading | DigitlabError] = []
    for reading in readings:
        if isinstance(reading, DigitlabError):
            result.append(reading)
            continue
        unit, given = next(units_left), next(found)
        number = replace(
            unit, text=given.text, confidence=given.confidence, read=unit.read if unit.read is not None else unit.text,
            fits=not given.doubtful, second=None, margin=given.margin,
        )  # fmt: skip
        said = None
        if given.entry is None:
            said = "no number of the list that is left is likely enough"
        elif given.doubtful:
            said = f"doubtful: {10**given.margin:.1f} times as likely as the best assignment without this pair"
        notes = [each for each in (_note_before_list(reading), said) if each]
        result.append(replace(reading, settled=(number,), fits=not given.doubtful, note="; ".join(notes) or None))
    return result


def _note_before_list(reading: Reading) -> str:
    """Return a reading's note without what was said because no entry of the list fitted by itself."""
    note = reading.note or ""
    if reading.settled and not reading.settled[0].fits:
        note = note.removesuffix(_said_of_list(reading.settled[0])).removesuffix("; ")
    return note


def _the_number(reading: Reading) -> ReadNumber:
    """Return the number of a picture that holds one: what its list led to, else its longest."""
    numbers = reading.numbers
    if len(numbers) > 1 and reading.settled is not None:
        raise UsageError(f"a picture holds {len(numbers)} numbers of the list; expected one, where each gets its own")
    return max(numbers, key=lambda each: len(each.digits), default=_nothing())


@functools.lru_cache(maxsize=4)
def listed(entries: tuple[str, ...]) -> NumberList:
    """Build the list of these entries, once for all pictures."""
    return NumberList(entries)


def _settled(reading: Reading, wanted: Constraints, settle_one: Callable[[ReadNumber], ReadNumber]) -> Reading:
    """Settle each line as a number if a number of lines was given, else only the number that fits best."""
    lines = _lines(reading)
    if wanted.lines is not None:
        settled = tuple(settle_one(each) for each in lines)
        missing = wanted.lines - len(settled)
        notes = [_said(each, wanted) for each in settled if not each.fits]
        if missing > 0:
            notes.append(f"{missing} of {wanted.lines} numbers were not found")
    else:
        units = lines if wanted.pattern is not None else [*reading.numbers, *lines]
        tried = [settle_one(each) for each in dict.fromkeys(units)]
        best = max(tried, key=lambda each: (each.fits, *_worth(each, wanted)), default=_nothing())
        settled = (best,)
        notes = [] if best.fits else [_said(best, wanted)]
    notes = [said for said in (reading.note, *notes) if said]
    fits = reading.fits and all(each.fits for each in settled) and (wanted.lines or 1) <= len(settled)
    return replace(reading, settled=settled, fits=fits, note="; ".join(notes) or None)


def _worth(number: ReadNumber, wanted: Constraints) -> tuple[float, float]:
    """Rank the numbers of a page: for a list by probability, for a check by length."""
    return (number.confidence, 0.0) if wanted.among is not None else (len(number.digits), number.confidence)


def _said(number: ReadNumber, wanted: Constraints) -> str:
    if wanted.among is not None or not number.digits:
        return _said_of_list(number)
    return f"{number.read} does not fulfil the check {wanted.check}"


def _said_of_list(number: ReadNumber) -> str:
    if not number.digits:
        return "no number was found"
    return f"{number.read} matches no number of the list with certainty: nearest {_near(number)}"


def _near(number: ReadNumber) -> str:
    return f"{100 * number.confidence:.0f} %" + (f", then {number.second}" if number.second else "")


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
    text, sure = " ".join(each.text for each in parts), math.prod(each.confidence for each in parts)
    return ReadNumber(text, (min(x0), min(y0), max(x1), max(y1)), sure, digits, marks)


def _nothing() -> ReadNumber:
    return ReadNumber("", (0, 0, 0, 0), 0.0, (), read="", fits=False)


def _of_list(number: ReadNumber, *, among: NumberList, threshold: float) -> ReadNumber:
    found = nearest(number.digits, among, threshold)
    return replace(
        number, text=found.text, confidence=found.confidence, read=number.text, fits=found.fits, second=found.second,
        margin=found.margin,
    )  # fmt: skip


def _checked(number: ReadNumber, *, check: Check, threshold: float, complete: bool) -> ReadNumber:
    found = settle(number.digits, check, threshold, written=_around(number), complete=complete)
    return replace(number, text=found.text, confidence=found.confidence, read=number.text, fits=found.fits)


def _around(number: ReadNumber) -> list[str]:
    """Return the text before each digit and after the last."""
    return re.split("[0-9?]", number.text)


@dataclass(frozen=True, slots=True)
class _Addends:
    numbers: tuple[ReadNumber, ...]
    total: Sequence[ReadDigit] | str


def _summed(reading: Reading, check: Check, threshold: float) -> Reading:
    numbers = reading.numbers
    total = check.total or ""
    if len(numbers) < (3 if total == "last" else 2):
        note = f"{len(numbers)} numbers were found; expected more for the check {check.name}"
        settled = tuple(replace(each, read=each.text, fits=False) for each in numbers)
        return replace(reading, settled=settled, fits=False, note="; ".join(filter(None, (reading.note, note))))
    written = [each.text for each in numbers]
    units = _units(written if total == "last" else [*written, total])
    if units is None:
        note = f"{', '.join(written)} cannot be added; expected numbers for the check {check.name}"
        settled = tuple(
            replace(each, text=_with_signs("?" * len(each.digits), each), read=each.text, fits=False)
            for each in numbers
        )
        return replace(reading, settled=settled, fits=False, note="; ".join(filter(None, (reading.note, note))))
    asked = _Addends(numbers[:-1], numbers[-1].digits) if total == "last" else _Addends(numbers, total)
    found = settle_sum([each.digits for each in asked.numbers], asked.total, threshold, units=units)
    settled = tuple(
        replace(number, text=_with_signs(one.text, number), confidence=one.confidence, read=number.text, fits=one.fits)
        for number, one in zip(numbers, found, strict=True)
    )
    fits = all(each.fits for each in settled)
    unfit = None if fits else f"the numbers do not fulfil the check {check.name}"
    notes = "; ".join(filter(None, (reading.note, unfit)))
    return replace(reading, settled=settled, fits=reading.fits and fits, note=notes or None)


def _units(written: Sequence[str]) -> list[int] | None:
    """Return what 1 in the last digit of each number is worth, as `settle_sum` takes it: the least of them is 1.

    None if one of them is no number that can be added: a date, a time, a range.

    >>> _units(["1,5", "-2", "3.50"])
    [10, -100, 1]
    """
    found = [_ADDEND.fullmatch(each.replace(" ", "")) for each in written]
    if any(each is None for each in found):
        return None
    decimals = [len(each["decimals"] or "") for each in found if each is not None]
    signs = [-1 if each["minus"] else 1 for each in found if each is not None]
    return [sign * 10 ** (max(decimals) - count) for sign, count in zip(signs, decimals, strict=True)]


def _with_signs(digits: str, number: ReadNumber) -> str:
    around = _around(number)
    return around[0] + "".join(digit + sign for digit, sign in zip(digits, around[1:], strict=True))
