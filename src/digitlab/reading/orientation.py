"""Find which way up a page lies: its digits read best when it is upright."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from digitlab.reading.ink import halved_to
from digitlab.reading.page_network import PAGE_SIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitlab.reading.candidates import Candidate

__all__ = ["set_upright", "turned_back", "turned_box", "turned_picture"]

Sides = TypeVar("Sides", tuple[int, int, int, int], tuple[float, float, float, float])

LIES = {2: "upside down", 3: "rotated to the left", 1: "rotated to the right"}
"""How a page lies that this number of anticlockwise quarter turns, as by `numpy.rot90`, would set upright."""

_FEWEST = 4  # digits: fewer are ambiguous, such as 6 and 9 or 2 and 5
_SURE = 0.8  # mean confidence from which no other orientation is tried …
_BOTH_WAYS = (0, 1, 6, 8, 9)  # … except for pages of these only, which are digits upside down as well
_READ = 0.5  # confidence of a digit that is the right way up
_POSSIBLE = 0.2  # confidence of what may be a digit in a wrong orientation
_WELL = 0.87  # mean confidence of a page of digits the right way up; upside-down text reached 0.85
_CLEARLY = 1.2  # how many times better the right way up must read
_PART, _DIGITS_ACROSS = 0.45, 6  # least side of the part that is rotated: of the page's longest side, and in digits
_SMALL = 640  # pixels: a page this small is rotated as a whole; in a part, digits cut at its edge read worse


def set_upright(
    picture: NDArray[np.uint8], candidates: list[Candidate], find: Callable[[NDArray[np.uint8]], list[Candidate]]
) -> tuple[int, list[Candidate], str | None]:
    """Find the best orientation of a page: anticlockwise quarter turns, the candidates seen then, and a note on it.

    If in doubt, the part of the page that holds the most candidates is rotated and read each way.

    picture: uint8 (H, W, 3); candidates: of the picture as it lies; find: returns the candidates of a picture
    """
    turns = _turns_to_try(candidates)
    if not turns:
        return 0, candidates, None
    # At the size of the network's input: rotating 50 megapixels takes as long as reading them.
    small = halved_to(picture, PAGE_SIDE)
    part = _busiest_part(small, candidates, small.shape[1] / picture.shape[1])
    whole = part.shape == picture.shape
    by_turns = {0: candidates if whole else find(part)} | {turn: find(turned_picture(part, turn)) for turn in turns}
    best, *others = sorted(by_turns, key=lambda turn: -_amount_read(by_turns[turn]))
    if not _reads_well(by_turns[best]):
        return 0, candidates, None  # not a page of digits in any orientation
    if _amount_read(by_turns[best]) < _CLEARLY * _amount_read(by_turns[others[0]]):
        return 0, candidates, "it is not clear which way up this page is"
    if best == 0:
        return 0, candidates, None
    return (
        best,
        by_turns[best] if whole else find(turned_picture(picture, best)),
        f"the page is {LIES[best]}; it was set upright first",
    )


def _busiest_part(picture: NDArray[np.uint8], candidates: Sequence[Candidate], scale: float) -> NDArray[np.uint8]:
    """Return the square part of a page that holds the most candidates, large enough for several.

    scale: pixels of ``picture`` per pixel of the candidates' boxes
    """
    height, width = picture.shape[:2]
    if len(candidates) < _FEWEST:
        return picture
    longest = scale * float(np.median([each.longest for each in candidates]))
    side = int(max(_PART * max(height, width), _DIGITS_ACROSS * longest))
    if max(height, width) <= max(side, _SMALL):
        return picture
    boxes = scale * np.array([each.box for each in candidates])
    xs, ys = (
        np.unique(np.r_[0 : max(1, size - side) : max(1, side // 4), max(0, size - side)]) for size in (width, height)
    )
    corners = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    counts = [np.count_nonzero(_within(boxes, corner, side)) for corner in corners.tolist()]
    x, y = corners[int(np.argmax(counts))].tolist()
    return np.ascontiguousarray(picture[y : y + side, x : x + side])


def _within(boxes: NDArray[np.float64], corner: Sequence[int], side: int) -> NDArray[np.bool_]:
    """Return which of the boxes, (N, 4), lie entirely in a square: bool (N,)."""
    x, y = corner
    return (boxes[:, 0] >= x) & (boxes[:, 1] >= y) & (boxes[:, 2] <= x + side) & (boxes[:, 3] <= y + side)


def _reads_well(candidates: Sequence[Candidate]) -> bool:
    """Return whether a page looks like one of digits; letters do not in any orientation, except in places."""
    possible = [each.confidence for each in candidates if each.confidence >= _POSSIBLE]
    return len(possible) >= _FEWEST and float(np.mean(possible)) >= _WELL


def _turns_to_try(candidates: Sequence[Candidate]) -> list[int]:
    """Return the anticlockwise quarter turns after which a page may read better than as it lies."""
    if len(candidates) < _FEWEST:  # sideways digits may not even be candidates
        return [] if any(each.confidence >= _READ for each in candidates) else list(LIES)
    possible = [each for each in candidates if each.confidence >= _POSSIBLE]
    if len(possible) < min(_FEWEST, len(candidates) / 2):
        return list(LIES)
    sure = float(np.mean([each.confidence for each in possible])) >= _SURE
    if not sure:
        return list(LIES)
    return [2] if all(each.digit in _BOTH_WAYS for each in possible) else []


def _amount_read(candidates: Sequence[Candidate]) -> float:
    """Return how much was read: sum of the digits' squared confidences, without ones, which any stroke resembles."""
    return sum(each.confidence**2 for each in candidates if each.digit != 1 and each.confidence >= _POSSIBLE)


def turned_back(box: Sides, turns: int, size: tuple[int, int]) -> Sides:
    """Map a box from a picture rotated anticlockwise by ``turns`` quarter turns back to the original picture.

    size: width and height before the rotation

    >>> turned_back((0, 0, 10, 20), 1, (100, 50))
    (80, 0, 100, 10)
    """
    (x0, y0, x1, y1), (width, height) = box, size
    return {
        0: box,
        1: (width - y1, x0, width - y0, x1),
        2: (width - x1, height - y1, width - x0, height - y0),
        3: (y0, height - x1, y1, height - x0),
    }[turns]


def turned_box(box: Sides, turns: int, size: tuple[int, int]) -> Sides:
    """Map a box of a picture of this width and height to the picture after this many anticlockwise quarter turns.

    >>> turned_box((80, 0, 100, 10), 1, (100, 50))
    (0, 0, 10, 20)
    """
    return turned_back(box, -turns % 4, size if turns % 2 == 0 else size[::-1])


def turned_picture(pixels: NDArray[np.uint8], turns: int) -> NDArray[np.uint8]:
    """Rotate a picture, uint8 (H, W, 3), by this number of anticlockwise quarter turns."""
    return np.ascontiguousarray(np.rot90(pixels, turns))
