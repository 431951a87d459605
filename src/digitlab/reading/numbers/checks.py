"""Numbers with a check: the most probable value that fulfils it, if the evidence supports that value.

What is written may be wrong itself, or something other than what was asked for. So a fulfilled check is likely a
priori, but never certain: 1 number in 100 may not fulfil it. The probability of a value is that of its digits times
this prior. A value is returned as the answer

* if it is the value that was read anyway: from the reader's threshold on;
* if digits were changed to reach it: from 0.95 on, and only digits to whose new value the reader itself gave a
  probability of 0.05 or more: a digit of which the reader was sure is never changed.

Otherwise the number does not fit, and "?" stands for each digit that remains uncertain with the check; for all digits
if none does.
"""

from __future__ import annotations

import calendar
import functools
import heapq
import itertools
import math
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError
from digitlab.reading.numbers.evidence import CHANGE_THRESHOLD, OVERLOOKED, evidence_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from digitlab.reading.numbers.evidence import Evidence
    from digitlab.values import ReadDigit

__all__ = ["CHECKS", "Check", "Settled", "check_of", "joined", "settle", "values_of"]

CHECKS = "luhn, mod97, isbn, date, date:dmy, date:mdy, date:ymd, range:a-b"
NOT_FULFILLED = 0.01  # the share of written numbers that do not fulfil the check that was asked for
POSSIBLE = 0.05  # the least probability of a digit that replaces the most likely one
_MOST_ODDS = 1e4  # cap on the prior odds of a fulfilled check: rarer ones prove no more
_MOST_VALUES, _ENOUGH = 2000, 0.9995  # values tried, the most likely first; total probability that is enough
_LEAST = 1e-9  # of the most likely value's probability: less likely values are not tried
_LONGEST = 60  # most digits of a number that is checked


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a number, made by `check_of`.

    name: as it was asked for
    fulfilled: whether a number's text (digits, with signs where they were read) fulfils it
    share: fraction of all texts with this many digits that fulfil it: how much a fulfilled check tells
    total: for ``sum:``, which concerns all numbers of a page: the number that they add up to, "last" for the last one
        of them; None for all other checks
    """

    name: str
    fulfilled: Callable[[str], bool] = field(compare=False)
    share: Callable[[int], float] = field(compare=False)
    total: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A number after its check.

    text: one character per digit, "?" for those left uncertain, with the signs that were given
    confidence: 0 … 1, of the value that is most likely with the check (even if it is not returned)
    fits: whether the evidence supports a value that fulfils the check; if not, there is a "?" in the text
    read: the most likely digit at each place, without the check
    changed: the indices of the digits, from 0, where the text differs from ``read``
    """

    text: str
    confidence: float
    fits: bool
    read: str
    changed: tuple[int, ...] = ()


def check_of(text: str, *, sums: str = "sum:last or sum:NUMBER") -> Check:
    """Make a check by name: luhn, mod97, isbn, date (date:dmy, date:mdy, date:ymd), range:a-b, sum:last, sum:NUMBER.

    luhn: the last digit is Luhn's check digit (ISO/IEC 7812); mod97: the whole is 1 modulo 97 (ISO 7064, MOD 97-10);
    isbn: of 13 digits that begin with 978 or 979, or of 10; date: a day that exists, of six or eight digits, or
    separated by signs; range: a whole or decimal number, both ends included.

    sums: how a sum is written, for the message: on forms it is of fields

    Raises:
        UsageError: for any other, listing the known ones.

    >>> check_of("luhn").fulfilled("79927398713"), check_of("isbn").fulfilled("978-3-16-148410-0")
    (True, True)
    >>> check_of("date").fulfilled("31.02.2024"), check_of("range:0-30").fulfilled("12,5")
    (False, True)
    """
    name, _, rest = text.strip().partition(":")
    plain = {"luhn": (_luhn, 0.1), "mod97": (_mod97, 1.0 / 97.0), "isbn": (_isbn, 0.1)}
    if name in plain and not rest:
        fulfilled, share = plain[name]
        return Check(text.strip(), _of_digits(fulfilled), functools.partial(_constant_share, share))
    if name == "date" and rest in ("", "dmy", "mdy", "ymd"):
        orders = (rest,) if rest else ("dmy", "ymd", "mdy")
        return Check(text.strip(), lambda written: _is_date(written, orders), _share_of_dates)
    if name == "range" and (ends := re.fullmatch(r"(-?[0-9]+(?:[.,][0-9]+)?)-(-?[0-9]+(?:[.,][0-9]+)?)", rest)):
        return _range(text.strip(), _decimal(ends[1]), _decimal(ends[2]))
    if name == "sum" and (rest == "last" or re.fullmatch(r"[0-9]{1,12}(?:[.,][0-9]{1,4})?", rest)):
        return Check(text.strip(), lambda _: True, lambda _: 1.0, rest)
    raise UsageError(f"check is {text[:60]!r}; expected one of {CHECKS} or {sums}")


