"""Group marks into lines of writing, in reading order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Box = tuple[float, float, float, float]

__all__ = ["exactly", "in_lines"]

_SAME_LINE = 0.4  # of the shorter mark's height: least overlap with the line's last mark
_LOOK_BACK = 3  # last marks of a line that are compared: a raised one must not end the line
_RAISED = 0.45  # IoU of rows that is enough with a mark before the last, which may be raised
_STEP = 0.35  # of the usual height: a smaller step is uneven writing, and does not split a line
_STRAY = 0.35  # of the usual total weight of a line: one with less is dirt rather than writing


def in_lines(boxes: Sequence[Box]) -> list[list[int]]:
    """Group boxes into lines, top to bottom; each line is followed from left to right, so it may slope."""
    lines: list[list[int]] = []
    for index in sorted(range(len(boxes)), key=lambda index: boxes[index][0]):
        overlaps = [_row_overlap(boxes[index], [boxes[each] for each in line[-_LOOK_BACK:]]) for line in lines]
        best = max(overlaps, default=0.0)
        if best > 0.0:
            lines[overlaps.index(best)].append(index)
        else:
            lines.append([index])
    return sorted(lines, key=lambda line: float(np.mean([boxes[index][1] + boxes[index][3] for index in line])))


def exactly(lines: list[list[int]], count: int, boxes: Sequence[Box], weights: Sequence[float]) -> list[list[int]]:
    """Regroup marks into ``count`` lines: stray ones are dropped or joined to their neighbour, crowded ones split.

    The result has fewer if no line can be split.

    weights: probability that each mark is a digit, 0 … 1
    """
    lines = [list(line) for line in lines]
    while len(lines) > count:
        totals = [sum(weights[index] for index in line) for line in lines]
        weakest = int(np.argmin(totals))
        typical = float(np.median(sorted(totals)[-count:]))
        if totals[weakest] < _STRAY * typical:
            del lines[weakest]
            continue
        gaps = [_mean_y(boxes, lower) - _mean_y(boxes, upper) for upper, lower in pairwise(lines)]
        upper = int(np.argmin(gaps))
        lines[upper : upper + 2] = [sorted(lines[upper] + lines[upper + 1], key=lambda index: boxes[index][0])]
    while len(lines) < count:
        widest = [_widest_gap(boxes, line) for line in lines]
        row = max(range(len(lines)), key=lambda row: widest[row][0], default=None)
        if row is None or widest[row][0] < _STEP * float(np.median([box[3] - box[1] for box in boxes])):
            break
        _, height = widest[row]
        line = lines[row]
        lines[row : row + 1] = [
            [index for index in line if _centre_y(boxes[index]) < height],
            [index for index in line if _centre_y(boxes[index]) >= height],
        ]
    return lines


def _row_overlap(box: Box, ends: Sequence[Box]) -> float:
    """Return the row overlap of a mark with a line's last marks, 0 … 1 (intersection over union); 0: another line.

    A mark that is taller than its line, and reaches into the next, does not attract that line's marks to this one.
    """
    _, top, _, bottom = box
    best = shared = 0.0
    for _, y0, _, y1 in ends:
        union_top, shared_top = (top, y0) if top < y0 else (y0, top)  # quicker than max and min
        shared_bottom, union_bottom = (bottom, y1) if bottom < y1 else (y1, bottom)
        shared = shared_bottom - shared_top
        best = max(best, shared / max(union_bottom - union_top, 1e-6))
    adjacent = shared >= _SAME_LINE * min(bottom - top, ends[-1][3] - ends[-1][1]) > 0.0
    return best if adjacent or best > _RAISED else 0.0


def _centre_y(box: Box) -> float:
    return (box[1] + box[3]) / 2.0


def _mean_y(boxes: Sequence[Box], line: Sequence[int]) -> float:
    return float(np.mean([_centre_y(boxes[index]) for index in line]))


def _widest_gap(boxes: Sequence[Box], line: Sequence[int]) -> tuple[float, float]:
    """Return the largest step in height between a line's marks, and the height in its middle."""
    heights = sorted(_centre_y(boxes[index]) for index in line)
    return max(((b - a, (a + b) / 2.0) for a, b in pairwise(heights)), default=(0.0, 0.0))
