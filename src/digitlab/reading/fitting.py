"""Whether a page holds what was asked for, so many digits or a pattern; and what is said where it does not.

A digit that stands there is never left out to reach a number, nor a clear one cut in two: then the page is read as if
nothing had been asked for, and the note says what stands there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.reading.found import ALONE, found_digits
from digitlab.reading.likeliest import DIGIT
from digitlab.reading.lines import in_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.reading.lattice import Piece
    from digitlab.reading.likeliest import Choice, Followed
    from digitlab.values import Box

__all__ = ["Chosen", "count_fits", "pattern_fits"]

_COVERED = 0.5  # of a digit's box


@dataclass(frozen=True, slots=True)
class Chosen:
    """The pieces that are taken for digits, line by line; see `page.Seen`."""

    lines: list[list[Choice]]
    unfit: str | None = None
    pattern: str | None = None


def count_fits(chosen: Sequence[Choice], free: Sequence[Choice], count: int, threshold: float) -> str | None:
    """None where the chosen are as many digits as were asked for, and leave none out; else what stands there."""
    found = _found(chosen, threshold)
    left_out = _left_out([choice.piece for choice in chosen], free, threshold)
    if len(found) == count and not left_out and not _cuts_a_clear_one(chosen, free, threshold):
        return None
    there = len(_found(free, threshold))
    return f"{_digits(there)} found where {count} {_were(count)} expected; these are all that were found"


def pattern_fits(
    followed: Sequence[Followed], free: Sequence[Sequence[Choice]], pattern: str, threshold: float
) -> Chosen:
    """The digits that follow a pattern; where more stand on such a line, all that do, without the pattern.

    followed: each line as it follows the pattern best; free: the same lines where nothing is asked for
    """
    asked = pattern.count(DIGIT)
    lines = [line.chosen for line in followed]
    if any(
        _left_out(line.taken, row, threshold) or _cuts_a_clear_one(line.chosen, row, threshold)
        for line, row in zip(followed, free, strict=True)
    ):
        there = max(len(_found(row, threshold)) for row in free)
        return Chosen(
            [list(row) for row in free],
            f"{_digits(there)} found where the pattern {pattern} has {asked}; these are all that were found",
        )
    fewest = min((len(line) for line in lines), default=0)
    unfit = None if fewest == asked else f"{_digits(fewest)} found where the pattern {pattern} has {asked}"
    return Chosen(lines, unfit, pattern)


def _found(choices: Sequence[Choice], threshold: float) -> list[Choice]:
    boxes = [choice.piece.box for choice in choices]
    kept: list[Choice] = []
    for line in in_lines(boxes):
        each = [choices[index] for index in line]
        said = found_digits([boxes[index] for index in line], [choice.probabilities for choice in each], threshold)
        kept += [choice for choice, found in zip(each, said, strict=True) if found]
    return kept


def _left_out(taken: Sequence[Piece], free: Sequence[Choice], threshold: float) -> bool:
    """Whether a digit is in none of the pieces taken: a likely one anywhere, a doubtful one between two that are."""
    boxes = np.array([piece.box for piece in taken], np.float64).reshape(-1, 4)
    found = _found(free, threshold)
    for line in in_lines([choice.piece.box for choice in found]):
        inside = [_covered(found[index].piece.box, boxes) >= _COVERED for index in line]
        for place, index in enumerate(line):
            likely = float(found[index].probabilities.max()) >= min(threshold, ALONE)
            if not inside[place] and (likely or (any(inside[:place]) and any(inside[place:]))):
                return True
    return False


def _cuts_a_clear_one(chosen: Sequence[Choice], free: Sequence[Choice], threshold: float) -> bool:
    """Whether a digit that reads surely was cut into pieces that do not, to reach a number."""
    doubtful = [choice.piece.box for choice in chosen if float(choice.probabilities.max()) < threshold]
    whole = np.array([choice.piece.box for choice in _sure(free, threshold)], np.float64).reshape(-1, 4)
    return any(_covered(box, whole) >= _COVERED for box in doubtful)


def _sure(choices: Sequence[Choice], threshold: float) -> list[Choice]:
    return [choice for choice in choices if float(choice.probabilities.max()) >= threshold]


def _covered(box: Box, others: np.ndarray) -> float:
    """The largest share of a box that one of float64 (N, 4) covers."""
    if not len(others):
        return 0.0
    sides = np.minimum(others[:, 2:], box[2:]) - np.maximum(others[:, :2], box[:2])
    return float(np.clip(sides, 0.0, None).prod(axis=1).max()) / max(1, (box[2] - box[0]) * (box[3] - box[1]))


def _digits(number: int) -> str:
    return "1 digit was" if number == 1 else f"{number} digits were" if number else "no digit was"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
