"""Marks into lines of writing, in reading order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Box = tuple[float, float, float, float]

__all__ = ["exactly", "in_lines"]

_SAME_LINE = 0.4  # of the lower mark's height: overlap with the line's last mark
_LOOK_BACK = 3  # marks at a line's end that one may overlap with: a raised one must not end it
_STEP = 0.35  # of the usual height: a smaller step is a hand that does not write straight, and parts no line
_STRAY = 0.35  # of what the lines hold usually: a line of less is dirt rather than writing


def in_lines(boxes: Sequence[Box]) -> list[list[int]]:
    """Which boxes stand on each line, top to bottom; each line is followed from left to right, so it may slope."""
    lines: list[list[int]] = []
    for index in sorted(range(len(boxes)), key=lambda index: boxes[index][0]):
        belonging = [_belonging(boxes, index, line) for line in lines]
        most = max(belonging, default=0.0)
        if most >= _SAME_LINE:
            lines[belonging.index(most)].append(index)
        else:
            lines.append([index])
    return sorted(lines, key=lambda line: float(np.mean([boxes[index][1] + boxes[index][3] for index in line])))


def exactly(lines: list[list[int]], wanted: int, boxes: Sequence[Box], weights: Sequence[float]) -> list[list[int]]:
    """The same marks on ``wanted`` lines: stray ones left out or joined to their neighbour, crowded ones parted.

    There are fewer where no line can be parted.

    weights: how likely each mark is a digit, 0 … 1
    """
    lines = [list(line) for line in lines]
    while len(lines) > wanted:
        held = [sum(weights[index] for index in line) for line in lines]
        weakest = int(np.argmin(held))
        usual = float(np.median(sorted(held)[-wanted:]))
        if held[weakest] < _STRAY * usual:
            del lines[weakest]
            continue
        gaps = [_middle(boxes, lower) - _middle(boxes, upper) for upper, lower in pairwise(lines)]
        upper = int(np.argmin(gaps))
        lines[upper : upper + 2] = [sorted(lines[upper] + lines[upper + 1], key=lambda index: boxes[index][0])]
    while len(lines) < wanted:
        places = [_widest_gap(boxes, line) for line in lines]
        number = max(range(len(lines)), key=lambda number: places[number][0], default=None)
        if number is None or places[number][0] < _STEP * float(np.median([box[3] - box[1] for box in boxes])):
            break
        _, height = places[number]
        line = lines[number]
        lines[number : number + 1] = [
            [index for index in line if _centre(boxes[index]) < height],
            [index for index in line if _centre(boxes[index]) >= height],
        ]
    return lines


def _belonging(boxes: Sequence[Box], index: int, line: Sequence[int]) -> float:
    """The rows that a mark shares with the line's end, in parts of the lower one's height."""
    _, top, _, bottom = boxes[index]
    ends = (boxes[each] for each in line[-_LOOK_BACK:])
    shares = [(min(bottom, y1) - max(top, y0)) / max(min(bottom - top, y1 - y0), 1e-6) for _, y0, _, y1 in ends]
    return shares[-1] if shares[-1] >= _SAME_LINE else min(max(shares), _SAME_LINE if max(shares) > 0.6 else 0.0)


def _centre(box: Box) -> float:
    return (box[1] + box[3]) / 2.0


def _middle(boxes: Sequence[Box], line: Sequence[int]) -> float:
    return float(np.mean([_centre(boxes[index]) for index in line]))


def _widest_gap(boxes: Sequence[Box], line: Sequence[int]) -> tuple[float, float]:
    """The largest step in height between a line's marks, and the height in its middle."""
    heights = sorted(_centre(boxes[index]) for index in line)
    return max(((b - a, (a + b) / 2.0) for a, b in pairwise(heights)), default=(0.0, 0.0))
