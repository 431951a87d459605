"""Which way up a page lies: its digits read better when they are turned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.reading.glyph import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.classifier import Classifier
    from digitlab.reading.likeliest import Choice
    from digitlab.values import Box

__all__ = ["LIES", "turned_back", "turned_picture", "way_up"]

LIES = {2: "upside down", 3: "turned to the left", 1: "turned to the right"}
"""How a page lies that stands upright after so many quarter turns to the left, as `numpy.rot90` turns."""

_FEWEST = 4  # digits: 6 and 9 or 2 and 5 alone say nothing
_SURE = 0.9  # mean confidence from which on nobody asks …
_SAME_BOTH_WAYS = (0, 1, 6, 8, 9)  # … but of pages with no other digits: they may be read upside down as well
_BETTER = 0.08  # by so much the mean confidence grows; of pages that stand upright it falls by 0.16 and more
_ERRORS = 1.3  # standard errors of that growth, at least
_CLEAR = 0.6  # mean confidence of the turned ones
_SLENDER = 2.5
_MOST = 60  # digits that are asked


def way_up(choices: Sequence[Choice], classifier: Classifier) -> int | None:
    """How many quarter turns to the left set a page upright: 0 … 3; None where that cannot be told.

    0 also where too few digits are there to ask.
    """
    choices = [choice for choice in choices if _tells(choice)]
    if len(choices) < _FEWEST:
        return 0
    upright = np.array([choice.probabilities.max() for choice in choices])
    ambiguous = all(int(choice.probabilities.argmax()) in _SAME_BOTH_WAYS for choice in choices)
    if upright.mean() >= _SURE and not ambiguous:
        return 0
    rows = np.unique(np.linspace(0, len(choices) - 1, min(len(choices), _MOST)).astype(np.intp))
    glyphs = np.array([normalise(choices[row].piece.ink) for row in rows])
    ways = np.concatenate([np.rot90(glyphs, turns, axes=(1, 2)) for turns in LIES])
    sureness = classifier.probabilities(np.ascontiguousarray(ways)).max(axis=1).reshape(len(LIES), len(rows))
    best = int(sureness.mean(axis=1).argmax())
    gains = sureness[best] - upright[rows]
    gain, error = float(gains.mean()), float(gains.std()) / len(rows) ** 0.5
    if gain >= max(_BETTER, _ERRORS * error) and sureness[best].mean() >= _CLEAR:
        return list(LIES)[best]
    if upright.mean() >= _SURE:  # of digits that are the same both ways
        return None if sureness[0].mean() >= _SURE else 0
    return None if upright.mean() < _CLEAR and gain > -_BETTER else 0


def turned_back(box: Box, turns: int, size: tuple[int, int]) -> Box:
    """Where a box of a picture that was turned to the left so many times lies in the picture as it was.

    size: width and height before it was turned

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


def turned_picture(pixels: NDArray[np.uint8], turns: int) -> NDArray[np.uint8]:
    """The picture, uint8 (H, W, 3), after so many quarter turns to the left."""
    return np.ascontiguousarray(np.rot90(pixels, turns))


def _tells(choice: Choice) -> bool:
    """Whether a mark may be anything but a stroke: those are a 1 on their side, or a dash, or dirt."""
    x0, y0, x1, y1 = choice.piece.box
    return max(x1 - x0, y1 - y0) < _SLENDER * min(x1 - x0, y1 - y0)
