"""Losses of single predictions: numbers (N,) whose means are metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["brier_scores", "log_losses", "summing_to_one"]


def summing_to_one(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each row (N, 10) divided by its sum, float64: ten float32 numbers sum to 1 within 1e-6 only."""
    exact = np.asarray(probabilities, np.float64)
    shares: NDArray[np.float64] = exact / exact.sum(axis=1, keepdims=True)
    return shares


def log_losses(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Negative natural logarithm of the probability (N, 10) given to each label (N,).

    Each row is divided by its sum, and probabilities are clipped at float64's epsilon, as in scikit-learn; otherwise a
    single image with probability 0 would make the mean infinite.
    """
    likelihood = summing_to_one(probabilities)[np.arange(len(labels)), labels]
    losses: NDArray[np.float64] = -np.log(np.clip(likelihood, np.finfo(np.float64).eps, 1.0))
    return losses


def brier_scores(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Squared distance, 0 to 2, of each row (N, 10), divided by its sum, from the row that is 1 at the label (N,)."""
    scores: NDArray[np.float64] = np.square(summing_to_one(probabilities) - np.eye(10)[labels]).sum(axis=1)
    return scores
