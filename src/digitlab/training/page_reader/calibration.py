"""Scores that are probabilities: a logistic regression on what the two networks say (Platt 1999)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fit_scale"]

_STEPS = 30  # of Newton's method; ten are enough
_PRIOR = 1.0  # weight of the pull towards 0, in samples


def fit_scale(witnesses: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The weights of both logits and a bias, by which their sum is the logit of being a digit.

    witnesses: (N, 2), the detector's and the classifier's logits; right: (N,), whether it is one
    """
    inputs = np.column_stack([witnesses, np.ones(len(witnesses))])
    weights = np.array([0.5, 0.5, 0.0])
    loss = _loss(weights, inputs, right)
    for _ in range(_STEPS):
        probability = 1.0 / (1.0 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (probability - right) + _PRIOR * weights
        curvature = (inputs * (probability * (1 - probability))[:, None]).T @ inputs + _PRIOR * np.eye(3)
        step = np.linalg.solve(curvature, gradient)
        # A whole step may lead far off where nearly all are told apart already.
        while (after := _loss(weights - step, inputs, right)) > loss and np.abs(step).max() > 1e-9:
            step /= 2
        weights, loss = weights - step, min(after, loss)
    return float(weights[0]), float(weights[1]), float(weights[2])


def _loss(weights: NDArray[np.float64], inputs: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The cross-entropy, and the pull towards 0."""
    logits = inputs @ weights
    entropy = np.logaddexp(0.0, np.where(right, -logits, logits)).sum()
    return float(entropy + 0.5 * _PRIOR * (weights**2).sum())
