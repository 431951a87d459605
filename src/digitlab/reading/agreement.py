"""What two networks say of one place, put together: the page reader of its pixels, the classifier of its ink.

They see different things and were trained on different ones, so that what one overlooks the other often does not.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.reading.candidates import Candidate

__all__ = ["confirmed", "logit"]

Weights = tuple[float, float, float]

_LIKELY = 1e-3  # the least that either's word on a digit counts: its ink may have been cut out badly
_PAGES_SHARE = 0.4  # the page reader's word on *which* is that of drawn digits only, and too certain of itself
_NO_INK = 0.1  # what a classifier that knows nothing says of each digit
_LEAST = 1e-4


def confirmed(candidate: Candidate, said: NDArray[np.float32] | None, weights: Weights) -> Candidate:
    """The candidate with the classifier's word in its score and its probabilities.

    said: float32 (10,), None where no ink was found; weights: of the logits of the candidate's score and of the
    classifier's largest probability, and a bias, by which their sum is the logit of being a digit (Platt 1999)
    """
    largest = _NO_INK if said is None else float(said.max())
    total = weights[0] * logit(candidate.score) + weights[1] * logit(largest) + weights[2]
    score = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))
    if said is None:
        return replace(candidate, score=score)
    product = np.maximum(candidate.probabilities, _LIKELY) ** _PAGES_SHARE * np.maximum(said, _LIKELY)
    return replace(candidate, score=score, probabilities=np.asarray(product / product.sum(), np.float32))


def logit(probability: float) -> float:
    """Of a probability between 0.0001 and 0.9999.

    >>> round(logit(0.75), 3)
    1.099
    """
    inside = max(_LEAST, min(1.0 - _LEAST, probability))
    return math.log(inside / (1.0 - inside))
