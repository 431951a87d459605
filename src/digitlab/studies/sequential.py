"""Sequential testing: significance levels at which a comparison may be tested again after every added seed.

Testing after each seed and stopping at the first decisive 95 % interval would err far more often than once in twenty.
So each look (interim test) has its own level. At the study's own number of seeds it is `FIRST`, one-sided, the level of
a 95 % interval; all later looks together may spend `LATER`, in portions that decrease with the number of seeds (Lan,
DeMets, Biometrika 70, 1983). A false "holds", a false "does not hold" and a false "the same" have a probability of at
most 5 % each, however many looks there are. The levels are computed for normal means by the recursion of Armitage,
McPherson and Rowe (Journal of the Royal Statistical Society A 132, 1969), used for Student's test (Jennison, Turnbull,
Group Sequential Methods, 2000, section 4.4), and checked by simulation (`tests/studies/test_sequential.py`).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIRST", "LATER", "Judging", "level", "levels", "needed"]

FIRST, LATER = 0.025, 0.018  # below 0.025, as Student's test with few seeds errs slightly more often than its level

_STEP = 0.02  # of the grid, in standard deviations of one seed
_POWER = 0.84  # standard deviations above the critical value, for a power of 80 %


@dataclass(frozen=True, slots=True)
class Judging:
    """The rules by which the repeats of a study are judged.

    first: the study's own number of repeats; most: the number at which it ends undecided
    paired: whether the repeats of two cells are paired one to one
    alike: by measure, the largest difference at which two cells count as the same
    """

    first: int = 3
    most: int = 3
    paired: bool = False
    alike: Mapping[str, float] = field(default_factory=dict)


def level(seeds: int, first: int, most: int) -> float:
    """The one-sided significance level for a comparison of cells with this many seeds.

    first: the study's own number of seeds; most: the number at which it ends undecided
    """
    if seeds <= first or most <= first:
        return FIRST
    return levels(first, most)[min(seeds, most) - first]


@functools.lru_cache(maxsize=64)
def levels(first: int, most: int) -> tuple[float, ...]:
    """One-sided levels of the looks at ``first``, ``first + 1``, … ``most`` seeds.

    >>> [round(each, 4) for each in levels(3, 6)]
    [0.025, 0.0183, 0.0172, 0.0168]
    """
    import numpy as np
    from scipy.stats import norm

    seeds = np.arange(first, most + 1)
    portions = 1.0 / seeds[1:]
    alphas = [FIRST, *(LATER * portions / portions.sum())]
    reach = 7.0 * math.sqrt(most)
    sums = np.arange(-reach, reach + _STEP, _STEP)  # grid of sums of standard normal numbers
    step = np.arange(-7.0, 7.0 + _STEP, _STEP)
    kernel = norm.pdf(step) * _STEP
    density = norm.pdf(sums, scale=math.sqrt(first))
    result = []
    for count, portion in zip(seeds, alphas, strict=True):
        if count > first:
            density = np.convolve(density, kernel, mode="same")
        # The probability of reaching this look and exceeding each sum; half of the sum's own cell lies beyond it.
        tail = (np.cumsum(density[::-1])[::-1] - density / 2.0) * _STEP
        index = int(np.argmax(tail <= portion))
        # Interpolate between two points of the grid, so that the levels do not jump.
        fraction = (portion - tail[index]) / max(float(tail[index - 1] - tail[index]), 1e-12)
        result.append(float(norm.sf((sums[index] - fraction * _STEP) / math.sqrt(count))))
        density[index:] = 0.0
    return tuple(result)


def needed(distance: float, deviation: float, seeds: int, first: int, most: int) -> float:
    """The number of seeds that will probably decide, even if it exceeds ``most``; infinite for zero distance.

    distance: from the estimate to the decisive bound; deviation: standard deviation of a difference between two seeds
    """
    from scipy.stats import norm

    if distance <= 0.0:
        return math.inf
    critical = float(norm.isf(level(most, first, most)))
    return max(seeds + 1, math.ceil(((critical + _POWER) * deviation / distance) ** 2))
