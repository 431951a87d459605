"""A promise: above which confidence at most a given share of the filled fields is wrong, with 95 % confidence.

It is based on randomly drawn fields that a person reviewed: among the n of them with a confidence of t or more, the
number k of wrong ones is binomial, so the exact upper bound of Clopper and Pearson (1934) holds for any n. Conformal
risk control bounds the *expected* error over stacks; whoever signs a list of marks wants a bound for this stack, with a
stated confidence, and that is what this is. Several thresholds are tried in an order that does not depend on what was
wrong (from the highest at which an errorless sample would suffice, downwards, until the first that fails):
fixed-sequence testing, which needs no correction for their number (Angelopoulos et al. 2021, "Learn then Test").
The fields of one sheet have one writer, so they are not quite independent: the sample is best spread over many sheets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["LEAST", "Drift", "Promise", "drift_of", "needed_for", "promise_of", "upper_bound"]

LEAST = 50  # fields that must have been reviewed
CONFIDENCE = 0.95
_STEPS = 60  # thresholds between the highest and the lowest that are tried
_ALARM = 0.01  # the p-value below which later stacks are called different


@dataclass(frozen=True, slots=True)
class Promise:
    """What can be promised.

    threshold: the lowest confidence at which values may be accepted without review; None if nothing can be promised
    bound: of the share of wrong ones among those, with 95 % confidence; checked, wrong: fields that it is based on
    attainable: the lowest share that this sample could promise at any threshold, given its errors
    needed: least number of error-free fields for the promise that was asked for
    """

    error: float
    threshold: float | None
    bound: float
    checked: int
    wrong: int
    attainable: float
    needed: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether a later stack looks different: two-sample Kolmogorov–Smirnov test of the confidences.

    distance: largest difference of the two distributions; probability: p-value; earlier, later: medians
    lower: whether the later confidences are the lower ones where the difference is largest
    """

    distance: float
    probability: float
    earlier: float
    later: float
    lower: bool

    @property
    def alarm(self) -> bool:
        """Whether the promise should not be relied on for the later stack."""
        return self.probability < _ALARM


def upper_bound(wrong: int, count: int) -> float:
    """Return Clopper and Pearson's one-sided upper bound of a share, for ``wrong`` of ``count`` in a sample.

    >>> round(upper_bound(0, 2995), 6), round(upper_bound(0, 50), 4), upper_bound(3, 3)
    (0.001, 0.0582, 1.0)
    """
    if count == 0 or wrong >= count:
        return 1.0
    if wrong == 0:
        return float(1.0 - (1.0 - CONFIDENCE) ** (1.0 / count))
    from scipy.stats import beta

    return float(beta.ppf(CONFIDENCE, wrong + 1, count - wrong))


def needed_for(error: float) -> int:
    """Return how many error-free fields are needed to promise this share of errors.

    >>> needed_for(0.001), needed_for(0.01)
    (2995, 299)
    """
    return math.ceil(math.log(1.0 - CONFIDENCE) / math.log1p(-error))


def promise_of(confidences: ArrayLike, wrong: ArrayLike, error: float) -> Promise:
    """Find the lowest threshold at which the promise holds.

    confidences: float (N,) of fields that were drawn at random and reviewed; wrong: bool (N,), whether each was wrong

    Raises:
        UsageError: for fewer than `LEAST` fields, or an error that is not a share below one half.
    """
    scores = np.asarray(confidences, np.float64)
    is_wrong = np.asarray(wrong, np.bool_)
    if not 0.0 < error < 0.5:
        raise UsageError(f"--error is {error:g}; expected a share above 0 and below 0.5, such as 0.001")
    if len(scores) < LEAST:
        raise UsageError(
            f"{len(scores):,} sampled fields were reviewed; expected {LEAST}, which `digitlab sheet review` draws"
        )
    needed = needed_for(error)
    order = np.argsort(-scores, kind="stable")
    scores, is_wrong = scores[order], is_wrong[order]
    best: tuple[float, float, int, int] | None = None
    for threshold in _thresholds(scores, needed):
        count = int((scores >= threshold).sum())
        wrong_count = int(is_wrong[:count].sum())
        bound = upper_bound(wrong_count, count)
        if bound > error:
            break
        best = threshold, bound, count, wrong_count
    attainable = min(
        upper_bound(int(is_wrong[:count].sum()), count)
        for count in np.unique(np.linspace(LEAST, len(scores), 40).astype(int))
    )
    if best is None:
        wrong_count = int(is_wrong.sum())
        bound = upper_bound(wrong_count, len(scores))
        return Promise(error, None, bound, len(scores), wrong_count, attainable, needed)
    threshold, bound, count, wrong_count = best
    return Promise(error, threshold, bound, count, wrong_count, attainable, needed)


def _thresholds(scores: NDArray[np.float64], needed: int) -> Sequence[float]:
    """Return the thresholds in the order of testing, chosen by confidences alone. ``scores``: sorted, largest first."""
    if len(scores) < needed:
        return ()
    indices = np.unique(np.linspace(needed - 1, len(scores) - 1, _STEPS).astype(int))
    return list(dict.fromkeys(scores[indices].tolist()))


def drift_of(earlier: ArrayLike, later: ArrayLike) -> Drift:
    """Compare the confidences of two stacks, float (N,) and (M,).

    Raises:
        UsageError: for an empty stack.
    """
    first, second = np.sort(np.asarray(earlier, np.float64)), np.sort(np.asarray(later, np.float64))
    if not len(first) or not len(second):
        raise UsageError("a stack without answered fields cannot be compared")
    values = np.concatenate([first, second])
    shares = [np.searchsorted(each, values, side="right") / len(each) for each in (first, second)]
    differences = shares[1] - shares[0]
    largest = int(np.abs(differences).argmax())
    distance = float(abs(differences[largest]))
    size = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    x = (size + 0.12 + 0.11 / size) * distance  # Stephens 1970
    terms = (2.0 * (-1) ** (k - 1) * math.exp(-2.0 * k * k * x * x) for k in range(1, 101))
    probability = min(1.0, max(0.0, sum(terms))) if x > 0.2 else 1.0
    medians = float(np.median(first)), float(np.median(second))
    return Drift(distance, probability, *medians, lower=bool(differences[largest] > 0.0))
