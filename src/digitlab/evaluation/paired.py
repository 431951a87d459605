"""Two networks on the same images: is one better than the other, or is the difference due to chance?

The test is McNemar's exact test on the images that only one of them classifies correctly; the others carry no
information. The interval of the difference of accuracies is Newcombe's for paired proportions (Statistics in Medicine
17, 1998, method 10), that of the difference of log losses a paired bootstrap over the images; all have a level of 95 %.

The results are about these two networks; for two recipes see `digitlab.evaluation.seeds`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from digitlab.errors import ShapeError
from digitlab.evaluation.checks import log_losses
from digitlab.evaluation.intervals import Interval, resamples, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Paired", "disagreements", "judge", "losses_of", "paired_interval", "resampled_means"]

_REPLICAS = 1000


@dataclass(frozen=True, slots=True)
class Paired:
    """Two networks compared on the same images; differences are the first's number minus the second's.

    both, only_first, only_second, neither: number of images that are classified correctly by …
    differing: int64 (M,), rows of the images whose predicted classes differ
    p: p-value of McNemar's exact test, two-sided
    """

    both: int
    only_first: int
    only_second: int
    neither: int
    differing: NDArray[np.int64]
    accuracy: float
    accuracy_interval: Interval
    loss: float
    loss_interval: Interval
    p: float


def disagreements(
    first: NDArray[np.floating], second: NDArray[np.floating], labels: NDArray[np.integer]
) -> dict[Literal["only_first", "only_second", "neither"], NDArray[np.int64]]:
    """Find the rows of the images whose predicted classes differ, grouped by which network is right.

    Ordered by the difference of the probabilities of the label, the largest first.
    """
    rows = np.arange(len(labels))
    gaps = np.abs(first[rows, labels] - second[rows, labels])
    answers = first.argmax(axis=1), second.argmax(axis=1)
    order = np.argsort(-gaps, kind="stable")
    order = order[answers[0][order] != answers[1][order]]
    correct = [(each == labels)[order] for each in answers]
    return {
        "only_first": order[correct[0]],
        "only_second": order[correct[1]],
        "neither": order[~correct[0] & ~correct[1]],
    }


def judge(
    answers: tuple[NDArray[np.floating], NDArray[np.floating]],
    labels: NDArray[np.integer],
    loss: NDArray[np.float64],
    resampled: NDArray[np.float64],
) -> Paired:
    """Compare two networks' probabilities, each (N, 10), for images with these labels (N,).

    loss, resampled: the differences of log loss, per image (N,) and per bootstrap replica (R,)
    """
    from scipy.stats import binomtest

    predicted = [each.argmax(axis=1) for each in answers]
    correct = [each == labels for each in predicted]
    both = int(np.sum(correct[0] & correct[1]))
    only_first, only_second = int(correct[0].sum()) - both, int(correct[1].sum()) - both
    discordant, neither = only_first + only_second, len(labels) - both - only_first - only_second
    low, high = np.quantile(resampled, [0.025, 0.975]).tolist()
    return Paired(
        both,
        only_first,
        only_second,
        neither,
        differing=np.flatnonzero(predicted[0] != predicted[1]).astype(np.int64),
        accuracy=(only_first - only_second) / len(labels),
        accuracy_interval=paired_interval(both, only_first, only_second, neither),
        loss=float(loss.mean()),
        loss_interval=Interval(low, high),
        p=float(binomtest(only_first, discordant).pvalue) if discordant else 1.0,
    )


def paired_interval(both: int, only_first: int, only_second: int, neither: int) -> Interval:
    """Compute Newcombe's interval for the difference of two accuracies on the same images, from the four counts.

    Recommended by Fagerland, Lydersen, Laake, Statistics in Medicine 33, 2014; their example:

    >>> low, high = paired_interval(1, 1, 7, 12)
    >>> f"{low:.3f} to {high:.3f}"
    '-0.507 to -0.026'
    """
    count = both + only_first + only_second + neither
    right = both + only_first, both + only_second
    share = right[0] / count, right[1] / count
    low, high = zip(*(wilson(each, count) for each in right), strict=True)
    # The correlation of the two, phi, with the continuity correction of method 10.
    covariance = float(both * neither - only_first * only_second)
    covariance = max(covariance - count / 2, 0.0) if covariance > 0 else covariance
    margins = math.sqrt(math.prod(right) * math.prod(count - each for each in right))
    phi = covariance / margins if margins else 0.0

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one**2 - 2 * phi * one * other + other**2))

    difference = (only_first - only_second) / count
    return Interval(
        difference - reach(share[0] - low[0], high[1] - share[1]),
        difference + reach(high[0] - share[0], share[1] - low[1]),
    )


def losses_of(answers: Sequence[NDArray[np.floating]], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Compute the log loss of every image: K arrays of probabilities (N, 10) → (K, N).

    Raises:
        ShapeError: when one of them does not have that shape.
    """
    for probabilities in answers:
        if probabilities.shape != (len(labels), 10):
            raise ShapeError("probabilities", expected=f"({len(labels)}, 10)", received=probabilities.shape)
    return np.stack([log_losses(probabilities, labels) for probabilities in answers])


def resampled_means(values: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Average each row (K, N) over 1,000 sets of N images drawn with replacement, the same for all rows: (1000, K)."""
    count = values.shape[1]
    return np.concatenate([(values @ weights).T / count for weights in resamples(count, _REPLICAS, seed)])
