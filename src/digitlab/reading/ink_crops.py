"""A picture's one digit as networks for 28×28 images take it: its ink found, cropped and normalised as in MNIST.

For foreign networks and for teaching; finding the digits on a page is the page reader's task.
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

_SIDE = 256  # pixels: picture size for finding one digit, which has 25 if it is a tenth of the picture
_DETECTED_SIDE = 112  # pixels: size of the crop of a detected digit, which fills it and needs 20
_WINDOW = 0.35  # of the side: wider than bold strokes of a digit that fills the picture
_MARGIN = 0.12  # of a box's longest side: paper around the digit, for its ink to stand out from


def glyph_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return the one digit as uint8 (28, 28), light ink on dark; None if there is no ink.

    picture: uint8 (H, W, 3) RGB or (H, W)
    """
    digit = main_digit(picture)
    return None if digit is None else digit[1]


def main_digit(picture: NDArray[np.uint8]) -> Ink | None:
    """Return the box of the main digit's ink, in pixels of the picture, and its image as by `glyph_of`."""
    return _main_digit(picture, shrink(picture, _SIDE))


def _main_digit(picture: NDArray[np.uint8], small: NDArray[np.uint8]) -> Ink | None:
    ink = ink_map(small, round(_WINDOW * max(small.shape)))
    mark = None if ink is None else main_mark(ink)
    if mark is None:
        return None
    scale_x, scale_y = picture.shape[1] / small.shape[1], picture.shape[0] / small.shape[0]
    x0, y0, x1, y1 = mark[0].box
    return (x0 * scale_x, y0 * scale_y, x1 * scale_x, y1 * scale_y), normalise(mark[1])


def inks_of(picture: NDArray[np.uint8], candidates: Sequence[Candidate]) -> list[Ink | None]:
    """Return for each candidate's box in a picture the box of its ink and its 28×28 image; None without ink."""
    height, width = picture.shape[:2]
    inks: list[Ink | None] = []
    for candidate in candidates:
        margin = _MARGIN * candidate.longest + 1.0
        x0, y0, x1, y1 = candidate.box
        left, top = max(0, int(x0 - margin)), max(0, int(y0 - margin))
        right, bottom = min(width, int(np.ceil(x1 + margin))), min(height, int(np.ceil(y1 + margin)))
        part = picture[top:bottom, left:right]
        digit = _main_digit(part, np.ascontiguousarray(halved_to(part, _DETECTED_SIDE))) if part.size else None
        if digit is None:
            inks.append(None)
            continue
        (a, b, c, d), glyph = digit
        inks.append(((a + left, b + top, c + left, d + top), glyph))
    return inks