def settle(
    digits: Sequence[ReadDigit],
    check: Check,
    threshold: float = 0.5,
    *,
    written: Sequence[str] | None = None,
    complete: bool = False,
) -> Settled:
    """Find the most probable value of a number's digits that fulfils the check, if the evidence supports it.

    digits: in reading order, answered or not; no digits give an empty text that does not fit
    threshold: the confidence from which a value is returned as read
    written: the text around the digits, one more than there are digits: what stands before each and after the last,
        such as ("", "", ".", …) for a date with points; None: nothing
    complete: whether no digit can be missing, as in boxes of a form, or if their number is known
    """
    evidence = evidence_of(digits)
    around = list(written) if written is not None else [""] * (len(digits) + 1)
    read = evidence.likeliest
    if not 0 < len(evidence) <= _LONGEST:
        return Settled(joined("?" * len(evidence), around), 0.0, fits=False, read=joined(read, around))
    candidates = _likely_values(evidence)
    fulfilled = [check.fulfilled(joined(value, around)) for value, _ in candidates]
    share = min(max(check.share(len(evidence)), 1e-12), 1.0)
    # At least 1: where nearly every number fulfils the check (range:1-9999), fewer than 1 in 100 do not fulfil it.
    odds = min(max((1.0 - NOT_FULFILLED) / NOT_FULFILLED * (1.0 - share) / share, 1.0), _MOST_ODDS)
    weights = [probability * (odds if ok else 1.0) for (_, probability), ok in zip(candidates, fulfilled, strict=True)]
    untried = max(0.0, 1.0 - sum(probability for _, probability in candidates)) * (1.0 - share + share * odds)
    # Otherwise a digit is spurious or missing, and the others fulfil the check only by chance.
    overlooked = 0.0 if complete or check.name == "isbn" else OVERLOOKED
    all_present = math.prod(evidence.present.tolist()) * (1.0 - overlooked) ** len(evidence)
    total = sum(weights) + untried + (1.0 - all_present) / all_present * max(1.0, odds * share)
    best = max((row for row, ok in enumerate(fulfilled) if ok), key=weights.__getitem__, default=None)
    confidence = 0.0 if best is None else weights[best] / total
    if best is not None:
        value = candidates[best][0]
        changed = tuple(index for index, (one, other) in enumerate(zip(value, read, strict=True)) if one != other)
        plausible = all(float(evidence.probabilities[index, int(value[index])]) >= POSSIBLE for index in changed)
        if confidence >= (max(threshold, CHANGE_THRESHOLD) if changed else threshold) and plausible:
            return Settled(joined(value, around), confidence, fits=True, read=joined(read, around), changed=changed)
    uncertain = _uncertain_indices(
        candidates, weights, sum(weights) + untried, len(evidence), max(threshold, CHANGE_THRESHOLD)
    )
    text = "".join("?" if index in uncertain else sign for index, sign in enumerate(read))
    return Settled(joined(text, around), confidence, fits=False, read=joined(read, around))


def _uncertain_indices(
    candidates: list[tuple[str, float]], weights: list[float], total: float, count: int, threshold: float
) -> set[int]:
    """Return the places whose digit is uncertain given the check; all of them if there is none."""
    read = candidates[0][0]
    weights_of_read = [
        sum(w for (value, _), w in zip(candidates, weights, strict=True) if value[index] == read[index])
        for index in range(count)
    ]
    uncertain = {index for index in range(count) if weights_of_read[index] / total < threshold}
    return uncertain or set(range(count))


def joined(digits: str, around: Sequence[str]) -> str:
    """Return digits with the text before each of them and after the last."""
    return around[0] + "".join(digit + sign for digit, sign in zip(digits, around[1:], strict=True))


