"""Metrics of the same images under many weightings at once, for the bootstrap.

An image that was drawn three times has weight 3. The slow part, sorting by score, is done once; then a weighting costs
one addition per image and class, as a product of a sparse matrix with the weights. scikit-learn's ``sample_weight``
handles one weighting at a time and sorts again for each: minutes for 1,000 replicas of 10,000 images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.evaluation.checks import brier_scores, checked, log_losses, summing_to_one
from digitlab.evaluation.curves import BINS, bins_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["WeightedMetrics"]

_NOT_0 = 1e-300  # replaces a divisor of 0 if the dividend is 0 as well


class WeightedMetrics:
    """loss, precision_macro, recall_macro, f1_macro, auc_macro, average_precision_macro, brier, ece."""

    def __init__(self, probabilities: ArrayLike, labels: ArrayLike) -> None:
        probs, truth = checked(probabilities, labels)
        self.count = len(truth)
        self._sums = _matrix_of_sums(probs, truth)
        self._rankings = [_Ranking(probs[:, digit], truth == digit) for digit in range(10)]

    def of(self, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Compute the metrics, (R,) each, for each column of weights float64 (N, R); NaN where undefined.

        Equal to scikit-learn's with ``sample_weight``, and to those of a dataset with repeated images.
        """
        sums = self._sums @ weights  # (102 + bins, R)
        total = weights.sum(axis=0)
        cells, loss, brier, gaps = sums[:100], sums[100], sums[101], sums[102:]
        precision, recall, f1 = _by_class(cells.reshape(10, 10, -1))
        ranked = np.array([ranking.of(weights, total) for ranking in self._rankings])  # (10, 2, R)
        return {
            "loss": loss / total,
            "precision_macro": precision,
            "recall_macro": recall,
            "f1_macro": f1,
            "auc_macro": _mean_of_defined(ranked[:, 0]),
            "average_precision_macro": _mean_of_defined(ranked[:, 1]),
            "brier": brier / total,
            "ece": np.abs(gaps).sum(axis=0) / total,
        }


def _matrix_of_sums(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> Any:
    """Build a sparse (102 + bins, N): times weights it gives confusion matrix, loss, Brier score, each bin's gap."""
    from scipy.sparse import csr_array

    count, answers, confidence = len(truth), probabilities.argmax(axis=1), summing_to_one(probabilities).max(axis=1)
    rows = (10 * truth + answers, np.full(count, 100), np.full(count, 101), 102 + bins_of(confidence, BINS))
    values = (
        np.ones(count),
        log_losses(probabilities, truth),
        brier_scores(probabilities, truth),
        confidence - (answers == truth),
    )
    indices = (np.concatenate(rows), np.tile(np.arange(count), 4))
    return csr_array((np.concatenate(values), indices), shape=(102 + BINS, count))


def _by_class(cells: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Compute precision, recall, F1 from confusion matrices (10, 10, R): means over the classes that have images."""
    correct = np.einsum("iir->ir", cells)  # (10, R)
    actual, predicted = cells.sum(axis=1), cells.sum(axis=0)
    occurs = actual > 0
    totals = (predicted, actual, (actual + predicted) / 2)
    return tuple((correct / np.maximum(total, _NOT_0) * occurs).sum(axis=0) / occurs.sum(axis=0) for total in totals)


def _mean_of_defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average (10, R) → (R,), ignoring NaN; NaN where all are NaN."""
    defined = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        means: NDArray[np.float64] = np.where(defined, values, 0).sum(axis=0) / defined.sum(axis=0)
    return means


class _Ranking:
    """Areas under the ROC and precision–recall curves of one class against the others.

    Only the scores of the class's own images matter as thresholds. The other images are summed: those between two
    thresholds, and those tied with one.
    """

    def __init__(self, scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> None:
        from scipy.sparse import csr_array

        thresholds = np.unique(scores[positive])
        self._count = len(thresholds)
        below = np.searchsorted(thresholds, scores, "left")
        up_to = np.searchsorted(thresholds, scores, "right")
        above = self._count - up_to  # thresholds above the score: from 0, the highest first
        # Rows: 2G + 1 for the other images (between, tied, between, …, tied, between), then G for the class itself.
        rows = np.where(positive, 2 * self._count + 1 + above, 2 * above + (up_to > below))
        shape = (3 * self._count + 1, len(scores))
        self._sum_matrix = csr_array((np.ones(len(scores)), (rows, np.arange(len(scores)))), shape=shape)

    def of(self, weights: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute both areas for each column of weights (N, R), with sums ``total``: (2, R), NaN where undefined."""
        if not self._count:
            return np.full((2, weights.shape[1]), np.nan)
        sums = self._sum_matrix @ weights  # (3 G + 1, R)
        between, tied, own = sums[: 2 * self._count : 2], sums[1 : 2 * self._count : 2], sums[2 * self._count + 1 :]
        false = np.cumsum(between + tied, axis=0)  # (G, R), false positives down to each threshold
        true = np.cumsum(own, axis=0)
        positives, negatives = true[-1], total - true[-1]
        with np.errstate(invalid="ignore"):
            roc = 1 - (own * (false - tied / 2)).sum(axis=0) / (positives * negatives)
            precision = true / np.maximum(true + false, _NOT_0)
            return np.stack((roc, (own * precision).sum(axis=0) / positives))
