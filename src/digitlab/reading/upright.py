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

__all__ = ["LIES", "reads_well", "told", "turned_back", "turned_box", "turned_picture", "ways_to_try"]

LIES = {2: "upside down", 3: "turned to the left", 1: "turned to the right"}
"""How a page lies that stands upright after so many quarter turns to the left, as `numpy.rot90` turns."""

_FEWEST = 4  # digits: 6 and 9 or 2 and 5 alone say nothing
_SURE = 0.9  # mean confidence from which on nobody asks …
_ONE_WAY_ONLY = (3, 4)  # … but of pages without these: others are, or are drawn as, digits upside down as well
_WORSE = 0.08  # by so much the mean confidence of a page that stands upright falls when it is turned, and more
_DIGIT = 0.7  # the confidence of a mark, one way or another, that tells how the page lies
_CLEAR = 0.8  # mean confidence of a page of digits
_CLEARLY = 1.15  # times as much is read the right way up
_SLENDER = 2.5
_MOST = 60  # digits that are asked


def ways_to_try(choices: Sequence[Choice], classifier: Classifier) -> list[int]:
    """The quarter turns to the left after which a page may read better than as it lies, likeliest first.

    Empty for a page that stands upright, and where too few digits are there to ask.
    """
    choices = [choice for choice in choices if _tells(choice)]
    if len(choices) < _FEWEST:
        return []
    upright = np.array([choice.probabilities.max() for choice in choices])
    one_way_only = any(int(choice.probabilities.argmax()) in _ONE_WAY_ONLY for choice in choices)
    if upright.mean() >= _SURE and one_way_only:
        return []
    rows = np.unique(np.linspace(0, len(choices) - 1, min(len(choices), _MOST)).astype(np.intp))
    glyphs = np.array([normalise(choices[row].piece.ink) for row in rows])
    ways = np.concatenate([np.rot90(glyphs, turns, axes=(1, 2)) for turns in LIES])
    sureness = classifier.probabilities(np.ascontiguousarray(ways)).max(axis=1).reshape(len(LIES), len(rows))
    upright = upright[rows]
    digits = np.maximum(upright, sureness.max(axis=0)) >= _DIGIT  # dirt reads badly whichever way it is turned
    if digits.sum() < _FEWEST:
        return []
    gains = (sureness[:, digits] - upright[digits]).mean(axis=1)
    likeliest = [list(LIES)[row] for row in np.argsort(-gains, kind="stable")]
    if upright.mean() >= _SURE:
        return [2] if gains[0] > -_WORSE else []  # nobody reads so well from the side
    return [turns for turns in likeliest if gains[list(LIES).index(turns)] > -_WORSE]


def told(scores: Sequence[float]) -> bool:
    """Whether the first of several ways to read a page is clearly the best; scores: how much was read each way."""
    return all(scores[0] > _CLEARLY * score for score in scores[1:])


def reads_well(choices: Sequence[Choice]) -> bool:
    """Whether a page looks like one of digits as it lies now; a page of letters does so no way."""
    sureness = [float(choice.probabilities.max()) for choice in choices if _tells(choice)]
    return len(sureness) >= _FEWEST and float(np.mean(sureness)) >= _CLEAR


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


def turned_box(box: Box, turns: int, size: tuple[int, int]) -> Box:
    """Where a box of a picture of this width and height lies after so many quarter turns to the left.

    >>> turned_box((80, 0, 100, 10), 1, (100, 50))
    (0, 0, 10, 20)
    """
    return turned_back(box, -turns % 4, size if turns % 2 == 0 else size[::-1])


def turned_picture(pixels: NDArray[np.uint8], turns: int) -> NDArray[np.uint8]:
    """The picture, uint8 (H, W, 3), after so many quarter turns to the left."""
    return np.ascontiguousarray(np.rot90(pixels, turns))


def _tells(choice: Choice) -> bool:
    """Whether a mark may be anything but a stroke: those are a 1 on their side, or a dash, or dirt."""
    x0, y0, x1, y1 = choice.piece.box
    return max(x1 - x0, y1 - y0) < _SLENDER * min(x1 - x0, y1 - y0)
