"""A picture's one digit as networks for 28×28 images take it: its ink found, cut out and brought to MNIST's form.

For other people's networks and for teaching; where digits are on a page is the page reader's affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.reading.components import main_mark
from digitlab.reading.glyph import normalise
from digitlab.reading.ink import halved_to, ink_map, shrink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.candidates import Candidate

    Ink = tuple[tuple[float, float, float, float], NDArray[np.uint8]]

__all__ = ["glyph_of", "inks_of", "main_digit"]

_SIDE = 256  # pixels at which one digit is looked for: it may be a tenth of the picture and still have 25
_FOUND_SIDE = 112  # pixels at which a digit that was found is cut out: it fills its crop, and is to have 20
_WINDOW = 0.35  # of the side: wider than bold strokes of a digit that fills the picture
_MARGIN = 0.12  # of a box's longest side: paper around the digit, so that its ink stands out of something


def glyph_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """uint8 (28, 28), light ink on dark; None where there is no ink.

    picture: uint8 (H, W, 3) RGB or (H, W)
    """
    found = main_digit(picture)
    return None if found is None else found[1]


def main_digit(picture: NDArray[np.uint8]) -> Ink | None:
    """`glyph_of`, and the box of the ink in pixels of the picture before it."""
    return _main_digit(picture, shrink(picture, _SIDE))


def _main_digit(picture: NDArray[np.uint8], small: NDArray[np.uint8]) -> Ink | None:
    ink = ink_map(small, round(_WINDOW * max(small.shape)))
    found = None if ink is None else main_mark(ink)
    if found is None:
        return None
    wide, high = picture.shape[1] / small.shape[1], picture.shape[0] / small.shape[0]
    x0, y0, x1, y1 = found[0].box
    return (x0 * wide, y0 * high, x1 * wide, y1 * high), normalise(found[1])


def inks_of(picture: NDArray[np.uint8], candidates: Sequence[Candidate]) -> list[Ink | None]:
    """The same of each candidate's box in a picture: the box of its ink, and its image of 28×28."""
    height, width = picture.shape[:2]
    inks: list[Ink | None] = []
    for candidate in candidates:
        margin = _MARGIN * candidate.longest + 1.0
        x0, y0, x1, y1 = candidate.box
        left, top = max(0, int(x0 - margin)), max(0, int(y0 - margin))
        right, bottom = min(width, int(np.ceil(x1 + margin))), min(height, int(np.ceil(y1 + margin)))
        part = picture[top:bottom, left:right]
        found = _main_digit(part, np.ascontiguousarray(halved_to(part, _FOUND_SIDE))) if part.size else None
        if found is None:
            inks.append(None)
            continue
        (a, b, c, d), glyph = found
        inks.append(((a + left, b + top, c + left, d + top), glyph))
    return inks
