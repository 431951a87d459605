"""Confidence intervals for numbers that are measured on a sample of images.

All are 95 % intervals unless another level is requested, and account for the sampling of the images only; for the
variance over trainings with other seeds see `digitlab.evaluation.seeds`.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from digitlab.evaluation.bootstrap_metrics import WeightedMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Interval", "bootstrap", "resamples", "wilson"]

_AT_ONCE = 1_000_000  # weights computed at once: 8 MB, most of which stay in the processor's cache


class Interval(NamedTuple):
    """Lower and upper end, both included."""

    low: float
    high: float


def wilson(right: int, count: int, level: float = 0.95) -> Interval:
    """Compute Wilson's score interval of a proportion, of which ``right`` of ``count`` is a sample.

    Unlike the Wald interval (± 1.96 σ), it stays between 0 and 1, and its width is not zero at 0 and 1. E. B. Wilson,
    "Probable inference, the law of succession, and statistical inference", 1927. Same as `scipy.stats.binomtest`, which
    takes 15 ms, because it computes an exact p-value first, and is installed with the extra `train` only.

    >>> low, high = wilson(9910, 10_000)
    >>> f"{low:.4f} to {high:.4f}"
    '0.9890 to 0.9927'
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, weight = right / count, z * z / count
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(share * (1 - share) * weight + weight * weight / 4) / (1 + weight)
    # If none or all are right, one end is exactly 0 or 1; rounding must not move it.
    return Interval(0.0 if right == 0 else middle - half, 1.0 if right == count else middle + half)


def bootstrap(
    probabilities: ArrayLike, labels: ArrayLike, *, replicas: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Interval]:
    """Bootstrap percentile intervals of `WeightedMetrics` over ``replicas`` samples of N images drawn from these N.

    Images are drawn with replacement, regardless of class. A replica is represented by how often each image was drawn,
    as weights of the metrics: 1,000 replicas of 10,000 images take less than a second. The interval is from the 2.5th
    to the 97.5th percentile of the replicas.

    The calibration error is never below 0 and grows with noise, of which a replica has more than the images: for a well
    calibrated network nearly all replicas lie above the measured value. So its interval is shifted until the replicas'
    mean is the measured value, and cut off at 0. The others are not corrected.

    Metrics that are undefined, such as the AUC of a single class, have no interval.

    Raises:
        ShapeError, DatasetError: as `checks.checked`.
    """
    statistics = WeightedMetrics(probabilities, labels)
    blocks = [statistics.of(weights) for weights in resamples(statistics.count, replicas, seed)]
    measured = statistics.of(np.ones((statistics.count, 1)))
    values = {name: np.concatenate([block[name] for block in blocks]) for name in measured}
    values["ece"] = np.maximum(0, values["ece"] - values["ece"].mean() + measured["ece"])
    return {name: _middle(each[np.isfinite(each)], level) for name, each in values.items() if np.isfinite(each).any()}


def _middle(values: NDArray[np.float64], level: float) -> Interval:
    return Interval(*np.quantile(values, [(1 - level) / 2, (1 + level) / 2]).tolist())


def resamples(count: int, replicas: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Draw how often each of ``count`` images is in each replica: blocks of float64 (count, R), ``replicas`` in all."""
    rng = np.random.default_rng(seed)
    block = max(1, min(100, _AT_ONCE // count))
    for start in range(0, replicas, block):
        width = min(block, replicas - start)
        drawn = rng.integers(0, count, (count, width)) * width + np.arange(width)
        yield np.bincount(drawn.ravel(), minlength=count * width).reshape(count, width).astype(np.float64)
