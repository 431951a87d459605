"""Curves of probabilities and labels as arrays, for whoever draws them: ROC, precision–recall, reliability, refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.evaluation.checks import checked
from digitlab.evaluation.per_image import summing_to_one

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BINS",
    "Curve",
    "Reliability",
    "bins_of",
    "error_reject",
    "mean_roc",
    "precision_recall_curves",
    "reliability",
    "roc_curves",
]

BINS = 15  # of confidence, as Guo and others, "On calibration of modern neural networks", 2017


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a curve and the area under it.

    x, y: float64 (P,), 0 to 1, x never falling; a step where x stays
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    area: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often answers of a confidence are right.

    confidence, accuracy: float64 (B,), means over each bin that is not empty, by rising confidence
    count: int64 (B,), answers in it
    error: expected calibration error (ECE), the mean of |confidence − accuracy| over the answers
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]
    error: float


def roc_curves(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Curve | None, ...]:
    """ROC of each digit against the others: x the false positive rate, y the true positive rate, scikit-learn's.

    Points in the middle of a straight line are left out. None for a digit of which there is no image, or nothing else.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    given, truth = checked(probabilities, labels)
    curves: list[Curve | None] = []
    for digit in range(10):
        positive = truth == digit
        if not positive.any() or positive.all():
            curves.append(None)
            continue
        x, y, _ = roc_curve(positive, given[:, digit])
        curves.append(Curve(x, y, float(roc_auc_score(positive, given[:, digit]))))
    return tuple(curves)


def mean_roc(probabilities: ArrayLike, labels: ArrayLike) -> Curve | None:
    """The mean of the digits' ROC curves over their true positive rates; its area is the mean of theirs (macro).

    None where no digit has a curve: there are images of one digit only.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    curves = [curve for curve in roc_curves(probabilities, labels) if curve is not None]
    if not curves:
        return None
    x = np.unique(np.concatenate([curve.x for curve in curves]))
    # Where a curve rises steeply it has two values: both are kept, or the mean would cut its corners.
    # np.interp gives the last of several values, so the first by a look in the mirror.
    before = np.mean([np.interp(-x, -curve.x[::-1], curve.y[::-1]) for curve in curves], axis=0)
    after = np.mean([np.interp(x, curve.x, curve.y) for curve in curves], axis=0)
    area = float(np.mean([curve.area for curve in curves]))
    return Curve(np.repeat(x, 2), np.stack((before, after), axis=1).ravel(), area)


def precision_recall_curves(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Curve | None, ...]:
    """Precision (y) over recall (x) of each digit against the others, scikit-learn's; the area is average precision.

    Average precision is the sum of the steps, not the area under straight lines between the points, which would be too
    hopeful: draw it as steps before each point. None for a digit of which there is no image.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    given, truth = checked(probabilities, labels)
    curves: list[Curve | None] = []
    for digit in range(10):
        positive = truth == digit
        if not positive.any():
            curves.append(None)
            continue
        precision, recall, _ = precision_recall_curve(positive, given[:, digit], drop_intermediate=True)
        area = float(average_precision_score(positive, given[:, digit]))
        curves.append(Curve(recall[::-1], precision[::-1], area))
    return tuple(curves)


def bins_of(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Which of ``bins`` equally wide ones holds each number 0 to 1; a bin holds its upper end and not its lower.

    >>> bins_of(np.array([0.0, 0.2, 0.21, 1.0]), 5).tolist()
    [0, 0, 1, 4]
    """
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence).astype(np.int64)


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = BINS) -> Reliability:
    """Confidence of the answers against how often they are right, in equally wide bins of confidence.

    The points are those of scikit-learn's ``calibration_curve``. Expected calibration error: Naeini and others,
    "Obtaining well calibrated probabilities using Bayesian binning", 2015.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    given, truth = checked(probabilities, labels)
    sure, right = summing_to_one(given).max(axis=1), given.argmax(axis=1) == truth
    place = bins_of(sure, bins)
    count = np.bincount(place, minlength=bins)
    held = count > 0
    confidence = np.bincount(place, sure, bins)[held] / count[held]
    accuracy = np.bincount(place, right, bins)[held] / count[held]
    error = float(np.abs(confidence - accuracy) @ count[held] / len(truth))
    return Reliability(confidence, accuracy, count[held], error)


def error_reject(probabilities: ArrayLike, labels: ArrayLike) -> Curve:
    """The error among the answered images (y) when a share (x) is refused, the least confident first.

    Equal confidences are refused together. The last point is the surest answers' error once more, at 1. The area
    is the mean error over all shares (also called AURC): the better a network knows when it is wrong, the less.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    given, truth = checked(probabilities, labels)
    sure, wrong = given.max(axis=1), given.argmax(axis=1) != truth
    _, place = np.unique(sure, return_inverse=True)
    refused = np.concatenate(([0], np.bincount(place).cumsum()))  # (G + 1,), at each threshold
    errors = np.concatenate(([0], np.bincount(place, wrong).cumsum()))
    answered = len(truth) - refused[:-1]
    y = (wrong.sum() - errors[:-1]) / answered
    x = refused / len(truth)
    y = np.append(y, y[-1])
    return Curve(x, y, float(np.trapezoid(y, x)))
