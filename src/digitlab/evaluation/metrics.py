"""Numbers from probabilities and labels, whoever made them. Knows no network library."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError, ShapeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Metrics", "accuracy_of", "log_loss_of", "measure", "surest_mistakes"]

_SUM_TOLERANCE = 1e-3  # ten float32 numbers sum to 1 within 1e-6; bfloat16 outputs and rounded CSV files within this


@dataclass(frozen=True, slots=True)
class Metrics:
    """How right a set of answers is.

    loss: mean negative log of the probability given to the true class (natural logarithm)
    precision, recall, f1, support: a number a class, 0 first; 0 where a class was never answered or never asked
    confusion_matrix: rows are the true classes, columns the answers
    """

    images: int
    loss: float
    accuracy: float
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    support: tuple[int, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def accuracy_of(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Share of images whose most likely class is the label: probabilities (N, 10), labels (N,)."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def log_loss_of(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean negative log-likelihood: probabilities (N, 10), labels (N,).

    Each row is divided by its sum, and no probability counts as less than float64's smallest step from 1, as
    scikit-learn has it; an image for which the network is sure of another class would weigh infinitely much otherwise.
    """
    exact = np.asarray(probabilities, np.float64)
    exact = exact / exact.sum(axis=1, keepdims=True)
    likelihood = exact[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(likelihood, np.finfo(np.float64).eps, 1.0)).mean())


def measure(probabilities: ArrayLike, labels: ArrayLike) -> Metrics:
    """All metrics of answers (N, 10) against labels (N,).

    Raises:
        ShapeError: when the shapes do not fit each other.
        DatasetError: when there is no image, a probability is not finite or negative, a row does not sum to 1,
            or a label is not 0 to 9.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    given, truth = _checked(np.asarray(probabilities), np.asarray(labels))
    answers = given.argmax(axis=1)
    classes = list(range(10))
    precision, recall, f1, support = precision_recall_fscore_support(truth, answers, labels=classes, zero_division=0)
    return Metrics(
        images=len(truth),
        loss=log_loss_of(given, truth),
        accuracy=accuracy_of(given, truth),
        precision=tuple(precision.tolist()),
        recall=tuple(recall.tolist()),
        f1=tuple(f1.tolist()),
        support=tuple(support.tolist()),
        confusion_matrix=tuple(map(tuple, confusion_matrix(truth, answers, labels=classes).tolist())),
    )


def surest_mistakes(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], most: int = 50
) -> NDArray[np.int64]:
    """Rows of the wrong answers, the surest first: int64 (≤ most,)."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    surest = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[surest][:most].astype(np.int64)


def _checked(probabilities: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[np.floating], NDArray[np.integer]]:
    if probabilities.ndim != 2 or probabilities.shape[1] != 10:
        raise ShapeError("probabilities", expected="(N, 10)", received=probabilities.shape)
    if labels.shape != probabilities.shape[:1]:
        raise ShapeError("labels", expected=f"({len(probabilities)},), one for each row", received=labels.shape)
    if not len(labels):
        raise DatasetError("there are no images to measure; expected at least one")
    if not np.isfinite(probabilities).all():
        row = int(np.argmin(np.isfinite(probabilities).all(axis=1)))
        raise DatasetError(f"probabilities[{row}] holds NaN or infinity; expected numbers from 0 to 1")
    sums = probabilities.sum(axis=1, dtype=np.float64)
    if probabilities.min() < 0 or np.abs(sums - 1).max() > _SUM_TOLERANCE:
        row = int(np.argmax(np.maximum(np.abs(sums - 1), -probabilities.min(axis=1))))
        raise DatasetError(
            f"probabilities[{row}] sums to {sums[row]:.4g}, least {probabilities[row].min():.4g}; expected numbers "
            "from 0 that sum to 1. If these are logits, apply softmax first"
        )
    if labels.min() < 0 or labels.max() > 9:
        row = int(np.argmax((labels < 0) | (labels > 9)))
        raise DatasetError(f"labels[{row}] is {labels[row]}; expected 0 to 9")
    return probabilities, labels.astype(np.int64)
