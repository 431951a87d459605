"""Statistics over seeds: mean and standard deviation, and whether two recipes' means differ by more than chance.

The difference has Welch's interval, or that of Student's paired test if each run of one recipe is paired with one of
the other. For one value against several, the variance of the several is assumed for both (Crawford, Howell, The
Clinical Neuropsychologist 12, 1998).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError
from digitlab.evaluation.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MeansDifference", "Spread", "combined", "differ", "differ_in_pairs", "over_seeds"]

_ROUNDING = 1e-12  # smaller differences come from the order of computation


@dataclass(frozen=True, slots=True)
class MeansDifference:
    """The mean of some runs minus that of others.

    interval: 95 % confidence interval
    p: two-sided p-value of the null hypothesis that the means are equal
    error: the standard error of the difference; 0 if there is no variance
    freedom: its degrees of freedom
    """

    difference: float
    interval: Interval
    p: float
    error: float = 0.0
    freedom: float = 1.0

    def below(self, bound: float) -> float:
        """Return the one-sided p-value of the null hypothesis that the difference is at least ``bound``."""
        return _tail(bound - self.difference, self.error, self.freedom)

    def above(self, bound: float) -> float:
        """Return the one-sided p-value of the null hypothesis that the difference is at most ``bound``."""
        return _tail(self.difference - bound, self.error, self.freedom)


@dataclass(frozen=True, slots=True)
class Spread:
    """A number over seeds. For a single value the deviation (n − 1) and the t interval of the mean are None."""

    values: tuple[float, ...]
    mean: float
    deviation: float | None
    interval: Interval | None

    @property
    def spreads(self) -> bool:
        """Whether the values differ."""
        return self.deviation is not None and self.deviation > _ROUNDING


def over_seeds(values: Sequence[float], *, shares: bool = False) -> Spread:
    """Compute the mean of a number over seeds, its standard deviation, and the 95 % t interval of the mean.

    shares: the numbers are proportions: the interval is cut off at 0 and 1

    Raises:
        UsageError: when there is no value.
    """
    if not len(values):
        raise UsageError("there is no value to take the mean of; expected one for each seed")
    numbers = np.asarray(values, np.float64)
    mean = float(numbers.mean())
    if len(numbers) == 1:
        return Spread(tuple(numbers.tolist()), mean, None, None)
    deviation = float(numbers.std(ddof=1))
    reach = _t_quantile(len(numbers) - 1) * deviation / math.sqrt(len(numbers))
    low, high = mean - reach, mean + reach
    interval = Interval(max(0.0, low), min(1.0, high)) if shares else Interval(low, high)
    return Spread(tuple(numbers.tolist()), mean, deviation, interval)


def differ(first: Sequence[float], second: Sequence[float]) -> MeansDifference:
    """Compute the difference of two means, with interval and p-value: Welch's, or of one value against several.

    With no variance on either side, the interval is just the difference.

    Raises:
        UsageError: when a side is empty, or both have one value only: then the variance is unknown.
    """
    if min(len(first), len(second)) < 1 or max(len(first), len(second)) < 2:
        raise UsageError(
            f"{len(first)} and {len(second)} values; expected one or more on each side, and two or more on one of them"
        )
    sides = [np.asarray(side, np.float64) for side in (first, second)]
    difference = float(sides[0].mean() - sides[1].mean())
    error, freedom = _standard_error(sides)
    return _with_interval(difference, error, freedom)


def differ_in_pairs(first: Sequence[float], second: Sequence[float]) -> MeansDifference:
    """Compute the mean difference of paired runs, by seed or by fold (Student's paired test).

    Raises:
        UsageError: for sides of different lengths, or fewer than two pairs.
    """
    if len(first) != len(second) or len(first) < 2:
        raise UsageError(f"{len(first)} and {len(second)} values; expected the same number, two or more")
    differences = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return _with_interval(float(differences.mean()), error, len(differences) - 1)


def combined(samples: Sequence[Sequence[float]]) -> MeansDifference:
    """Compute the sum of the means of independent samples: `differ` for more than two; values include sign and weight.

    Standard error and degrees of freedom as Welch's (Satterthwaite, Biometrics Bulletin 2, 1946).

    Raises:
        UsageError: for a sample of fewer than two values.
    """
    sides = [np.asarray(sample, np.float64) for sample in samples]
    if not sides or min(map(len, sides)) < 2:
        raise UsageError(f"{[*map(len, sides)]} values; expected two or more in each sample")
    error, freedom = _welch(sides)
    return _with_interval(float(sum(side.mean() for side in sides)), error, freedom)


def _with_interval(difference: float, error: float, freedom: float) -> MeansDifference:
    from scipy.stats import t

    if error <= _ROUNDING:
        return MeansDifference(difference, Interval(difference, difference), float(abs(difference) <= _ROUNDING))
    reach = _t_quantile(freedom) * error
    p = 2 * float(t.sf(abs(difference) / error, freedom))
    return MeansDifference(difference, Interval(difference - reach, difference + reach), p, error, freedom)


def _tail(distance: float, error: float, freedom: float) -> float:
    """Compute the one-sided p-value of a mean that is ``distance`` beyond a bound."""
    from scipy.stats import t

    if error <= _ROUNDING:
        return 0.0 if distance > _ROUNDING else 1.0
    return float(t.sf(distance / error, freedom))


def _standard_error(sides: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Compute the standard error of the difference of the means, and its degrees of freedom."""
    if min(map(len, sides)) == 1:
        several = max(sides, key=len)
        return float(several.std(ddof=1)) * math.sqrt(1 + 1 / len(several)), len(several) - 1
    return _welch(sides)


def _welch(sides: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    squares = [float(side.var(ddof=1)) / len(side) for side in sides]
    freedom = [each**2 / (len(side) - 1) for each, side in zip(squares, sides, strict=True)]
    return math.sqrt(sum(squares)), sum(squares) ** 2 / sum(freedom) if sum(freedom) else 1.0


def _t_quantile(freedom: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, freedom))
