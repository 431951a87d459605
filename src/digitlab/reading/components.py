"""From ink to marks: connected strokes, put together where they make one digit, in reading order on a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.reading.ink import INK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from digitlab.values import Box

    Labels = NDArray[np.uint16] | NDArray[np.int32]
    Found = tuple["Mark", NDArray[np.float32]]  # a mark and the ink of its box alone

__all__ = [
    "FAINT",
    "Mark",
    "PageMarks",
    "connected",
    "cut_out",
    "joined_mark",
    "main_mark",
    "marks_alike",
    "page_marks",
]

FAINT = 0.15  # of full ink: the soft edge that still belongs to a stroke
_FEWEST_PIXELS = 4  # a mark of less is dust at any size
_MOST_MARKS = 1500  # the largest: more are on no page of digits, but noise has a hundred thousand

# One digit an image, in parts of the main stroke's longest side or area.
_NEAR = 0.12
_LEAST_PART = 0.02
_AT_BORDER = 0.3  # what touches the border is rather a frame or the neighbour's stroke
_ALIKE = 0.5, 2.0  # of its height: how high another digit beside it may be
_MOST_ALIKE = 8

# What is no digit on a page, in parts of the page's width and height. A 1 is as thin as a ruled line, but upright.
_RULE_ASPECT = 7.0
_RULE_WIDTH = 0.15
_FRAME_WIDTH = 0.6
_FRAME_HEIGHT = 0.8
_FRAME_FILLED = 0.12

# A page's marks, in parts of the digits' usual height unless said otherwise.
_LONGEST = 2.5  # an upright line of a table, or a bracket
_SPECK = 0.3  # longest side
_DOT = 0.1  # longest side: of dotted lines and grain, which are not even parts
_PART_GAP = 0.15
_TALLEST = 1.6  # of parts put together
_SMALLEST_HOLE = 12  # pixels
_AROUND = np.ones((3, 3), np.uint8)
_HOLE_FILLED, _HOLE_DEEP = 0.65, 0.33  # a punch hole: its area, and its middle's distance from the paper


@dataclass(frozen=True, slots=True)
class Mark:
    """What may be one digit. box: in pixels of the ink map; parts: the components of the ink that it is made of."""

    box: Box
    parts: tuple[int, ...]
    area: int

    @property
    def width(self) -> int:
        """Pixels."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        """Pixels."""
        return self.box[3] - self.box[1]

    @property
    def longest(self) -> int:
        """The longest side in pixels."""
        return max(self.width, self.height)


def main_mark(ink: NDArray[np.float32]) -> Found | None:
    """The one digit of a picture and its ink alone, float32 of the box's size; None where there are only specks.

    ink: float32 (H, W), 0 … 1
    """
    labels, marks = _only_component(ink) or _components(ink)
    if not marks:
        return None
    if len(marks) == 1:
        return marks[0], cut_out(ink, labels, marks[0])
    chosen = max(marks, key=lambda mark: mark.area * (_AT_BORDER if _at_border(mark, ink.shape) else 1.0))
    reach = max(1, round(_NEAR * chosen.longest))
    alike = [mark for mark in marks if _at_border(chosen, ink.shape) or not _at_border(mark, ink.shape)]
    loose = [mark for mark in alike if mark is not chosen and mark.area >= _LEAST_PART * chosen.area]
    while near := [mark for mark in loose if _apart(mark, chosen) <= reach]:
        loose = [mark for mark in loose if mark not in near]
        chosen = joined_mark([chosen, *near])
    return chosen, cut_out(ink, labels, chosen)


def marks_alike(ink: NDArray[np.float32], main: Mark) -> list[Found]:
    """What may be further digits of a picture beside its main mark, or parts of that which are digits of their own.

    Only connected strokes about as high as the main mark; largest first, at most 8. Empty where all ink is connected.

    ink: float32 (H, W), as `main_mark` was given
    """
    labels, marks = _only_component(ink) or _components(ink)
    if len(marks) < 2:
        return []
    least, most = _ALIKE[0] * main.height, _ALIKE[1] * main.height
    alike = [mark for mark in marks if least <= mark.height <= most and not _at_border(mark, ink.shape)]
    alike.sort(key=lambda mark: -mark.area)
    return [(mark, cut_out(ink, labels, mark)) for mark in alike[:_MOST_ALIKE]]


def _at_border(mark: Mark, picture: tuple[int, ...]) -> bool:
    x0, y0, x1, y1 = mark.box
    return x0 == 0 or y0 == 0 or x1 == picture[1] or y1 == picture[0]


@dataclass(frozen=True, slots=True)
class PageMarks:
    """The marks of a page that may be digits, and what they are made of.

    ink: float32 (H, W), 0 … 1; labels: uint16 or int32 (H, W), the part that each pixel belongs to, 0 for paper
    marks: in no order; parts: each part of the ink as a mark of its own, by its label
    usual: the digits' usual height in pixels
    """

    ink: NDArray[np.float32]
    labels: Labels
    marks: tuple[Mark, ...]
    parts: dict[int, Mark]
    usual: float


def page_marks(ink: NDArray[np.float32], *, specks: float = _SPECK) -> PageMarks:
    """The marks of a page that may be digits.

    ink: float32 (H, W), 0 … 1; specks: in parts of the usual height, what is too small for one
    """
    labels, found = _components(ink)
    marks = [mark for mark in found if not _is_rule(mark, ink.shape)]
    if not marks:
        return PageMarks(ink, labels, (), {}, 0.0)
    usual = _usual_height(marks)
    marks = [mark for mark in marks if mark.height <= _LONGEST * usual and mark.longest >= _DOT * usual]
    marks = [mark for mark in _put_together(marks, usual) if mark.longest >= specks * usual]
    marks = [mark for mark in marks if not _is_hole(mark, labels)]
    return PageMarks(ink, labels, tuple(marks), {mark.parts[0]: mark for mark in found}, usual)


def _is_hole(mark: Mark, labels: Labels) -> bool:
    """Whether it is a full disc, as the holes of a ring binder are: as wide as high, and without any paper inside."""
    if len(mark.parts) > 1 or mark.longest < _SMALLEST_HOLE or not 0.75 <= mark.width / mark.height <= 1.33:
        return False
    if mark.area < _HOLE_FILLED * mark.width * mark.height:
        return False
    x0, y0, x1, y1 = mark.box
    own = (labels[y0:y1, x0:x1] == mark.parts[0]).view(np.uint8)
    framed = cv2.copyMakeBorder(own, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    return float(cv2.distanceTransform(framed, cv2.DIST_L2, 3).max()) >= _HOLE_DEEP * mark.longest


def connected(mask: NDArray[np.uint8]) -> tuple[Labels, NDArray[np.int32]]:
    """The connected parts of what is not 0 in uint8 (H, W): labels (H, W), 1 up, and OpenCV's statistics of each."""
    # A page's statistics take a third of the time with labels of 16 bits; no more parts than pixels can there be.
    kind = cv2.CV_16U if cv2.countNonZero(mask) < 1 << 16 else cv2.CV_32S
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=kind)
    return labels, statistics  # type: ignore[return-value]  # OpenCV's own types do not say the element type


