"""Which candidates are digits that were found: those that are answered, and those that are as good as next to one.

A candidate that is not answered may be a digit written badly, or a speck, a frame, a letter. Who reads the text must
see the first as "?", and nothing of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Floats = tuple[float, float, float, float]

__all__ = ["ALONE", "found_digits"]

ALONE = 0.5  # the confidence of what nothing beside it speaks for
BESIDE = 0.35  # the same of a mark in line with digits that are answered
_LEAST_HEIGHT, _MOST_HEIGHT = 0.6, 1.6  # of the digits that are answered on its line
_WIDEST = 1.5  # of its height
_NEAR = 8.0  # heights of those digits, to the nearest of them


def found_digits(
    line: Sequence[Floats], confidences: Sequence[float], threshold: float, *, alone: bool = False
) -> list[bool]:
    """Which candidates of one line are digits, answered or not.

    line: boxes in pixels; threshold: from which confidence on one is answered
    alone: whether no digit is answered on the whole page, which would speak for those in line with it
    """
    answered = [box for box, confidence in zip(line, confidences, strict=True) if confidence >= threshold]
    return [
        confidence >= threshold or (alone and confidence >= ALONE) or (confidence >= BESIDE and _in_line(box, answered))
        for box, confidence in zip(line, confidences, strict=True)
    ]


def _in_line(box: Floats, answered: Sequence[Floats]) -> bool:
    """Whether a candidate stands among digits as one of them would."""
    if not answered:
        return False
    usual = float(np.median([y1 - y0 for _, y0, _, y1 in answered]))
    x0, y0, x1, y1 = box
    if not _LEAST_HEIGHT * usual <= y1 - y0 <= _MOST_HEIGHT * usual or x1 - x0 > _WIDEST * (y1 - y0):
        return False
    return min(max(x0 - right, left - x1) for left, _, right, _ in answered) <= _NEAR * usual
