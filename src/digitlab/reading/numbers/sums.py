"""Numbers that add up: the jointly most probable values of several numbers and their total."""

from __future__ import annotations

import math
from itertools import chain, repeat, zip_longest
from typing import TYPE_CHECKING

from digitlab.reading.numbers.checks import NOT_FULFILLED, POSSIBLE, Settled, values_of
from digitlab.reading.numbers.evidence import CARRIED, evidence_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.reading.numbers.checks import Check
    from digitlab.reading.numbers.evidence import Evidence
    from digitlab.values import ReadDigit

__all__ = ["settle_sum"]

_VALUES = 40  # most likely values tried of each number
_TOTALS = 20_000  # partial sums that are kept
_ODDS = (1.0 - NOT_FULFILLED) / NOT_FULFILLED * 100.0  # numbers as read add up by chance once in a hundred

Way = tuple[float, float, tuple[str, ...]]  # log-probability of the best way, probability of all ways, the best values


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
    given = [evidence_of(digits) for digits in numbers]
    ways: dict[int, Way] = {0: (0.0, 1.0, ())}
    of_each = list(chain(units, repeat(1, len(given) + 1 - len(units))))
    for (evidence, check), unit in zip(zip_longest(given, checks), of_each[:-1], strict=True):
        likely = values_of(evidence, _VALUES) if len(evidence) else [("0", 0.0)]
        if check is not None and len(evidence):
            likely = [each for each in likely if check.fulfilled(each[0])]
        ways = _with_next(ways, likely, unit)
    last, targets = _totals(total)
    fitting = [
        (way[0] + log, way[1] * math.exp(log), (*way[2], value))
        for value, log in targets
        if (way := ways.get(of_each[-1] * int(value))) is not None
    ]
    everything = [*given, *([] if last is None else [last])]
    best = max(fitting, default=None)
    mass = sum(chance for _, chance, _ in fitting)
    confidence = 0.0 if best is None else _ODDS * math.exp(best[0]) / (_ODDS * mass + max(0.0, 1.0 - mass))
    read = [each.likeliest for each in everything]
    values = read
    if best is not None:  # its last value is the total, also where that was given
        values = [value if len(each) else "" for each, value in zip(everything, best[2], strict=False)]
    changed = [
        tuple(at for at, (one, other) in enumerate(zip(value, as_read, strict=True)) if one != other)
        for value, as_read in zip(values, read, strict=True)
    ]
    carried = all(
        float(evidence.probabilities[at, int(value[at])]) >= POSSIBLE
        for evidence, value, places in zip(everything, values, changed, strict=True)
        for at in places
    )
    fits = best is not None and carried and confidence >= (max(threshold, CARRIED) if any(changed) else threshold)
    texts = values if fits else _left_open(everything)
    return tuple(
        Settled(text, confidence, fits=fits, read=as_read, changed=places if fits else ())
        for text, as_read, places in zip(texts, read, changed, strict=True)
    )


def _totals(total: Sequence[ReadDigit] | str) -> tuple[Evidence | None, Sequence[tuple[str, float]]]:
    """Return the evidence of a total that was read, None for a given one, and its likely values, with logarithms."""
    if isinstance(total, str):
        return None, [("".join(sign for sign in total if sign.isdigit()), 0.0)]
    last = evidence_of(total)
    return last, values_of(last, 10 * _VALUES) if len(last) else []


def _left_open(everything: Sequence[Evidence]) -> list[str]:
    """Return what was read, with "?" for the uncertain digits; for all of them if there is none."""
    sure = [each.probabilities.max(axis=1) * each.present >= CARRIED for each in everything]
    none = all(bool(each.all()) for each in sure)
    return [
        "".join("?" if none or not fine else digit for digit, fine in zip(each.likeliest, those.tolist(), strict=True))
        for each, those in zip(everything, sure, strict=True)
    ]


def _with_next(ways: dict[int, Way], values: Sequence[tuple[str, float]], unit: int) -> dict[int, Way]:
    """Extend all sums by one more number."""
    found: dict[int, Way] = {}
    for sum_, (best, chance, path) in ways.items():
        for value, log in values:
            here = sum_ + unit * int(value)
            before = found.get(here)
            together = chance * math.exp(log) + (before[1] if before else 0.0)
            if before is None or best + log > before[0]:
                found[here] = (best + log, together, (*path, value))
            else:
                found[here] = (before[0], together, before[2])
    if len(found) > _TOTALS:
        kept = sorted(found, key=lambda each: -found[each][1])[:_TOTALS]
        return {each: found[each] for each in kept}
    return found
