"""Checks of probabilities and labels before anything is computed, and the losses of single predictions (N,)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError, ShapeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["brier_scores", "checked", "log_losses", "softmax", "summing_to_one"]

_SUM_TOLERANCE = 1e-3  # ten float32 numbers sum to 1 within 1e-6; bfloat16 outputs and rounded CSV files within this


def checked(probabilities: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Validate both, and return them as float64 (N, 10) and int64 (N,).

    Raises:
        ShapeError: when they are not (N, 10) and (N,) with the same N.
        DatasetError: when there is no image, a probability is NaN, infinite or negative, a row does not sum to 1
            (logits do not, and the message says so), or a label is not 0 to 9.
    """
    answers, truth = np.asarray(probabilities), np.asarray(labels)
    _expect_shapes(answers, truth)
    for name, values in (("probabilities", answers), ("labels", truth)):
        if values.dtype.kind not in "buif":
            raise DatasetError(f"{name} are of type {values.dtype}; expected numbers")
    exact = answers.astype(np.float64)
    _expect_probabilities(exact)
    _expect_labels(truth)
    return exact, truth.astype(np.int64)


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Convert logits (N, 10), or log-probabilities, to probabilities, float64.

    Raises:
        ShapeError: when they are not (N, 10).
        DatasetError: when one is NaN or infinite.

    >>> softmax([[0.0, *[-np.log(3.0)] * 9]]).round(3).tolist()
    [[0.25, 0.083, 0.083, 0.083, 0.083, 0.083, 0.083, 0.083, 0.083, 0.083]]
    """
    exact = np.asarray(logits, np.float64)
    if exact.ndim != 2 or exact.shape[1] != 10:
        raise ShapeError("logits", expected="(N, 10)", received=exact.shape)
    if not np.isfinite(exact).all():
        row = int(np.argmin(np.isfinite(exact).all(axis=1)))
        raise DatasetError(f"logits[{row}] contains NaN or infinity; expected finite numbers")
    powers = np.exp(exact - exact.max(axis=1, keepdims=True))  # the largest is 0: no overflow
    return summing_to_one(powers)


def _expect_shapes(probabilities: NDArray[Any], labels: NDArray[Any]) -> None:
    if probabilities.ndim != 2 or probabilities.shape[1] != 10:
        raise ShapeError("probabilities", expected="(N, 10), one for each digit", received=probabilities.shape)
    if labels.shape != probabilities.shape[:1]:
        raise ShapeError("labels", expected=f"({len(probabilities)},), one for each row", received=labels.shape)
    if not len(labels):
        raise DatasetError("there are no images to evaluate; expected at least one")


def _expect_probabilities(values: NDArray[np.float64]) -> None:
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values).all(axis=1)))
        raise DatasetError(f"probabilities[{row}] contains NaN or infinity; expected numbers from 0 to 1")
    sums = values.sum(axis=1)
    if values.min() >= 0 and np.abs(sums - 1).max() <= _SUM_TOLERANCE:
        return
    row = int(np.argmax(np.maximum(np.abs(sums - 1), -values.min(axis=1))))
    raise DatasetError(
        f"probabilities[{row}] sums to {sums[row]:.4g} and lies between {values[row].min():.4g} and "
        f"{values[row].max():.4g}; expected numbers from 0 that sum to 1. {_explanation(values, sums)}"
    )


def _explanation(values: NDArray[np.float64], sums: NDArray[np.float64]) -> str:
    advice = "apply softmax first (digitlab evaluate --probabilities FILE --logits does)"
    if values.min() < 0:
        return f"These look like logits: {advice}"
    if np.abs(sums - 100).max() <= 100 * _SUM_TOLERANCE:
        return "These look like per cent: divide by 100"
    return f"If these are logits, {advice}; if they are sigmoid outputs, or were rounded, divide each row by its sum"


def _expect_labels(labels: NDArray[Any]) -> None:
    wrong = ~((labels >= 0) & (labels <= 9) & (labels == np.floor(labels)))  # also for NaN
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DatasetError(f"labels[{row}] is {labels[row]}; expected 0 to 9")


def summing_to_one(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Divide each row (N, 10) by its sum, in float64: ten float32 numbers sum to 1 within 1e-6 only."""
    exact = np.asarray(probabilities, np.float64)
    shares: NDArray[np.float64] = exact / exact.sum(axis=1, keepdims=True)
    return shares


def log_losses(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Compute the negative natural logarithm of the probability (N, 10) given to each label (N,).

    Each row is divided by its sum, and probabilities are clipped at float64's epsilon, as in scikit-learn; otherwise a
    single image with probability 0 would make the mean infinite.
    """
    likelihood = summing_to_one(probabilities)[np.arange(len(labels)), labels]
    losses: NDArray[np.float64] = -np.log(np.clip(likelihood, np.finfo(np.float64).eps, 1.0))
    return losses


def brier_scores(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Compute the squared distance, 0 to 2, of each row (N, 10), divided by its sum, from the one-hot label (N,)."""
    scores: NDArray[np.float64] = np.square(summing_to_one(probabilities) - np.eye(10)[labels]).sum(axis=1)
    return scores