def _only_component(ink: NDArray[np.float32]) -> tuple[Labels, list[Mark]] | None:
    """`_components` where all ink is connected, in a third of the time; None otherwise, or for dust."""
    solid = (ink >= INK).view(np.uint8)
    area = cv2.countNonZero(solid)
    if not _FEWEST_PIXELS <= area < 1 << 16:
        return None
    count, labels = cv2.connectedComponents(solid, connectivity=8, ltype=cv2.CV_16U)
    if count != 2:  # paper is one
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
    """The ink of the mark's parts with their soft edges, without what else lies in its box."""
    x0, y0, x1, y1 = mark.box
    x0, y0, x1, y1 = max(0, x0 - 1), max(0, y0 - 1), min(ink.shape[1], x1 + 1), min(ink.shape[0], y1 + 1)
    near = labels[y0:y1, x0:x1]
    own = np.isin(near, mark.parts) if len(mark.parts) > 1 else near == mark.parts[0]
    soft = ink[y0:y1, x0:x1] * cv2.dilate(own.view(np.uint8), _AROUND)
    left, top, width, height = cv2.boundingRect((soft >= FAINT).view(np.uint8))
    return np.asarray(soft[top : top + height, left : left + width], np.float32)


def joined_mark(marks: Sequence[Mark]) -> Mark:
    """The mark of several together."""
    x0, y0, x1, y1 = zip(*(mark.box for mark in marks), strict=True)
    parts = tuple(part for mark in marks for part in mark.parts)
    return Mark((min(x0), min(y0), max(x1), max(y1)), parts, sum(mark.area for mark in marks))


def _apart(one: Mark, other: Mark) -> int:
    """Pixels between two boxes, along the axis in which they are further apart; negative where they overlap."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = one.box, other.box
    return max(ax0 - bx1, bx0 - ax1, ay0 - by1, by0 - ay1)


def _is_rule(mark: Mark, page: tuple[int, ...]) -> bool:
    """Whether it is a ruled line, a table or the page's edge: wide and thin, or large and nearly empty."""
    thin = mark.width > max(_RULE_ASPECT * mark.height, _RULE_WIDTH * page[1])
    large = mark.width > _FRAME_WIDTH * page[1] or mark.height > _FRAME_HEIGHT * page[0]
    return thin or (large and mark.area < _FRAME_FILLED * mark.width * mark.height)


def _usual_height(marks: Sequence[Mark]) -> float:
    """The height of the marks that hold most of the ink: the median, each counted by its area."""
    order = sorted(marks, key=lambda mark: mark.height)
    upto = np.cumsum([mark.area for mark in order])
    return float(order[int(np.searchsorted(upto, upto[-1] / 2))].height)


def _put_together(marks: Iterable[Mark], usual: float) -> list[Mark]:
    """Join the parts of broken digits: a small part to the larger one that it nearly touches."""
    whole: list[Mark] = []
    boxes = np.empty((_MOST_MARKS, 4), np.int32)  # those of ``whole``, to find the near ones at once
    for mark in sorted(marks, key=lambda mark: -mark.area):
        x0, y0, x1, y1 = mark.box
        others = boxes[: len(whole)]
        gaps = np.max([others[:, 0] - x1, x0 - others[:, 2], others[:, 1] - y1, y0 - others[:, 3]], axis=0)
        near = np.flatnonzero(gaps <= _PART_GAP * usual).tolist()
        host = next((index for index in near if _belongs(mark, whole[index], usual)), len(whole))
        whole[host : host + 1] = [joined_mark([*whole[host : host + 1], mark])]
        boxes[host] = whole[host].box
    return whole


def _belongs(part: Mark, larger: Mark, usual: float) -> bool:
    """Whether two marks that are near each other look like one digit: above each other, or a bit beside a stroke."""
    both = joined_mark([part, larger])
    if both.height > _TALLEST * usual and both.height > 1.1 * larger.height:
        return False
    overlap = min(part.box[2], larger.box[2]) - max(part.box[0], larger.box[0])
    above = overlap >= 0.5 * min(part.width, larger.width) and both.width <= 1.2 * usual
    return above or (part.longest < 0.6 * usual and both.width <= 1.1 * both.height)
