"""Which marks of a page are digits that were found: those that are answered, and those that are as good as next to one.

A mark that is not answered may be a digit written badly, or a speck, a frame, a letter. Who reads the text must see the
first as "?", and nothing of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.reading.lines import in_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.likeliest import ReadCluster
    from digitlab.values import Box

__all__ = ["ALONE", "found_digits", "without_bars"]

ALONE = 0.5  # the confidence of what nothing beside it speaks for: one digit is likelier than the nine others together
_BESIDE = 0.3  # the same of a mark in line with digits that are answered
_LEAST_HEIGHT, _MOST_HEIGHT = 0.6, 1.6  # of the digits that are answered on its line
_WIDEST = 1.5  # of its height
_NEAR = 8.0  # heights of those digits, to the nearest of them

_SLENDER = 0.35  # of the height: the width of a straight stroke
_LOWEST, _HIGHEST = 0.45, 1.5  # times as high as digits: ones are seldom half as high, or a third higher
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
        confidence >= threshold
        or (alone and confidence >= ALONE)
        or (confidence >= _BESIDE and _in_line(box, answered))
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
    """Without straight upright strokes that are much higher or lower than the digits on their line.

    They are the walls of boxes, or pieces of them, and would be read as ones.

    threshold: the confidence of digits that say how high digits are
    """
    kept: list[int] = []
    for line in in_lines([read.cluster.box for read in reads]):
        heights = [_height(reads[n]) for n in line if _answer(reads[n]) != 1 and reads[n].answers[0].max() >= threshold]
        usual = float(np.median(heights)) if len(heights) >= _FEWEST else None
        kept += [n for n in line if usual is None or not _is_bar(reads[n], usual)]
    return [reads[number] for number in sorted(kept)]


def _is_bar(read: ReadCluster, usual: float) -> bool:
    x0, y0, x1, y1 = read.cluster.box
    return x1 - x0 <= _SLENDER * (y1 - y0) and not _LOWEST * usual <= y1 - y0 <= _HIGHEST * usual


def _answer(read: ReadCluster) -> int:
    return int(read.answers[0].argmax())


def _height(read: ReadCluster) -> int:
    return read.cluster.box[3] - read.cluster.box[1]
