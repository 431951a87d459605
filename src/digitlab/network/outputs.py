"""From a network's output (probabilities, logits or sigmoids) to probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OutputTransform", "probabilities_from", "unchanged"]

OutputTransform = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]  # from and to float32 (N, 10)

_TOLERANCE = 0.03  # for the sum of ten probabilities of an int8 network, in steps of 1/256


def probabilities_from(answers: NDArray[np.float32]) -> tuple[OutputTransform, str | None]:
    """The function that turns outputs like these, float32 (N, 10), into probabilities, and a remark unless they are.

    >>> shares, found = probabilities_from(np.array([[*[-1.0] * 9, 4.0]], np.float32))
    >>> found
    'outputs logits, not probabilities; a softmax is applied'
    >>> float(shares(np.zeros((1, 10), np.float32)).sum().round(3))
    1.0
    """
    sums = answers.sum(axis=1)
    if answers.min() >= -_TOLERANCE and np.abs(sums - 1).max() <= _TOLERANCE:
        return unchanged, None
    if answers.min() >= 0 and (answers.max() <= 1 or np.abs(sums / 100 - 1).max() <= _TOLERANCE):
        return _shares, "outputs sigmoids, which do not sum to 1; each is divided by their sum"
    return _softmax, "outputs logits, not probabilities; a softmax is applied"


def unchanged(answers: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same: they are probabilities already."""
    return answers


def _shares(answers: NDArray[np.float32]) -> NDArray[np.float32]:
    sums: NDArray[np.float32] = np.maximum(answers.sum(axis=1, keepdims=True), np.float32(1e-12))
    return answers / sums


def _softmax(answers: NDArray[np.float32]) -> NDArray[np.float32]:
    powers: NDArray[np.float32] = np.exp(answers - answers.max(axis=1, keepdims=True))
    sums: NDArray[np.float32] = powers.sum(axis=1, keepdims=True)
    return powers / sums
