"""Which marks of a page are digits that were found: those that are answered, and those that are as good as next to one.

A mark that is not answered may be a digit written badly, or a speck, a frame, a letter. Who reads the text must see the
first as "?", and nothing of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.reading.glyph import stroke_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.likeliest import ReadCluster
    from digitlab.values import Box

__all__ = ["ALONE", "BESIDE", "found_digits", "without_bars"]

ALONE = 0.5  # the confidence of what nothing beside it speaks for: one digit is likelier than the nine others together
BESIDE = 0.3  # the same of a mark in line with digits that are answered
_LEAST_HEIGHT, _MOST_HEIGHT = 0.6, 1.6  # of the digits that are answered on its line
_WIDEST = 1.5  # of its height
_NEAR = 8.0  # heights of those digits, to the nearest of them

_SLENDER = 0.2  # of the height: the width of a stroke that stands upright
_LOWEST, _HIGHEST = 0.45, 1.35  # times as high as digits: ones are seldom half as high, or a third higher
_THINNEST = 0.4  # of the width of the digits' strokes
_FEWEST = 2  # digits of a line that say how high digits are


def found_digits(
    line: Sequence[Box], probabilities: Sequence[NDArray[np.float32]], threshold: float, *, alone: bool = False
) -> list[bool]:
    """Which marks of one line are digits, answered or not.

    line: boxes in pixels; probabilities: float32 (10,) of each; threshold: from which confidence on it is answered
    alone: whether no digit is answered on the whole page, which would speak for those in line with it
    """
    sure = [float(each.max()) for each in probabilities]
    answered = [box for box, confidence in zip(line, sure, strict=True) if confidence >= threshold]
    return [
        confidence >= threshold or (alone and confidence >= ALONE) or (confidence >= BESIDE and _in_line(box, answered))
        for box, confidence in zip(line, sure, strict=True)
    ]


def _in_line(box: Box, answered: Sequence[Box]) -> bool:
    """Whether a mark stands among digits as one of them would."""
    if not answered:
        return False
    usual = float(np.median([y1 - y0 for _, y0, _, y1 in answered]))
    x0, y0, x1, y1 = box
    if not _LEAST_HEIGHT * usual <= y1 - y0 <= _MOST_HEIGHT * usual or x1 - x0 > _WIDEST * (y1 - y0):
        return False
    return min(max(x0 - right, left - x1) for left, _, right, _ in answered) <= _NEAR * usual


def without_bars(reads: Sequence[ReadCluster], threshold: float) -> list[ReadCluster]:
    """Without upright strokes that are much higher, lower or thinner than the digits on their height of the page.

    They are the walls of boxes, or pieces of them, and would be read as ones.

    threshold: the confidence of digits that say how high digits are, and how broad the pen is
    """
    digits = [read for read in reads if _answer(read) != 1 and read.answers[0].max() >= threshold]
    return [read for read in reads if not _is_bar(read.cluster.box, digits)]


def _is_bar(box: Box, digits: Sequence[ReadCluster]) -> bool:
    x0, y0, x1, y1 = box
    if x1 - x0 > _SLENDER * (y1 - y0):
        return False
    beside = [read.cluster for read in digits if read.cluster.box[1] < y1 and read.cluster.box[3] > y0]
    if len(beside) < _FEWEST:
        return False
    high = float(np.median([each.mark.height for each in beside]))
    pen = float(np.median([stroke_width(each.pieces[0].ink) for each in beside]))
    return not _LOWEST <= (y1 - y0) / high <= _HIGHEST or x1 - x0 < _THINNEST * pen


def _answer(read: ReadCluster) -> int:
    return int(read.answers[0].argmax())
