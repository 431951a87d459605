"""A picture's one digit: how it is found, and when a page is the picture of one digit rather than of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.reading.components import main_mark, marks_alike
from digitlab.reading.glyph import normalise
from digitlab.reading.ink import ink_map, shrink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.components import Found
    from digitlab.values import Box

__all__ = ["SIDE", "Alone", "main_ink", "one_digit", "stands_alone"]

SIDE = 256  # pixels at which one digit is looked for: it may be a tenth of the picture and still have 25
_WINDOW = 0.35  # of the side: wider than bold strokes of a digit that fills the picture

_WITHIN = 0.5  # of a mark's box: from there on it lies in the box of the one digit
_TORN = 0.08  # of a mark's box that holds ink of the one digit: then it is a part of that
_COMPARABLE = 0.4  # of the one digit's longest side: smaller marks beside it are dirt, or grain that was read
_SIDE_BY_SIDE = 0.6  # of its height: parts of it that may be digits of their own
_WHOLE = 0.85  # of its height: what is nearly all of it


@dataclass(frozen=True, slots=True)
class Alone:
    """The one digit of a picture.

    box: in pixels of the picture that was given; glyph: uint8 (28, 28), light ink on dark
    ink: float32 of the picture reduced to SIDE; main: its mark there with its ink alone
    """

    box: Box
    glyph: NDArray[np.uint8]
    ink: NDArray[np.float32]
    main: Found

    def is_torn_off(self, box: Box) -> bool:
        """Whether what a page found in a box of the picture is a part of the one digit, rather than beside it."""
        (x0, y0, x1, y1), (left, top, right, bottom) = box, self.box
        mark, own = self.main
        wide, high = mark.width / max(1, right - left), mark.height / max(1, bottom - top)
        columns = slice(max(0, round((x0 - left) * wide)), max(0, round((x1 - left) * wide)) + 1)
        rows = slice(max(0, round((y0 - top) * high)), max(0, round((y1 - top) * high)) + 1)
        part = own[rows, columns]
        return bool(part.size) and float(part.mean()) >= _TORN

    def others(self, *, answered: bool) -> NDArray[np.uint8]:
        """What else may be a digit, uint8 (N, 28, 28).

        answered: whether the one is a digit as a whole; else its parts may be digits too
        """
        mark = self.main[0]
        alike = marks_alike(self.ink, mark)
        inks = [ink for other, ink in alike if not (answered and set(other.parts) <= set(mark.parts))]
        return np.array([normalise(ink) for ink in inks], np.uint8).reshape(-1, 28, 28)


def main_ink(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Found] | None:
    """The ink of a picture reduced to SIDE, float32, and its main mark there; None where there is no ink.

    picture: uint8 (H, W, 3) RGB or (H, W)
    """
    small = shrink(picture, SIDE)
    ink = ink_map(small, round(_WINDOW * max(small.shape)))
    found = None if ink is None else main_mark(ink)
    return None if ink is None or found is None else (ink, found)


def one_digit(picture: NDArray[np.uint8]) -> Alone | None:
    """The one digit of a picture, uint8 (H, W, 3) RGB or (H, W); None where there is no ink."""
    found = main_ink(picture)
    if found is None:
        return None
    ink, main = found
    wide, high = picture.shape[1] / ink.shape[1], picture.shape[0] / ink.shape[0]
    x0, y0, x1, y1 = main[0].box
    box = round(x0 * wide), round(y0 * high), round(x1 * wide), round(y1 * high)
    return Alone(box, normalise(main[1]), ink, main)


def stands_alone(one: Box, found: Sequence[tuple[Box, bool]], *, sure: bool) -> bool:
    """Whether what a page's reading found says less than the one digit that the whole picture shows.

    So it is where nothing of its size stands beside it: the page gave no mark, or marks of grain, or torn its strokes.

    one: the box of the one digit; sure: whether that is answered
    found: the page's marks, each with its box and whether it is answered
    """
    longest = max(one[2] - one[0], one[3] - one[1])
    if any(_share(box, one) < _WITHIN and _longest(box) >= _COMPARABLE * longest for box, _ in found):
        return False
    answered = [box for box, answer in found if answer]
    high = one[3] - one[1]
    if sure:
        tall = [box for box in answered if box[3] - box[1] >= _SIDE_BY_SIDE * high]
        return not any(a[2] <= b[0] for a in tall for b in tall)
    # Nobody is sure of the whole: then a part that is answered is a torn off stroke, such as the half of a 0.
    torn = len(answered) == 1 and _COMPARABLE * high <= answered[0][3] - answered[0][1] < _WHOLE * high
    return not answered or torn


def _longest(box: Box) -> int:
    return max(box[2] - box[0], box[3] - box[1])


def _share(box: Box, one: Box) -> float:
    """The share of ``box`` that lies in ``one``."""
    wide = min(box[2], one[2]) - max(box[0], one[0])
    high = min(box[3], one[3]) - max(box[1], one[1])
    return max(0, wide) * max(0, high) / max(1, (box[2] - box[0]) * (box[3] - box[1]))
