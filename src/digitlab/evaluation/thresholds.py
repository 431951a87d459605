"""Counts at each threshold on a score, and the ROC and precision–recall curves computed from them.

The numbers equal scikit-learn's to the last bit, which the tests verify; importing scikit-learn takes longer than
measuring 10,000 predictions, and also imports pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["average_precision", "precision_recall", "roc", "roc_area"]

Points = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


def _counts(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> Points:
    """Count true and false positives, float64 (T,) each, at every distinct score as threshold, the highest first."""
    order = np.argsort(scores)[::-1]
    falls = np.flatnonzero(np.diff(scores[order]))
    last = np.append(falls, len(scores) - 1)  # of each group of equal scores
    true = np.cumsum(positive[order])[last].astype(np.float64)
    return true, 1.0 + last - true


def roc(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> Points:
    """Compute false and true positive rates from (0, 0) to (1, 1), without collinear points.

    positive: (N,), at least one true and one false; scores: (N,)
    """
    true, false = _counts(positive, scores)
    if len(true) > 2:
        turns = (np.diff(true, 2) != 0) | (np.diff(false, 2) != 0)
        keep = np.concatenate(([True], turns, [True]))
        true, false = true[keep], false[keep]
    true, false = np.append(0.0, true), np.append(0.0, false)
    return false / false[-1], true / true[-1]


def roc_area(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Compute the area under the ROC curve: the probability that a positive has a higher score than a negative."""
    x, y = roc(positive, scores)
    return float(np.trapezoid(y, x))


def precision_recall(positive: NDArray[np.bool_], scores: NDArray[np.floating], *, every: bool = False) -> Points:
    """Compute precision and recall from the lowest threshold up, ending at precision 1 and recall 0.

    positive: (N,), at least one true; every: also return thresholds between the first and the last of equal recall
    """
    true, false = _counts(positive, scores)
    if not every and len(true) > 2:
        steps = np.diff(true) != 0
        keep = np.concatenate(([True], steps[:-1] | steps[1:], [True]))
        true, false = true[keep], false[keep]
    precision, recall = true / (true + false), true / true[-1]
    return np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0)


def average_precision(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Average the precision over the thresholds, weighted by the increase in recall at each."""
    precision, recall = precision_recall(positive, scores, every=True)
    return max(0.0, -float(np.sum(np.diff(recall) * precision[:-1])))
