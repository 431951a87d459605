"""A total and the fields of its form that it sums up: the values of all of them that are most likely together.

If the evidence supports no sum, nothing is forced: uncertain digits become "?", the total becomes "failed check", and
the addends become doubtful, since one of them may have been misread.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from digitlab.errors import UsageError, counted
from digitlab.reading.numbers import settle_sum
from digitlab.sheets.values import ANSWERED, DOUBTFUL, EMPTY, FAILED, is_sum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitlab.reading.numbers import Settled
    from digitlab.sheets.form import Field
    from digitlab.sheets.values import FieldRead, Known

__all__ = ["addends_of", "settled_total", "sums_of"]

_WHOLE = re.compile(r"#+([.,]#+)?")


def addends_of(total: Field, fields: Sequence[Field]) -> tuple[Field, ...]:
    """Return the fields that a total sums up: its check names them, separated by "+", with * for any letters.

    Raises:
        UsageError: for a name that no field has, and for fields that cannot be added.

    >>> from digitlab.sheets.form import Field
    >>> points = [Field(f"task.{row}.points", "", "boxes", boxes=2, pattern="##") for row in "12"]
    >>> total = Field("total", "Total", "boxes", boxes=3, pattern="###", check="sum:task.*.points")
    >>> [each.name for each in addends_of(total, [*points, total])]
    ['task.1.points', 'task.2.points']
    """
    addends: dict[str, Field] = {}
    for part in total.check.partition(":")[2].split("+"):
        matches = [each for each in fields if each.name != total.name and fnmatchcase(each.name, part.strip())]
        if not matches:
            names = ", ".join(each.name for each in fields if each.kind == "boxes" and each is not total)
            raise UsageError(f"no field is called {part.strip()!r}; expected some of {names[:300] or 'none'}")
        addends |= {each.name: each for each in matches}
    decimals = _decimals(total)
    for each in addends.values():
        if _decimals(each) != decimals:
            digits = counted(decimals, "digit")
            expected = f"{digits} after the decimal sign" if decimals else "whole numbers"
            raise UsageError(f"{each.name} cannot be added up to {total.name}; expected boxes with {expected}")
        if each.among or is_sum(each.check):
            raise UsageError(f"{each.name} has a list or a sum of its own; expected fields without")
    return tuple(addends.values())


def _decimals(field: Field) -> int:
    """Return the number of digits after the decimal sign; -1 for a field that holds no number."""
    match = _WHOLE.fullmatch(field.pattern) if field.kind == "boxes" else None
    return -1 if match is None else len(match[1] or " ") - 1


def sums_of(fields: Sequence[Field]) -> dict[str, tuple[Field, ...]]:
    """Return the addends of each total of a form.

    Raises:
        UsageError: as `addends_of`; and for a field that belongs to two totals, or a total that holds no number.
    """
    sums: dict[str, tuple[Field, ...]] = {}
    total_of: dict[str, str] = {}
    for total in fields:
        if not is_sum(total.check):
            continue
        if _decimals(total) < 0:
            raise UsageError(f"{total.name} contains no number; expected boxes, or a pattern such as ###.#")
        sums[total.name] = addends_of(total, fields)
        for each in sums[total.name]:
            if each.name in total_of:
                raise UsageError(
                    f"{each.name} belongs to {total_of[each.name]} already; expected each field in one sum"
                )
            total_of[each.name] = total.name
    return sums


def settled_total(
    total: tuple[Field, FieldRead],
    addends: Sequence[tuple[Field, FieldRead]],
    known: Mapping[str, Known],
    threshold: float,
) -> tuple[dict[str, FieldRead], str | None]:
    """Settle a total and its addends: their fields by name, and one line if they do not add up.

    An empty addend counts as nothing; an empty total is left empty. threshold: as for `value_of`
    """
    field, read = total
    all_fields = [*addends, total]
    if read.state == EMPTY:
        return {}, None
    if any(_has_gap(each) for _, each in all_fields):
        note = f"{field.name} cannot be checked: a box between digits is empty"
        return {field.name: replace(read, state=DOUBTFUL)}, note
    checks = [known[each.name].check for each, _ in addends]
    settled = settle_sum([each.digits for _, each in addends], read.digits, threshold, checks)
    if settled[-1].fits:
        return {
            each.name: _as_settled(each, addend_read, result)
            for (each, addend_read), result in zip(all_fields, settled, strict=True)
            if addend_read.state != EMPTY
        }, None
    blamed = any(result.text.strip("?") for result in settled)  # else no digit is more uncertain than the others
    doubtful = {
        each.name: _doubtful_addend(each, addend_read, result, blamed=blamed)
        for (each, addend_read), result in zip(addends, settled, strict=False)
        if addend_read.state != EMPTY
    }
    doubtful[field.name] = replace(
        read, value=_text(field, settled[-1].text), confidence=settled[-1].confidence, state=FAILED
    )
    return doubtful, f"{field.name} is read as {read.read}, and {_sum_of(addends)} is what its fields add up to"


def _has_gap(read: FieldRead) -> bool:
    return sum(sign == "?" or sign.isdigit() for sign in read.read) > len(read.digits)


def _as_settled(field: Field, read: FieldRead, settled: Settled) -> FieldRead:
    """Apply the value from the sum. It is at least as likely to be right as all of them together."""
    confidence = settled.confidence if settled.changed else max(read.confidence, settled.confidence)
    return replace(read, value=_text(field, settled.text), confidence=confidence, state=ANSWERED)


def _doubtful_addend(field: Field, read: FieldRead, settled: Settled, *, blamed: bool) -> FieldRead:
    """Mark an addend of a failed sum as doubtful; it keeps its value, except for digits that may be to blame."""
    value = _text(field, settled.text) if blamed and "?" in settled.text else read.value
    return replace(read, value=value, state=read.state if read.state == FAILED else DOUBTFUL)


def _text(field: Field, digits: str) -> str:
    return field.written(digits) if len(digits) == field.boxes else digits


def _sum_of(addends: Sequence[tuple[Field, FieldRead]]) -> str:
    """Return the sum of what was read, as the total would be written."""
    values = ["".join(sign for sign in each.read if sign == "?" or sign.isdigit()) for _, each in addends]
    if any("?" in value for value in values):
        return "something that was not read entirely"
    decimals = _decimals(addends[0][0])
    total = sum(int(value or "0") for value in values)
    return f"{total / 10**decimals:.{decimals}f}" if decimals else str(total)