def _likely_values(evidence: Evidence) -> list[tuple[str, float]]:
    """Return the most likely values with their probabilities, until these sum to nearly 1."""
    values, total = [], 0.0
    for value, log in itertools.islice(_values(evidence), _MOST_VALUES):
        values.append((value, math.exp(log)))
        total += values[-1][1]
        if total >= _ENOUGH:
            break
    return values


def values_of(evidence: Evidence, most: int = _MOST_VALUES) -> list[tuple[str, float]]:
    """Return the most likely values with log-probabilities, in descending order; without digits, an empty one."""
    return list(itertools.islice(_values(evidence), most))


def _values(evidence: Evidence) -> Iterator[tuple[str, float]]:
    rows = evidence.probabilities
    ranked = (-rows).argsort(axis=1, kind="stable").tolist()
    logs = (-np.sort(-np.log(rows), axis=1)).tolist()
    top = sum(log[0] for log in logs)
    heap = [(-top, (0,) * len(ranked), 0)]  # last item: places before it stay fixed, so that each value comes once
    while heap:
        cost, ranks, start = heapq.heappop(heap)
        if -cost < top + math.log(_LEAST):
            return
        yield "".join(str(order[rank]) for order, rank in zip(ranked, ranks, strict=True)), -cost
        for index in range(start, len(ranks)):
            rank = ranks[index]
            if rank < 9:
                nearby = (*ranks[:index], rank + 1, *ranks[index + 1 :])
                heapq.heappush(heap, (cost + logs[index][rank] - logs[index][rank + 1], nearby, index))


def _of_digits(fulfilled: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda written: fulfilled("".join(sign for sign in written if sign.isdigit()))


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return len(digits) > 1 and sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def _mod97(digits: str) -> bool:
    return len(digits) > 2 and int(digits) % 97 == 1


def _isbn(digits: str) -> bool:
    if len(digits) == 13:
        weighted = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
        return digits.startswith(("978", "979")) and weighted % 10 == 0
    return len(digits) == 10 and sum(int(digit) * (10 - index) for index, digit in enumerate(digits)) % 11 == 0


def _is_date(written: str, orders: Sequence[str]) -> bool:
    """Return whether digits are a day in one of the orders; signs that were read separate day, month and year."""
    parts = re.findall(r"[0-9]+", written)
    digits = "".join(parts)
    separators = set(itertools.accumulate(map(len, parts[:-1])))
    return 4 <= len(digits) <= 8 and any(_is_day(order, digits, separators) for order in orders)


def _is_day(order: str, digits: str, separators: set[int]) -> bool:
    """Return whether digits can be split into a day in this order, at least at the places in ``separators``."""
    for widths in itertools.product(*(((2, 4) if part == "y" else (1, 2)) for part in order)):
        first, second = widths[0], widths[0] + widths[1]
        if sum(widths) != len(digits) or not separators <= {first, second}:
            continue
        named = dict(zip(order, (digits[:first], digits[first:second], digits[second:]), strict=True))
        year = int(named["y"]) + (2000 if len(named["y"]) == 2 else 0)
        if 1800 <= year <= 2199 and 1 <= int(named["m"]) <= 12 and int(named["d"]) >= 1:
            month = int(named["m"])
            last = 31 if month in (1, 3, 5, 7, 8, 10, 12) else 30 if month != 2 else 28 + calendar.isleap(year)
            if int(named["d"]) <= last:
                return True
    return False


def _constant_share(share: float, digits: int) -> float:  # noqa: ARG001 - as other shares
    return share


def _share_of_dates(digits: int) -> float:
    """Return the fraction, as counted, of texts of this many digits that are a day in one of the orders."""
    return {4: 0.9, 5: 0.6, 6: 0.35, 7: 0.06, 8: 0.03}.get(digits, 1e-6)


def _range(name: str, low: Decimal, high: Decimal) -> Check:
    if low > high:
        raise UsageError(f"check is {name!r}; expected the lower end first, as in range:0-30")

    def fulfilled(written: str) -> bool:
        try:
            return low <= _decimal(written) <= high
        except InvalidOperation:
            return False

    def share(digits: int) -> float:
        inside = min(float(high), 10.0**digits - 1.0) - max(float(low), 0.0) + 1.0
        return min(max(inside / 10.0**digits, 1e-6), 1.0)

    return Check(name, fulfilled, share)


def _decimal(written: str) -> Decimal:
    """Parse a number as people write it.

    Raises:
        InvalidOperation: for anything else.
    """
    return Decimal(written.replace(" ", "").replace(",", "."))
