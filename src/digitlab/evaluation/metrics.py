"""Metrics of probabilities and labels, whatever produced them. Imports no network library."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.evaluation.checks import brier_scores, checked, log_losses
from digitlab.evaluation.curves import reliability
from digitlab.evaluation.intervals import Interval, wilson
from digitlab.evaluation.intervals import bootstrap as bootstrap_intervals
from digitlab.evaluation.thresholds import average_precision, roc_area
from digitlab.shown import Drawn, Tabular

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["REPLICAS", "Metrics", "accuracy_of", "log_loss_of", "measure", "surest_mistakes", "without_undefined"]

REPLICAS = 1000  # enough for two digits of a 95 % interval; 10,000 images take less than a second
_CLASSES = list(range(10))


@dataclass(frozen=True, slots=True)
class Metrics(Drawn, Tabular):
    """The metrics of a set of predictions.

    loss: mean negative natural logarithm of the probability given to the true class; also called log loss, NLL and
        cross-entropy
    accuracy, accuracy_interval: share of correct predictions, and Wilson's 95 % interval
    top_2, top_3: share of images whose label is among the two, three most probable classes; among equal probabilities,
        higher digits come first, as in scikit-learn
    brier: mean squared distance of the ten probabilities from the one-hot label: 0 to 2
    ece: expected calibration error, in 15 equally wide bins of confidence
    precision, recall, f1, support: one number per class, 0 first. precision is None (JSON: null) for a class that was
        never predicted, recall and f1 for a class without images: 0/0 is undefined, not 0
    …_macro: mean over the classes that have images; …_weighted: over the images. A class with images that was never
        predicted counts with a precision of 0, as scikit-learn's ``zero_division=0``
    auc: area under the ROC curve of each class against the others; None without images of it, or of others
    average_precision: of each class against the others; None without images of it
    auc_macro, average_precision_macro: mean over the classes that have one; None where none has
    intervals: 95 % bootstrap intervals of loss, brier, ece and the …_macro metrics, where requested
    confusion_matrix: rows are the true classes, columns the predicted ones
    """

    images: int
    loss: float
    accuracy: float
    accuracy_interval: Interval
    top_2: float
    top_3: float
    brier: float
    ece: float
    precision: tuple[float | None, ...]
    recall: tuple[float | None, ...]
    f1: tuple[float | None, ...]
    support: tuple[int, ...]
    precision_macro: float
    recall_macro: float
    f1_macro: float
    precision_weighted: float
    recall_weighted: float
    f1_weighted: float
    auc: tuple[float | None, ...]
    auc_macro: float | None
    average_precision: tuple[float | None, ...]
    average_precision_macro: float | None
    confusion_matrix: tuple[tuple[int, ...], ...]
    intervals: dict[str, Interval] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def accuracy_of(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Compute the share of images whose most probable class is the label: probabilities (N, 10), labels (N,)."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def log_loss_of(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Compute the mean negative log-likelihood: probabilities (N, 10), labels (N,); see `checks.log_losses`."""
    return float(log_losses(probabilities, labels).mean())


def measure(probabilities: ArrayLike, labels: ArrayLike, *, bootstrap: int = 0, seed: int = 0) -> Metrics:
    """Compute all metrics of probabilities (N, 10) against labels (N,).

    Ranking metrics (accuracy, top-k, AUC, average precision) use the numbers as given; loss, Brier score and
    calibration error use each row divided by its sum.

    bootstrap: replicas for the intervals, 0 for none; seed: of the resampling

    Raises:
        ShapeError: when the shapes do not match.
        DatasetError: when there is no image, a probability is not finite or negative, a row does not sum to 1,
            or a label is not 0 to 9.
    """
    probs, truth = checked(probabilities, labels)
    correct = int((probs.argmax(axis=1) == truth).sum())
    return Metrics(
        images=len(truth),
        loss=log_loss_of(probs, truth),
        accuracy=correct / len(truth),
        accuracy_interval=wilson(correct, len(truth)),
        brier=float(brier_scores(probs, truth).mean()),
        ece=reliability(probs, truth).error,
        **_classification_metrics(probs, truth),
        **_ranking_metrics(probs, truth),
        intervals=bootstrap_intervals(probs, truth, replicas=bootstrap, seed=seed) if bootstrap else {},
    )


def _classification_metrics(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> dict[str, Any]:
    """Compute the metrics that depend on the most probable class only."""
    matrix = np.bincount(10 * truth + probabilities.argmax(axis=1), minlength=100).reshape(10, 10)
    correct, predicted, support = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    scores = {
        "precision": _ratio(correct, predicted),
        "recall": _ratio(correct, support),
        "f1": _ratio(2 * correct, support + predicted),
    }
    result: dict[str, Any] = without_undefined({name: each.tolist() for name, each in scores.items()}, matrix.tolist())
    occurs = support > 0
    for average, weights in (("macro", None), ("weighted", support[occurs])):
        result |= {
            f"{name}_{average}": float(np.average(each[occurs], weights=weights)) for name, each in scores.items()
        }
    return result | {"support": tuple(support.tolist()), "confusion_matrix": tuple(map(tuple, matrix.tolist()))}


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Divide, with 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def without_undefined(
    by_class: Mapping[str, Sequence[float | None]], matrix: Sequence[Sequence[int]]
) -> dict[str, tuple[float | None, ...]]:
    """Return precision, recall and f1 (10 numbers each), with None for every 0/0.

    matrix: 10 rows of 10 counts, the true class by row, the predicted one by column
    """
    counts = np.asarray(matrix)
    has_images, was_predicted = counts.sum(axis=1) > 0, counts.sum(axis=0) > 0
    defined = {"precision": was_predicted, "recall": has_images, "f1": has_images}
    return {
        name: tuple(value if known else None for value, known in zip(values, defined[name], strict=True))
        for name, values in by_class.items()
    }


def _ranking_metrics(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> dict[str, Any]:
    """Compute the metrics that depend on the order of the probabilities, within a row or within a class."""
    auc: list[float | None] = []
    precisions: list[float | None] = []
    for digit in _CLASSES:
        positive, scores = truth == digit, probabilities[:, digit]
        auc.append(roc_area(positive, scores) if positive.any() and not positive.all() else None)
        precisions.append(average_precision(positive, scores) if positive.any() else None)
    ranked = np.argsort(probabilities, axis=1, kind="stable")[:, ::-1] == truth[:, None]  # (N, 10)
    return {
        "top_2": float(ranked[:, :2].any(axis=1).mean()),
        "top_3": float(ranked[:, :3].any(axis=1).mean()),
        "auc": tuple(auc),
        "auc_macro": _mean(auc),
        "average_precision": tuple(precisions),
        "average_precision_macro": _mean(precisions),
    }


def _mean(values: list[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def surest_mistakes(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], most: int = 50
) -> NDArray[np.int64]:
    """Return the rows of the misclassified images, the most confident first: int64 (≤ most,)."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    surest = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[surest][:most].astype(np.int64)
