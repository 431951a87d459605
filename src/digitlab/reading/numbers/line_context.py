"""Accept doubtful digits by line context: where one number is all that is written, a mark shaped like a digit is one.

The page reader judges a mark as on pages of all kinds, between letters, rules and signs. In a number that stands
alone, most of the marks that it doubts are digits nevertheless, above all thin ones: of drawn numbers that were
misread, two in three lacked a digit or had one declined. So where hardly any ink of the line is left unexplained, the
odds of a candidate with a clear most likely digit are multiplied if its ink is placed like a digit's: as high as its
neighbours, on their baseline, near them, and not a slash. On pages of several lines half of what this found was wrong.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from digitlab.reading.candidates import overlap
from digitlab.reading.numbers.line_ink import line_ink

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.reading.candidates import Candidate
    from digitlab.reading.numbers.line_ink import LineInk, Speck

__all__ = ["with_line_context"]

_ODDS = 4.0  # factor on a candidate's odds on such a line; anything below 1 in 5 stays below one half
_WHICH = 0.7  # the least probability of its most likely digit
_FEWEST = 2  # least number of answered digits on the line
_BIG, _THIN = 0.55, 0.4  # digit heights, and pen widths: only ink at least this large must be explained
_UNEXPLAINED = 0.35  # of the number of digits: how many unexplained components are allowed, one in any case
_HIGH, _LOW, _WIDE, _NEAR = (0.68, 1.25), 0.12, 1.1, 0.8  # digit heights: bounds on a digit's ink, gap beside it
_SAME = 0.5  # least IoU of a candidate with its component


def with_line_context(
    picture: NDArray[np.uint8], candidates: list[Candidate], lines: Sequence[Sequence[Candidate]], threshold: float
) -> list[Candidate]:
    """Return a page's candidates, with higher scores for doubtful ones that stand in its only line.

    picture: uint8 (H, W, 3) RGB, in which the line is upright; lines: of digits, as found without constraints;
        threshold: the confidence from which digits are answered
    """
    if len(lines) != 1 or sum(each.confidence >= threshold for each in lines[0]) < _FEWEST:
        return candidates
    (line,) = lines
    ink = line_ink(picture, [each.box for each in line])
    # Too much ink is unexplained, as with letters: leave all as it is.
    if ink is None or len(_big(ink)) > max(1.0, _UNEXPLAINED * len(line)):
        return candidates
    changed = _raised_candidates(ink, line, candidates, threshold)
    return [changed.get(id(each), each) for each in candidates]


def _big(ink: LineInk) -> list[Speck]:
    return [each for each in ink.specks if each.high >= _BIG and each.thin >= _THIN * ink.pen]


def _raised_candidates(
    ink: LineInk, line: Sequence[Candidate], candidates: Sequence[Candidate], threshold: float
) -> dict[int, Candidate]:
    """Return what doubtful digits of the line, and other candidates that stand in it, become, by identity."""
    answered = [each for each in line if each.confidence >= threshold]
    changed = {
        id(each): _raised(each)
        for index, each in enumerate(line)
        if each.confidence < threshold and _placed_like(each, answered, ink, index)
    }
    on_line = {id(each) for each in line}
    others = [each for each in candidates if id(each) not in on_line]
    for speck in _big(ink):
        match = _matching_candidate(ink, speck, others)
        if match is not None and _raised(match).confidence >= threshold:
            changed[id(match)] = _raised(match)
    return changed


def _raised(candidate: Candidate) -> Candidate:
    if float(candidate.probabilities.max()) < _WHICH:
        return candidate
    odds = _ODDS * candidate.score
    return replace(candidate, score=odds / (1.0 - candidate.score + odds))


def _placed_like(candidate: Candidate, answered: Sequence[Candidate], ink: LineInk, index: int) -> bool:
    """Return whether a candidate's box is placed like those of the two nearest answered digits."""
    (x0, y0, x1, y1), middle = candidate.box, candidate.box[0] + candidate.box[2]
    neighbours = sorted(answered, key=lambda each: abs(each.box[0] + each.box[2] - middle))[:2]
    height = sum(each.box[3] - each.box[1] for each in neighbours) / len(neighbours)
    offset = (sum(each.box[3] for each in neighbours) / len(neighbours) - y1) / height
    distance = min(max(x0 - each.box[2], each.box[0] - x1) for each in neighbours) / height
    component = ink.digit(index)
    if component is not None and _is_slash(component):
        return False
    return _HIGH[0] <= (y1 - y0) / height <= _HIGH[1] and abs(offset) <= _LOW and distance <= _NEAR


def _matching_candidate(ink: LineInk, speck: Speck, others: Sequence[Candidate]) -> Candidate | None:
    """Return the candidate that matches a component with a digit's form; None if there is none."""
    digit_shaped = _HIGH[0] <= speck.high <= _HIGH[1] and abs(speck.low) <= _LOW and speck.wide <= _WIDE
    if not digit_shaped or _is_slash(speck):
        return None
    box = ink.placed(speck.box)
    best = max(others, key=lambda each: overlap(each.box, box), default=None)
    return None if best is None or overlap(best.box, box) < _SAME else best


def _is_slash(speck: Speck) -> bool:
    """Return whether a stroke leans to the right and is higher than digits, or goes below their baseline."""
    return speck.lean >= 0.25 and (speck.high >= 1.08 or speck.low <= -0.05)
