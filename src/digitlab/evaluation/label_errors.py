"""Label errors: images whose label is contradicted by out-of-fold predictions.

Ranked by the margin: the probability of the label minus that of the most probable other digit, from 1 (certain of the
label) to -1 (certain of another); the smallest come first. Of the rules tried on MNIST's test labels (probability of
the label, margin, its logarithm, the same relative to each class's mean, confident joint first, as in Northcutt, Jiang,
Chuang, "Confident Learning", 2021) all find the same published errors except one or two, fewer than change with another
seed; the margin is the easiest to interpret.
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
    """All images of a dataset, the most suspicious labels first.

    rows: int64 (N,), their rows in the dataset
    given: int64 (N,), their labels
    guesses: int64 (N,), the most probable digit other than the label
    scores: float64 (N,), ascending; below 0 the guess is more probable than the label
    """

    rows: NDArray[np.int64]
    given: NDArray[np.int64]
    guesses: NDArray[np.int64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def suspicious(self) -> int:
        """The number of labels that are less probable than the guess; they come first."""
        return int(np.searchsorted(self.scores, 0.0))

    def among(self, rows: NDArray[np.int64]) -> LabelRanking:
        """Restrict the ranking to these rows."""
        indices = np.flatnonzero(np.isin(self.rows, rows))
        return LabelRanking(self.rows[indices], self.given[indices], self.guesses[indices], self.scores[indices])


def rank_labels(probabilities: ArrayLike, labels: ArrayLike, rows: NDArray[np.int64] | None = None) -> LabelRanking:
    """Rank labels (N,) by out-of-fold probabilities (N, 10).

    rows: int64 (N,), the rows of the images; default 0 to N - 1

    Predictions for images that a network was trained on are of no use here: it has learned their errors too.
    `digitlab.training.out_of_fold` makes predictions by networks that never saw the image.

    Raises:
        ShapeError: when the shapes do not match.
        DatasetError: as `evaluation.checks.checked`.
    """
    answers, truth = checked(probabilities, labels)
    index = np.arange(len(truth), dtype=np.int64)
    others = answers.copy()
    others[index, truth] = -1.0
    guesses = others.argmax(axis=1).astype(np.int64)
    scores = answers[index, truth] - others[index, guesses]
    order = np.argsort(scores, kind="stable")
    row_numbers = index if rows is None else rows
    return LabelRanking(row_numbers[order], truth[order], guesses[order], scores[order])


def found_among(
    rows: Sequence[int] | NDArray[np.int64], known: Collection[int], first: Sequence[int]
) -> dict[int, int]:
    """Count the known errors among the first rows, for each number in ``first``.

    >>> found_among([7, 3, 9, 1], known={3, 1, 5}, first=[1, 2, 4])
    {1: 0, 2: 1, 4: 2}
    """
    hits = np.cumsum(np.isin(rows, list(known)))
    return {count: int(hits[min(count, len(hits)) - 1]) if len(hits) else 0 for count in first}
