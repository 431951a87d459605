"""From candidates to the digits of a page, line by line: unconstrained, with a fixed count, or matching a pattern.

An answered digit is never dropped to reach a requested count: the page is then read as if nothing had been asked for,
and the note says what stands there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.errors import counted
from digitlab.reading.candidates import BESIDE, found_digits, without_commas
from digitlab.reading.constraints import DIGIT
from digitlab.reading.lines import exactly, in_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.reading.candidates import Candidate
    from digitlab.reading.constraints import Constraints

__all__ = ["LARGE", "Decoded", "decode"]

_TINY, _NEARLY_CERTAIN = 3.0, 0.95  # times smaller than the one large digit; confidence of a digit nevertheless
LARGE = 0.25  # of a picture's longest side: a mark of that size is what the picture shows
_POSSIBLE = 0.15  # the least confidence of a candidate that may fill a requested place


@dataclass(frozen=True, slots=True)
class Decoded:
    """The candidates that are accepted as digits.

    lines: line by line, from left to right
    mismatch: what stands there instead of what was asked for; None if it fits
    pattern: the pattern that was applied; None without one, or if more digits stand there than it has
    """

    lines: list[list[Candidate]]
    mismatch: str | None = None
    pattern: str | None = None


def decode(
    candidates: Sequence[Candidate], constraints: Constraints, threshold: float, side: float = math.inf
) -> Decoded:
    """Select the digits among a page's candidates, under constraints.

    threshold: the confidence from which digits are answered
    side: the picture's longest side in pixels; one large mark that may be a digit is found, though not answered
    """
    decoded = _constrained(without_commas(candidates, threshold), constraints, threshold, side)
    line_count = len(decoded.lines)
    if constraints.lines in (None, line_count):
        return decoded
    if not line_count and decoded.mismatch:  # it says already that nothing was found
        return decoded
    lines = counted(line_count, "line was", "lines were")
    mismatch = f"{lines} found where {constraints.lines} were expected"
    return replace(decoded, mismatch=f"{decoded.mismatch}; {mismatch}" if decoded.mismatch else mismatch)


def _constrained(candidates: Sequence[Candidate], constraints: Constraints, threshold: float, side: float) -> Decoded:
    unconstrained = _unconstrained(candidates, threshold, side)
    if constraints.pattern is not None:
        return _matching_pattern(candidates, unconstrained, constraints.pattern, constraints.lines, threshold)
    if constraints.count is None:
        return Decoded(_regrouped(unconstrained, constraints.lines))
    found_count = sum(map(len, unconstrained))
    expectation = f"{constraints.count} {_were(constraints.count)} expected"
    answered = sum(each.confidence >= threshold for line in unconstrained for each in line)
    if answered > constraints.count:
        return Decoded(_regrouped(unconstrained, constraints.lines), _mismatch(found_count, expectation))
    chosen = _most_likely(candidates, constraints.count)
    lines = _regrouped(_in_lines(chosen), constraints.lines)
    if len(chosen) == constraints.count:
        return Decoded(lines)
    return Decoded(lines, _mismatch(len(chosen), expectation))


def _unconstrained(candidates: Sequence[Candidate], threshold: float, side: float) -> list[list[Candidate]]:
    """Select the digits without constraints: the answered ones, and further plausible ones (see `found_digits`)."""
    alone = not any(each.confidence >= threshold for each in candidates)
    digits = []
    for line in _in_lines(candidates):
        accepted = found_digits([each.box for each in line], [each.confidence for each in line], threshold, alone=alone)
        digits += [each for each, digit in zip(line, accepted, strict=True) if digit]
    if not digits:
        digits = [
            each for each in _most_likely(candidates, 1) if each.confidence >= BESIDE and each.longest >= LARGE * side
        ]
    # Lines are formed once more: rejected candidates may have split or joined them.
    return _in_lines(_without_dirt(digits, threshold))


def _without_dirt(digits: list[Candidate], threshold: float) -> list[Candidate]:
    """Drop tiny candidates beside one large digit as grain of the paper, unless they are nearly certain."""
    largest = max(digits, key=lambda each: each.longest, default=None)
    if largest is None or largest.confidence < threshold:
        return digits
    others = [each for each in digits if each is not largest]
    if any(each.longest * _TINY > largest.longest for each in others):
        return digits
    return [largest, *(each for each in others if each.confidence >= _NEARLY_CERTAIN)]


def _matching_pattern(
    candidates: Sequence[Candidate],
    unconstrained: list[list[Candidate]],
    pattern: str,
    line_count: int | None,
    threshold: float,
) -> Decoded:
    """Match the pattern to the line that fits it best, or to each of the requested lines."""
    digit_count = pattern.count(DIGIT)
    lines = _regrouped(_in_lines([each for each in candidates if each.confidence >= _POSSIBLE]), line_count)
    if line_count is None and lines:
        lines = [max(lines, key=lambda line: sum(each.confidence for each in _most_likely(line, digit_count)))]
    most_answered = max((sum(each.confidence >= threshold for each in line) for line in lines), default=0)
    if most_answered > digit_count:
        return Decoded(unconstrained, _mismatch(most_answered, f"the pattern {pattern} has {digit_count}"))
    matched = []
    for line in lines:
        chosen = sorted(_most_likely(line, digit_count), key=lambda each: each.box[0])
        matched.append([replace(each, pattern_index=index) for index, each in enumerate(chosen)])
    fewest = min((len(line) for line in matched), default=0)
    mismatch = None if fewest == digit_count else _mismatch(fewest, f"the pattern {pattern} has {digit_count}")
    return Decoded(matched, mismatch, pattern)


def _most_likely(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    possible = [each for each in candidates if each.confidence >= _POSSIBLE]
    return sorted(possible, key=lambda each: -each.confidence)[:count]


def _in_lines(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    return [[candidates[row] for row in line] for line in in_lines([each.box for each in candidates])]


def _regrouped(lines: list[list[Candidate]], line_count: int | None) -> list[list[Candidate]]:
    """Regroup the candidates into a fixed number of lines, if one is given."""
    if line_count is None:
        return lines
    candidates = [each for line in lines for each in line]
    indices = iter(range(len(candidates)))
    rows = exactly(
        [[next(indices) for _ in line] for line in lines],
        line_count,
        [each.box for each in candidates],
        [each.confidence for each in candidates],
    )
    return [[candidates[row] for row in line] for line in rows]


def _mismatch(count: int, expectation: str) -> str:
    found = counted(count, "digit was", "digits were") if count else "no digit was"
    rest = "these are all that were found" if count else "nothing else is there"
    return f"{found} found where {expectation}; {rest}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
