"""What a network's ten numbers are, and how they become probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Making", "as_they_are", "making_probabilities"]

Making = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]  # from and to float32 (N, 10)

_TOLERANCE = 0.03  # of a sum of ten numbers that an int8 network gives in steps of 1/256


def making_probabilities(answers: NDArray[np.float32]) -> tuple[Making, str | None]:
    """What makes probabilities of numbers like these, float32 (N, 10), and what they are where they are none.

    >>> shares, found = making_probabilities(np.array([[*[-1.0] * 9, 4.0]], np.float32))
    >>> found
    'answers logits, not probabilities; their softmax is taken'
    >>> float(shares(np.zeros((1, 10), np.float32)).sum().round(3))
    1.0
    """
    sums = answers.sum(axis=1)
    if answers.min() >= -_TOLERANCE and np.abs(sums - 1).max() <= _TOLERANCE:
        return as_they_are, None
    if answers.min() >= 0 and (answers.max() <= 1 or np.abs(sums / 100 - 1).max() <= _TOLERANCE):
        return _shares, "answers numbers from 0 that do not sum to 1, not probabilities; each one's share is taken"
    return _softmax, "answers logits, not probabilities; their softmax is taken"


def as_they_are(answers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities already."""
    return answers


def _shares(answers: NDArray[np.float32]) -> NDArray[np.float32]:
    sums: NDArray[np.float32] = np.maximum(answers.sum(axis=1, keepdims=True), np.float32(1e-12))
    return answers / sums


def _softmax(answers: NDArray[np.float32]) -> NDArray[np.float32]:
    powers: NDArray[np.float32] = np.exp(answers - answers.max(axis=1, keepdims=True))
    sums: NDArray[np.float32] = powers.sum(axis=1, keepdims=True)
    return powers / sums
