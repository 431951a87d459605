"""How far a page that was read is from what stands on it, and how far that may be from other pages of the kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.evaluation.intervals import Interval, resamples

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["edits", "ratio_interval"]

_REPLICAS = 1000


def edits(one: str, other: str) -> int:
    """The Levenshtein distance: characters to put in, take out or change.

    >>> edits("1234|56", "134|567")
    2
    """
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row, above = [i], row
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def ratio_interval(pages: Sequence[tuple[float, float]], *, seed: int = 0) -> Interval:
    """The 95 % bootstrap interval of one sum of all pages to another, such as edits to characters; pages are drawn.

    >>> ratio_interval([(1, 10)] * 5)
    Interval(low=0.1, high=0.1)
    """
    above, below = np.asarray(pages, np.float64).T
    ratios = []
    for times in resamples(len(pages), _REPLICAS, seed):
        there = below @ times
        ratios.append((above @ times)[there > 0] / there[there > 0])
    low, high = np.quantile(np.concatenate(ratios), (0.025, 0.975)).tolist()
    return Interval(low, high)
