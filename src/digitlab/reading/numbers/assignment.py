"""Assign to each picture of a batch its own number of a list: the assignment that is most likely as a whole.

Linear assignment (`scipy.optimize.linear_sum_assignment`) on log-likelihoods. How reliable a pair is, is measured by
its margin: how much more likely the best assignment is than the best one without this pair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError
from digitlab.reading.numbers.evidence import evidence_of
from digitlab.reading.numbers.lists import NOT_LISTED, likelihoods, none_likelihood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.numbers.lists import NumberList
    from digitlab.values import ReadDigit

__all__ = ["DOUBTFUL", "Assigned", "one_to_one"]

DOUBTFUL = 0.99  # confidence: below it a person should check
_FURTHEST = 4.0  # powers of ten: larger margins are clipped
_MOST_CELLS = 400_000_000  # pictures times numbers: 3 GB


@dataclass(frozen=True, slots=True)
class Assigned:
    """The assignment of one picture of a batch.

    text: its entry as in the list; if it got none, "?" for each digit that was read
    entry: its row in the list, from 0; None if no remaining entry is more likely than "none of them"
    margin: the power of ten by which the best assignment is more likely than the best one without this pair, 4 at most
    confidence: 0 … 1, of the pair: 1 / (1 + 10 ** -margin)
    doubtful: whether the confidence is below 0.99, or the picture got no entry
    read: its most likely digits without the list
    """

    text: str
    entry: int | None
    margin: float
    confidence: float
    doubtful: bool
    read: str


def one_to_one(batch: Sequence[Sequence[ReadDigit]], among: NumberList) -> tuple[Assigned, ...]:
    """Assign an entry of the list to each picture's digits, no entry twice, in the order of the batch.

    batch: for each picture the digits of its number, in reading order, answered or not; one without digits gets none

    Raises:
        UsageError: for more pictures times entries than fit into the memory.
    """
    if not batch:
        return ()
    if len(batch) * len(among) > _MOST_CELLS:
        raise UsageError(
            f"{len(batch):,} pictures and {len(among):,} numbers are too many for one assignment; expected at most "
            f"{_MOST_CELLS:,} pairs: split the batch, or leave one-to-one out"
        )
    from scipy.optimize import linear_sum_assignment

    read = [evidence_of(digits) for digits in batch]
    costs, none = _costs(batch, among)
    capped = np.minimum(costs, none[:, None])
    extra = len(batch) - len(among) + 1  # a picture may always do without an entry
    if extra > 0:
        capped = np.hstack([capped, np.repeat(none[:, None], extra, axis=1)])
    rows, columns = linear_sum_assignment(capped)
    assigned_columns = np.empty(len(batch), np.int64)
    assigned_columns[rows] = columns
    margins = _margins(capped, assigned_columns) / math.log(10.0)
    results = []
    for row, (column, margin) in enumerate(zip(assigned_columns.tolist(), margins.tolist(), strict=True)):
        entry = column if column < len(among) and costs[row, column] < none[row] else None
        confidence = 1.0 / (1.0 + 10.0**-margin)
        text = "?" * len(read[row]) if entry is None else among.entries[entry]
        doubtful = entry is None or confidence < DOUBTFUL
        results.append(Assigned(text, entry, margin, confidence, doubtful, read[row].likeliest))
    return tuple(results)


def _costs(batch: Sequence[Sequence[ReadDigit]], among: NumberList) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return negative log-likelihoods: (pictures, entries), and of "none of them" (pictures,)."""
    costs = np.empty((len(batch), len(among)))
    none = np.empty(len(batch))
    share = (1.0 - NOT_LISTED) / len(among)
    for row, digits in enumerate(batch):
        evidence = evidence_of(digits)
        likelihood = likelihoods(evidence, among)
        costs[row] = -np.log(np.maximum(likelihood * share, 1e-300))
        none[row] = -math.log(none_likelihood(evidence, among, likelihood)) if len(evidence) else -math.log(NOT_LISTED)
        if not len(evidence):
            costs[row] = 700.0
    return costs, none


def _margins(costs: NDArray[np.float64], assigned_columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much more the best assignment without each pair costs, (pictures,).

    Without a pair, its picture takes another's entry, that one the next one's, and so on until an unassigned entry, or
    the first one's: the cheapest cycle through the picture. Potentials make the edges positive (Johnson 1977), and
    what lies beyond the largest margin is left out.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    count = len(costs)
    own = costs[np.arange(count), assigned_columns]
    edges = np.full((count + 1, count + 1), np.inf)  # the last node: the unassigned entries
    edges[:count, :count] = costs[:, assigned_columns] - own[:, None]
    free = np.setdiff1d(np.arange(costs.shape[1]), assigned_columns, assume_unique=True)
    if len(free):
        edges[:count, count] = costs[:, free].min(axis=1) - own
        edges[count, :count] = 0.0
    np.fill_diagonal(edges, np.inf)
    potentials = np.zeros(count + 1)
    for _ in range(count + 1):
        updated = np.minimum(potentials, (potentials[:, None] + edges).min(axis=0))
        if np.allclose(updated, potentials, atol=1e-12):
            break
        potentials = updated
    furthest = _FURTHEST * math.log(10.0)
    positive = np.maximum(edges + potentials[:, None] - potentials[None, :], 0.0) + 1e-12
    starts, ends = np.nonzero(positive <= furthest)
    graph = csr_array((positive[starts, ends], (starts, ends)), shape=positive.shape)
    margins = np.full(count, furthest)
    for row in range(count):
        targets = np.flatnonzero(positive[:, row] <= furthest)
        if len(targets):
            distances = dijkstra(graph, indices=row, limit=furthest)
            margins[row] = min(furthest, float((distances[targets] + positive[targets, row]).min()))
    return np.asarray(np.maximum(margins, 0.0), np.float64)
