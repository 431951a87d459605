"""Which labels of a set may be wrong: networks that never saw an image are surer of another digit.

The rule is the margin: what the networks give the label, less what they give the likeliest other digit, from 1 (sure of
the label) to -1 (sure of another); the least come first. Of the rules tried on MNIST's test labels (probability of the
label, margin, its logarithm, the same relative to each class's mean, confident joint first, as Northcutt, Jiang and
Chuang have it in "Confident Learning", 2021) all find the same published errors but for one or two, fewer than another
seed changes; the margin is the one that a person can read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.evaluation.checks import checked

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["LabelRanking", "found_among", "rank_labels"]


@dataclass(frozen=True, slots=True)
class LabelRanking:
    """All images of a set, those with the most suspicious label first.

    rows: int64 (N,), their places in the set
    given: int64 (N,), their labels
    guesses: int64 (N,), the likeliest digit beside the label
    scores: float64 (N,), rising; below 0 the guess is likelier than the label
    """

    rows: NDArray[np.int64]
    given: NDArray[np.int64]
    guesses: NDArray[np.int64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def suspicious(self) -> int:
        """How many labels are less likely than the guess; they stand first."""
        return int(np.searchsorted(self.scores, 0.0))

    def among(self, rows: NDArray[np.int64]) -> LabelRanking:
        """The ranking of these rows of the set only; they keep their numbers."""
        places = np.flatnonzero(np.isin(self.rows, rows))
        return LabelRanking(self.rows[places], self.given[places], self.guesses[places], self.scores[places])


def rank_labels(probabilities: ArrayLike, labels: ArrayLike, rows: NDArray[np.int64] | None = None) -> LabelRanking:
    """Rank labels (N,) by what networks that did not learn from them say: probabilities (N, 10).

    rows: int64 (N,), what to call the images; else 0 to N - 1

    The answers of a network to images that it was trained on are of no use here: it has learned their errors, too.
    `digitlab.training.out_of_fold` makes such as are.

    Raises:
        ShapeError: when the shapes do not fit each other.
        DatasetError: as `evaluation.checks.checked`.
    """
    answers, truth = checked(probabilities, labels)
    each = np.arange(len(truth), dtype=np.int64)
    others = answers.copy()
    others[each, truth] = -1.0
    guesses = others.argmax(axis=1).astype(np.int64)
    scores = answers[each, truth] - others[each, guesses]
    order = np.argsort(scores, kind="stable")
    named = each if rows is None else rows
    return LabelRanking(named[order], truth[order], guesses[order], scores[order])


def found_among(
    rows: Sequence[int] | NDArray[np.int64], known: Collection[int], first: Sequence[int]
) -> dict[int, int]:
    """How many of the known errors stand among the first so many rows.

    >>> found_among([7, 3, 9, 1], known={3, 1, 5}, first=[1, 2, 4])
    {1: 0, 2: 1, 4: 2}
    """
    hits = np.cumsum(np.isin(rows, list(known)))
    return {count: int(hits[min(count, len(hits)) - 1]) if len(hits) else 0 for count in first}
