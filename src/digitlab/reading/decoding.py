"""From candidates to the digits of a page, line by line: unconstrained, with a fixed count, or matching a pattern.

An answered digit is never dropped to reach a requested count: the page is then read as if nothing had been asked for,
and the note says what stands there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.reading.candidates import found_digits
from digitlab.reading.constraints import DIGIT
from digitlab.reading.lines import exactly, in_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.reading.candidates import Candidate
    from digitlab.reading.constraints import Constraints

__all__ = ["Decoded", "decode"]

_TINY, _NEARLY_CERTAIN = 3.0, 0.95  # times smaller than the one large digit; confidence of a digit nevertheless
_POSSIBLE = 0.15  # the least confidence of a candidate that may fill a requested place


@dataclass(frozen=True, slots=True)
class Decoded:
    """The candidates that are accepted as digits.

    lines: line by line, from left to right
    unfit: what stands there instead of what was asked for; None if it fits
    pattern: the pattern that was applied; None without one, or if more digits stand there than it has
    """

    lines: list[list[Candidate]]
    unfit: str | None = None
    pattern: str | None = None


def decode(candidates: Sequence[Candidate], wanted: Constraints, threshold: float) -> Decoded:
    """Select the digits among a page's candidates, under the constraints in ``wanted``.

    threshold: the confidence from which digits are answered
    """
    decoded = _as_wanted(candidates, wanted, threshold)
    there = len(decoded.lines)
    if wanted.lines in (None, there) or (not there and decoded.unfit):  # then it says that nothing was found
        return decoded
    said = f"{there} {'line' if there == 1 else 'lines'} {_were(there)} found where {wanted.lines} were expected"
    return replace(decoded, unfit=f"{decoded.unfit}; {said}" if decoded.unfit else said)


def _as_wanted(candidates: Sequence[Candidate], wanted: Constraints, threshold: float) -> Decoded:
    free = _found(candidates, threshold)
    if wanted.pattern is not None:
        return _along(candidates, free, wanted.pattern, wanted.lines, threshold)
    if wanted.count is None:
        return Decoded(_on_lines(free, wanted.lines))
    there = sum(map(len, free))
    answered = sum(each.confidence >= threshold for line in free for each in line)
    if answered > wanted.count:
        return Decoded(_on_lines(free, wanted.lines), _unfit(there, f"{wanted.count} {_were(wanted.count)} expected"))
    chosen = _likeliest(candidates, wanted.count)
    lines = _on_lines(_lines_of(chosen), wanted.lines)
    if len(chosen) == wanted.count:
        return Decoded(lines)
    return Decoded(lines, _unfit(len(chosen), f"{wanted.count} {_were(wanted.count)} expected"))


def _found(candidates: Sequence[Candidate], threshold: float) -> list[list[Candidate]]:
    """Select the digits without constraints: the answered ones, and further plausible ones (see `found_digits`)."""
    alone = not any(each.confidence >= threshold for each in candidates)
    found = []
    for line in _lines_of(candidates):
        said = found_digits([each.box for each in line], [each.confidence for each in line], threshold, alone=alone)
        found += [each for each, digit in zip(line, said, strict=True) if digit]
    # Lines are formed once more: rejected candidates may have split or joined them.
    return _lines_of(_without_dirt(found, threshold))


def _without_dirt(found: list[Candidate], threshold: float) -> list[Candidate]:
    """Drop tiny candidates beside one large digit as grain of the paper, unless they are nearly certain."""
    largest = max(found, key=lambda each: each.longest, default=None)
    if largest is None or largest.confidence < threshold:
        return found
    others = [each for each in found if each is not largest]
    if any(each.longest * _TINY > largest.longest for each in others):
        return found
    return [largest, *(each for each in others if each.confidence >= _NEARLY_CERTAIN)]


def _along(
    candidates: Sequence[Candidate], free: list[list[Candidate]], pattern: str, wanted: int | None, threshold: float
) -> Decoded:
    """Match the pattern to the line that fits it best, or to each of the requested lines."""
    asked = pattern.count(DIGIT)
    lines = _on_lines(_lines_of([each for each in candidates if each.confidence >= _POSSIBLE]), wanted)
    if wanted is None and lines:
        lines = [max(lines, key=lambda line: sum(sorted((each.confidence for each in line), reverse=True)[:asked]))]
    more = max((sum(each.confidence >= threshold for each in line) for line in lines), default=0)
    if more > asked:
        return Decoded(free, _unfit(more, f"the pattern {pattern} has {asked}"))
    followed = []
    for line in lines:
        chosen = sorted(_likeliest(line, asked), key=lambda each: each.box[0])
        followed.append([replace(each, place=place) for place, each in enumerate(chosen)])
    fewest = min((len(line) for line in followed), default=0)
    return Decoded(followed, None if fewest == asked else _unfit(fewest, f"the pattern {pattern} has {asked}"), pattern)


def _likeliest(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    possible = [each for each in candidates if each.confidence >= _POSSIBLE]
    return sorted(possible, key=lambda each: -each.confidence)[:count]


def _lines_of(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    return [[candidates[row] for row in line] for line in in_lines([each.box for each in candidates])]


def _on_lines(lines: list[list[Candidate]], wanted: int | None) -> list[list[Candidate]]:
    """Regroup the candidates into a fixed number of lines, if one is given."""
    if wanted is None:
        return lines
    every = [each for line in lines for each in line]
    numbered = iter(range(len(every)))
    rows = exactly(
        [[next(numbered) for _ in line] for line in lines],
        wanted,
        [each.box for each in every],
        [each.confidence for each in every],
    )
    return [[every[row] for row in line] for line in rows]


def _unfit(there: int, asked: str) -> str:
    found = "1 digit was" if there == 1 else f"{there} digits were" if there else "no digit was"
    return f"{found} found where {asked}; " + ("these are all that were found" if there else "nothing else is there")


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
