"""Numbers that add up: the jointly most probable values of several numbers and their total."""

from __future__ import annotations

import math
from itertools import chain, repeat, zip_longest
from typing import TYPE_CHECKING

from digitlab.reading.numbers.checks import NOT_FULFILLED, POSSIBLE, Settled, values_of
from digitlab.reading.numbers.evidence import CHANGE_THRESHOLD, evidence_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.reading.numbers.checks import Check
    from digitlab.reading.numbers.evidence import Evidence
    from digitlab.values import ReadDigit

__all__ = ["settle_sum"]

_VALUES = 40  # most likely values tried of each number
_TOTALS = 20_000  # partial sums that are kept
_ODDS = (1.0 - NOT_FULFILLED) / NOT_FULFILLED * 100.0  # numbers as read add up by chance once in a hundred

# Log-probability of the most likely values with this sum, probability of all values with it, the most likely values.
PartialSum = tuple[float, float, tuple[str, ...]]


def settle_sum(
    numbers: Sequence[Sequence[ReadDigit]],
    total: Sequence[ReadDigit] | str,
    threshold: float = 0.5,
    checks: Sequence[Check | None] = (),
    units: Sequence[int] = (),
) -> tuple[Settled, ...]:
    """Find the most probable values of numbers that add up to a total, if the evidence supports them.

    Otherwise "?" stands for the uncertain digits, or for all of them. As in `settle`, digits are changed only to what
    the reader considered possible, and returned from 0.95 on.

    numbers: the digits of each addend, none for an empty one; total: the digits of the sum, which is settled too, or
        the sum itself
    checks: for each addend the check that its value must fulfil by itself, or None; by default there are none
    units: for each addend, and then for the total, the value of its last digit's 1, negative after a minus: (1, 10, 1)
        for 1.5 + 2 = 3.5; by default 1: all are whole numbers, or all have the same number of decimals

    Returns:
        One for each addend, and one for the total if its digits were given.
    """
    addends = [evidence_of(digits) for digits in numbers]
    sums: dict[int, PartialSum] = {0: (0.0, 1.0, ())}
    all_units = list(chain(units, repeat(1, len(addends) + 1 - len(units))))
    for (evidence, check), unit in zip(zip_longest(addends, checks), all_units[:-1], strict=True):
        choices = values_of(evidence, _VALUES) if len(evidence) else [("0", 0.0)]
        if check is not None and len(evidence):
            choices = [choice for choice in choices if check.fulfilled(choice[0])]
        sums = _with_addend(sums, choices, unit)
    total_evidence, targets = _totals(total)
    fitting = [
        (partial[0] + log, partial[1] * math.exp(log), (*partial[2], value))
        for value, log in targets
        if (partial := sums.get(all_units[-1] * int(value))) is not None
    ]
    all_numbers = [*addends, *([] if total_evidence is None else [total_evidence])]
    best = max(fitting, default=None)
    mass = sum(chance for _, chance, _ in fitting)
    confidence = 0.0 if best is None else _ODDS * math.exp(best[0]) / (_ODDS * mass + max(0.0, 1.0 - mass))
    read = [each.likeliest for each in all_numbers]
    values = read
    if best is not None:  # its last value is the total, also where that was given
        values = [value if len(each) else "" for each, value in zip(all_numbers, best[2], strict=False)]
    changed = [
        tuple(at for at, (one, other) in enumerate(zip(value, as_read, strict=True)) if one != other)
        for value, as_read in zip(values, read, strict=True)
    ]
    plausible = all(
        float(evidence.probabilities[at, int(value[at])]) >= POSSIBLE
        for evidence, value, places in zip(all_numbers, values, changed, strict=True)
        for at in places
    )
    needed = max(threshold, CHANGE_THRESHOLD) if any(changed) else threshold
    fits = best is not None and plausible and confidence >= needed
    texts = values if fits else _with_question_marks(all_numbers)
    return tuple(
        Settled(text, confidence, fits=fits, read=as_read, changed=places if fits else ())
        for text, as_read, places in zip(texts, read, changed, strict=True)
    )


def _totals(total: Sequence[ReadDigit] | str) -> tuple[Evidence | None, Sequence[tuple[str, float]]]:
    """Return the evidence of a total that was read, None for a given one, and its likely values, with logarithms."""
    if isinstance(total, str):
        return None, [("".join(sign for sign in total if sign.isdigit()), 0.0)]
    evidence = evidence_of(total)
    return evidence, values_of(evidence, 10 * _VALUES) if len(evidence) else []


def _with_question_marks(numbers: Sequence[Evidence]) -> list[str]:
    """Return what was read, with "?" for the uncertain digits; for all of them if there is none."""
    certain = [each.probabilities.max(axis=1) * each.present >= CHANGE_THRESHOLD for each in numbers]
    all_certain = all(bool(each.all()) for each in certain)
    return [
        "".join(digit if keep and not all_certain else "?" for digit, keep in zip(number.likeliest, mask, strict=True))
        for number, mask in zip(numbers, certain, strict=True)
    ]


def _with_addend(sums: dict[int, PartialSum], values: Sequence[tuple[str, float]], unit: int) -> dict[int, PartialSum]:
    """Extend all sums by one more number."""
    extended: dict[int, PartialSum] = {}
    for sum_, (best, probability, digits) in sums.items():
        for value, log in values:
            total = sum_ + unit * int(value)
            previous = extended.get(total)
            combined = probability * math.exp(log) + (previous[1] if previous else 0.0)
            if previous is None or best + log > previous[0]:
                extended[total] = (best + log, combined, (*digits, value))
            else:
                extended[total] = (previous[0], combined, previous[2])
    if len(extended) > _TOTALS:
        likeliest = sorted(extended, key=lambda each: -extended[each][1])[:_TOTALS]
        return {each: extended[each] for each in likeliest}
    return extended
