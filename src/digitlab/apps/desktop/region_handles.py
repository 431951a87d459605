"""Moving and resizing a region: plain geometry, in pixels of the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitlab.values import Box

__all__ = ["MOVE", "SMALLEST", "Handle", "dragged", "handle_at", "handles"]

SMALLEST = 16  # pixels: a smaller region cannot contain a legible digit


@dataclass(frozen=True, slots=True)
class Handle:
    """The sides of a box that follow the pointer: 1 for each that does, else 0."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


MOVE = Handle(1, 1, 1, 1)


def handles(box: Box) -> tuple[tuple[Handle, float, float], ...]:
    """List the eight handles of a box with their positions.

    >>> [(round(x), round(y)) for _, x, y in handles((0, 0, 10, 20))]
    [(0, 0), (5, 0), (10, 0), (0, 10), (10, 10), (0, 20), (5, 20), (10, 20)]
    """
    x0, y0, x1, y1 = box
    across = ((1, 0, x0), (0, 0, (x0 + x1) / 2), (0, 1, x1))
    down = ((1, 0, y0), (0, 0, (y0 + y1) / 2), (0, 1, y1))
    return tuple(
        (Handle(left, top, right, bottom), x, y)
        for top, bottom, y in down
        for left, right, x in across
        if left or right or top or bottom
    )


def handle_at(box: Box, x: float, y: float, reach: float) -> Handle | None:
    """Return the handle for a press at (x, y): one within `reach`, MOVE inside the box, or None.

    >>> handle_at((10, 10, 50, 50), 51, 50, reach=4)
    Handle(left=0, top=0, right=1, bottom=1)
    >>> handle_at((10, 10, 50, 50), 25, 25, reach=4) is MOVE, handle_at((10, 10, 50, 50), 90, 25, reach=4)
    (True, None)
    """
    in_reach = [
        (abs(x - handle_x) + abs(y - handle_y), number)
        for number, (_, handle_x, handle_y) in enumerate(handles(box))
        if abs(x - handle_x) <= reach and abs(y - handle_y) <= reach
    ]
    if in_reach:
        return handles(box)[min(in_reach)[1]][0]
    x0, y0, x1, y1 = box
    return MOVE if x0 <= x <= x1 and y0 <= y <= y1 else None


def dragged(box: Box, handle: Handle, dx: float, dy: float, size: tuple[int, int]) -> Box:
    """Return the box after dragging a handle, kept within a frame of `size` (width, height) and at least `SMALLEST`.

    >>> dragged((10, 10, 50, 50), MOVE, 100, -100, (80, 60))
    (40, 0, 80, 40)
    >>> dragged((10, 10, 50, 50), Handle(right=1), -100, 0, (80, 60))
    (10, 10, 26, 50)
    """
    x0, x1 = _along(box[0], box[2], handle.left, handle.right, round(dx), size[0])
    y0, y1 = _along(box[1], box[3], handle.top, handle.bottom, round(dy), size[1])
    return x0, y0, x1, y1


def _along(low: int, high: int, moves_low: int, moves_high: int, distance: int, length: int) -> tuple[int, int]:
    least = min(SMALLEST, length)
    if moves_low and moves_high:
        extent = min(high - low, length)
        low = min(max(low + distance, 0), length - extent)
        return low, low + extent
    if moves_low:
        return min(max(low + distance, 0), high - least), high
    if moves_high:
        return low, max(min(high + distance, length), low + least)
    return low, high
