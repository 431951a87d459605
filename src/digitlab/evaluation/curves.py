"""Curves as arrays: ROC, precision–recall, reliability, error–rejection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.evaluation.checks import checked, summing_to_one
from digitlab.evaluation.thresholds import average_precision, precision_recall, roc, roc_area

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BINS", "Curve", "Reliability", "bins_of", "error_reject", "mean_roc", "precision_recall_curves", "reliability",
    "roc_curves",
]  # fmt: skip

BINS = 15  # confidence bins, as in Guo et al., "On calibration of modern neural networks", 2017


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of a curve and the area under it.

    x, y: float64 (P,), 0 to 1, x not decreasing; equal x for a vertical step
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    area: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Accuracy by confidence.

    confidence, accuracy: float64 (B,), means over each bin that is not empty, by rising confidence
    count: int64 (B,), predictions in each
    error: expected calibration error (ECE), the mean of |confidence − accuracy| over the predictions
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]
    error: float


def roc_curves(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Curve | None, ...]:
    """Compute the ROC curve of each digit against the others, as scikit-learn: x false, y true positive rate.

    Collinear points are dropped. None for a digit without images, or without images of others.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    probs, truth = checked(probabilities, labels)
    curves: list[Curve | None] = []
    for digit in range(10):
        positive = truth == digit
        if not positive.any() or positive.all():
            curves.append(None)
            continue
        x, y = roc(positive, probs[:, digit])
        curves.append(Curve(x, y, roc_area(positive, probs[:, digit])))
    return tuple(curves)


def mean_roc(probabilities: ArrayLike, labels: ArrayLike) -> Curve | None:
    """Compute the macro-average ROC curve: the mean of the digits' true positive rates; its area is the mean of theirs.

    None if no digit has a curve: images of one digit only.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    curves = [curve for curve in roc_curves(probabilities, labels) if curve is not None]
    if not curves:
        return None
    x = np.unique(np.concatenate([curve.x for curve in curves]))
    # A curve has two values at a vertical step: both are kept, or the mean would cut the corner.
    # np.interp returns the last of several values; the first comes from the mirrored curve.
    before = np.mean([np.interp(-x, -curve.x[::-1], curve.y[::-1]) for curve in curves], axis=0)
    after = np.mean([np.interp(x, curve.x, curve.y) for curve in curves], axis=0)
    area = float(np.mean([curve.area for curve in curves]))
    return Curve(np.repeat(x, 2), np.stack((before, after), axis=1).ravel(), area)


def precision_recall_curves(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Curve | None, ...]:
    """Compute precision (y) over recall (x) of each digit against the others, as scikit-learn; area: average precision.

    Average precision is the sum of the steps, not the area under lines between the points, which would be too
    optimistic: draw it as steps before each point. None for a digit without images.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    probs, truth = checked(probabilities, labels)
    curves: list[Curve | None] = []
    for digit in range(10):
        positive = truth == digit
        if not positive.any():
            curves.append(None)
            continue
        precision, recall = precision_recall(positive, probs[:, digit])
        curves.append(Curve(recall[::-1], precision[::-1], average_precision(positive, probs[:, digit])))
    return tuple(curves)


def bins_of(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Assign numbers from 0 to 1 to ``bins`` bins of equal width; a bin includes its upper end, not its lower.

    >>> bins_of(np.array([0.0, 0.2, 0.21, 1.0]), 5).tolist()
    [0, 0, 1, 4]
    """
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence).astype(np.int64)


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = BINS) -> Reliability:
    """Compute the reliability diagram: accuracy by confidence, in bins of equal width.

    The points are those of scikit-learn's ``calibration_curve``. Expected calibration error: Naeini et al.,
    "Obtaining well calibrated probabilities using Bayesian binning", 2015.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    probs, truth = checked(probabilities, labels)
    confidences, correct = summing_to_one(probs).max(axis=1), probs.argmax(axis=1) == truth
    bin_index = bins_of(confidences, bins)
    count = np.bincount(bin_index, minlength=bins)
    nonempty = count > 0
    confidence = np.bincount(bin_index, confidences, bins)[nonempty] / count[nonempty]
    accuracy = np.bincount(bin_index, correct, bins)[nonempty] / count[nonempty]
    error = float(np.abs(confidence - accuracy) @ count[nonempty] / len(truth))
    return Reliability(confidence, accuracy, count[nonempty], error)


def error_reject(probabilities: ArrayLike, labels: ArrayLike) -> Curve:
    """Compute the error–rejection curve: error rate (y) of what remains after rejecting a share (x), least sure first.

    Equal confidences are rejected together. The last point repeats the error of the most confident ones at x = 1. The
    area is the mean error over all shares (AURC): the better the confidence separates errors, the smaller it is.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    probs, truth = checked(probabilities, labels)
    confidences, wrong = probs.max(axis=1), probs.argmax(axis=1) != truth
    _, group = np.unique(confidences, return_inverse=True)
    rejected = np.concatenate(([0], np.bincount(group).cumsum()))  # (G + 1,), rejected at each threshold
    errors = np.concatenate(([0], np.bincount(group, wrong).cumsum()))
    accepted = len(truth) - rejected[:-1]
    y = (wrong.sum() - errors[:-1]) / accepted
    x = rejected / len(truth)
    y = np.append(y, y[-1])
    return Curve(x, y, float(np.trapezoid(y, x)))
