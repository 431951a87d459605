"""The one digit of a picture's ink: connected components, merged if they make up one digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.reading.ink import INK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.values import Box

    Labels = NDArray[np.uint16] | NDArray[np.int32]
    Found = tuple["Mark", NDArray[np.float32]]  # a mark, and its own ink within its box

__all__ = ["FAINT", "main_mark", "with_soft_edges"]

FAINT = 0.15  # of full ink: the soft edge that still belongs to a stroke
_FEWEST_PIXELS = 4  # a mark with fewer is dust at any size
_MOST_MARKS = 1500  # the largest are kept: no page of digits has more, but noise has a hundred thousand

# For one digit per image, as fractions of the main stroke's longest side or area.
_NEAR = 0.12
_LEAST_PART = 0.02
_AT_BORDER = 0.3  # weight of what touches the border: more likely a frame or a neighbour's stroke
_AROUND = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Mark:
    """A possible digit. box: in pixels of the ink map; parts: the labels of its connected components."""

    box: Box
    parts: tuple[int, ...]
    area: int

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.box[3] - self.box[1]

    @property
    def longest(self) -> int:
        """The longest side in pixels."""
        return max(self.width, self.height)


def main_mark(ink: NDArray[np.float32]) -> Found | None:
    """Find the one digit of a picture and its own ink, float32 of the box's size; None if there are only specks.

    ink: float32 (H, W), 0 … 1
    """
    labels, marks = _only_component(ink) or _components(ink)
    if not marks:
        return None
    if len(marks) == 1:
        return marks[0], cut_out(ink, labels, marks[0])
    chosen = max(marks, key=lambda mark: mark.area * (_AT_BORDER if _at_border(mark, ink.shape) else 1.0))
    reach = max(1, round(_NEAR * chosen.longest))
    eligible = [mark for mark in marks if _at_border(chosen, ink.shape) or not _at_border(mark, ink.shape)]
    loose = [mark for mark in eligible if mark is not chosen and mark.area >= _LEAST_PART * chosen.area]
    while near := [mark for mark in loose if _gap(mark, chosen) <= reach]:
        loose = [mark for mark in loose if mark not in near]
        chosen = joined_mark([chosen, *near])
    return chosen, cut_out(ink, labels, chosen)


def _at_border(mark: Mark, picture: tuple[int, ...]) -> bool:
    x0, y0, x1, y1 = mark.box
    return x0 == 0 or y0 == 0 or x1 == picture[1] or y1 == picture[0]


def connected(mask: NDArray[np.uint8]) -> tuple[Labels, NDArray[np.int32]]:
    """Label connected components of non-zero pixels in uint8 (H, W): labels (H, W) from 1, and OpenCV's statistics."""
    # A page's statistics take a third of the time with 16-bit labels; there are no more components than pixels.
    label_type = cv2.CV_16U if cv2.countNonZero(mask) < 1 << 16 else cv2.CV_32S
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=label_type)
    return labels, statistics  # type: ignore[return-value]  # OpenCV's own types do not say the element type


def _only_component(ink: NDArray[np.float32]) -> tuple[Labels, list[Mark]] | None:
    """Return `_components` if all ink is connected, in a third of the time; None otherwise, or for dust."""
    solid = (ink >= INK).view(np.uint8)
    area = cv2.countNonZero(solid)
    if not _FEWEST_PIXELS <= area < 1 << 16:
        return None
    count, labels = cv2.connectedComponents(solid, connectivity=8, ltype=cv2.CV_16U)
    if count != 2:  # the paper is one of them
        return None
    x, y, width, height = cv2.boundingRect(solid)
    return labels, [Mark((x, y, x + width, y + height), (1,), area)]  # type: ignore[return-value]


def _components(ink: NDArray[np.float32]) -> tuple[Labels, list[Mark]]:
    labels, statistics = connected((ink >= INK).view(np.uint8))
    areas = statistics[:, cv2.CC_STAT_AREA]
    large = 1 + np.flatnonzero(areas[1:] >= _FEWEST_PIXELS)
    if len(large) > _MOST_MARKS:
        large = np.sort(large[np.argsort(-areas[large], kind="stable")[:_MOST_MARKS]])
    marks = [
        Mark((x, y, x + width, y + height), (part,), area)
        for part, (x, y, width, height, area) in zip(large.tolist(), statistics[large].tolist(), strict=True)
    ]
    return labels, marks


def cut_out(ink: NDArray[np.float32], labels: Labels, mark: Mark) -> NDArray[np.float32]:
    """Return the ink of the mark's components with their soft edges, without anything else in its box."""
    x0, y0, x1, y1 = mark.box
    x0, y0, x1, y1 = max(0, x0 - 1), max(0, y0 - 1), min(ink.shape[1], x1 + 1), min(ink.shape[0], y1 + 1)
    near = labels[y0:y1, x0:x1]
    own = np.isin(near, mark.parts) if len(mark.parts) > 1 else near == mark.parts[0]
    return with_soft_edges(ink[y0:y1, x0:x1], own)[0]


def with_soft_edges(ink: NDArray[np.float32], strokes: NDArray[np.bool_]) -> tuple[NDArray[np.float32], int, int]:
    """Cut the ink of some strokes out of a part of a picture: float32 (h, w); and its left and top edge in the part."""
    soft = ink * cv2.dilate(strokes.view(np.uint8), _AROUND)
    left, top, width, height = cv2.boundingRect((soft >= FAINT).view(np.uint8))
    return np.asarray(soft[top : top + height, left : left + width], np.float32), left, top


def joined_mark(marks: Sequence[Mark]) -> Mark:
    """Merge several marks into one."""
    x0, y0, x1, y1 = zip(*(mark.box for mark in marks), strict=True)
    parts = tuple(part for mark in marks for part in mark.parts)
    return Mark((min(x0), min(y0), max(x1), max(y1)), parts, sum(mark.area for mark in marks))


def _gap(one: Mark, other: Mark) -> int:
    """Return the pixels between two boxes, along the axis on which they are further apart; negative if they overlap."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = one.box, other.box
    return max(ax0 - bx1, bx0 - ax1, ay0 - by1, by0 - ay1)
