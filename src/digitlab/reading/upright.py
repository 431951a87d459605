"""Whether a page lies upside down or on its side: its digits read better when they are turned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.reading.glyph import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.reading.classifier import Classifier
    from digitlab.reading.likeliest import Choice

__all__ = ["turned"]

_FEWEST = 4  # digits: 6 and 9 or 2 and 5 alone say nothing
_SURE = 0.9  # mean confidence from which on nobody asks
_BETTER = 0.08  # by so much the mean confidence grows; of pages that stand upright it falls by 0.16 and more
_ERRORS = 1.3  # standard errors of that growth, at least
_CLEAR = 0.6  # mean confidence of the turned ones
_SLENDER = 2.5
_MOST = 60  # digits that are asked
_TURNS = {2: "looks upside down", 3: "looks turned to the left", 1: "looks turned to the right"}


def turned(choices: Sequence[Choice], classifier: Classifier) -> str | None:
    """How the page lies, where that can be told; None where it stands upright."""
    choices = [choice for choice in choices if _tells(choice)]
    if len(choices) < _FEWEST:
        return None
    upright = np.array([choice.probabilities.max() for choice in choices])
    if upright.mean() >= _SURE:
        return None
    rows = np.unique(np.linspace(0, len(choices) - 1, min(len(choices), _MOST)).astype(np.intp))
    glyphs = np.array([normalise(choices[row].piece.ink) for row in rows])
    ways = np.concatenate([np.rot90(glyphs, turns, axes=(1, 2)) for turns in _TURNS])
    sureness = classifier.probabilities(np.ascontiguousarray(ways)).max(axis=1).reshape(len(_TURNS), len(rows))
    best = int(sureness.mean(axis=1).argmax())
    gains = sureness[best] - upright[rows]
    gain, error = float(gains.mean()), float(gains.std()) / len(rows) ** 0.5
    if gain < max(_BETTER, _ERRORS * error) or sureness[best].mean() < _CLEAR:
        return None
    return list(_TURNS.values())[best] + "; turn it and read it again"


def _tells(choice: Choice) -> bool:
    """Whether a mark may be anything but a stroke: those are a 1 on their side, or a dash, or dirt."""
    x0, y0, x1, y1 = choice.piece.box
    return max(x1 - x0, y1 - y0) < _SLENDER * min(x1 - x0, y1 - y0)
