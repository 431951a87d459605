"""The likeliest way through clusters of strokes: freely, with so many digits, or as a pattern says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.reading.shape import likely_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.lattice import Cluster, Piece

__all__ = ["DIGIT", "Choice", "Followed", "ReadCluster", "follow", "freely", "in_pieces"]

DIGIT = "#"

_LEAST = 1e-4  # no reading is more certain than that to be wrong
_LOST = -20.0  # strokes that no piece holds
_LEAST_DIRT = 3e-3  # that a mark which reads perfectly well is no digit at all
_MISSING = -9.0  # a digit of the pattern that is not there
_UNWRITTEN = -0.4  # a sign of the pattern that is not there: forms print them, or people leave them out
_FLAT = 1.8  # times wider than high: a dash

_NARROW = 1.0  # of its height: the width of a mark that is hardly two digits, and parted only into sure ones
_SURE = 0.9

# A logistic regression on 2,700 wide or doubtful single digits and 3,500 pairs and triples that touch, drawn with
# MNIST's training images and read by the shipped reader, made by `python bench/parting.py`: of as many others 97 % of
# the singles stay whole, and 98 % of the others are parted, two thirds of them in the right place. As in in_pieces: 1,
# the whole's sureness and doubt, the least and mean sureness of the pieces (logarithms), the whole's shape, what the
# cuts cost, the lowest piece's height, the share of ones, and how many pieces more than two.
_MORE_THAN_ONE = np.array([0.11, -1.95, 0.97, 1.69, -0.67, 2.6, -0.13, 3.42, 0.19, -0.52])
# The same of 1,100 and 1,900 marks, read by a network that never learned what is no digit: it is sure of mere pieces.
_MORE_THAN_ONE_CREDULOUS = np.array([0.77, -0.88, 1.98, 1.01, 2.30, 3.77, 0.48, 4.88, 0.49, 0.31])


@dataclass(frozen=True, slots=True)
class ReadCluster:
    """A cluster with what its pieces read as: float32 (pieces, 10)."""

    cluster: Cluster
    answers: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Choice:
    """A piece that is taken for a digit. place: of the pattern's digits, from 0; None where there is no pattern."""

    piece: Piece
    probabilities: NDArray[np.float32]
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """How clusters follow a pattern best.

    score: how much likelier that is than all dirt; chosen: what stands at each "#"; taken: all pieces that were read,
    also as the pattern's other signs
    """

    score: float
    chosen: list[Choice]
    taken: list[Piece]


def freely(read: ReadCluster, *, credulous: bool = False) -> list[Choice]:
    """Each stroke is part of some digit.

    credulous: whether the network that read never learned what is no digit
    """
    chosen = [0]
    if (taken_apart := in_pieces(read)) is not None:
        pieces, score, signs = taken_apart
        if read.cluster.cut:
            score = float(signs @ (_MORE_THAN_ONE_CREDULOUS if credulous else _MORE_THAN_ONE))
            if _is_narrow(read) and read.answers[pieces].max(axis=1).min() < _SURE:
                score = 0.0
        chosen = pieces if score > 0.0 else chosen
    return [Choice(read.cluster.pieces[n], read.answers[n]) for n in chosen]


def _is_narrow(read: ReadCluster) -> bool:
    x0, y0, x1, y1 = read.cluster.box
    return x1 - x0 < _NARROW * (y1 - y0)


def in_pieces(read: ReadCluster) -> tuple[list[int], float, NDArray[np.float64]] | None:
    """The likeliest way to take a cluster apart, and what speaks for it; None where there is none.

    Returns:
        The pieces' numbers from left to right, two or more; by how much this way is likelier than the whole, a
        logarithm; and the signs that `bench/parting.py` weighs for marks that were cut, float64 (10,).
    """
    pieces, answers = read.cluster.pieces, read.answers
    if len(pieces) == 1:
        return None
    sure = np.log(np.clip(answers.max(axis=1), _LEAST, 1.0))
    scores = sure + likely_shapes(answers, [piece.box for piece in pieces]) + [piece.prior for piece in pieces]
    way, score = _best_way(read.cluster, scores)
    if len(way) < 2:
        return None
    x0, y0, x1, y1 = pieces[0].box
    chosen = [pieces[n] for n in way]
    signs = np.array([
        1.0,
        sure[0],
        np.log(np.clip(1.0 - float(answers[0].max()), _LEAST, 1.0)),
        sure[way].min(),
        sure[way].mean(),
        np.log((x1 - x0) / (y1 - y0)),
        sum(piece.prior for piece in chosen),
        min(piece.box[3] - piece.box[1] for piece in chosen) / read.cluster.mark.height,
        float(np.mean(answers[way].argmax(axis=1) == 1)),
        len(way) - 2.0,
    ])  # fmt: skip
    return way, score - float(scores[0]), signs


def _best_way(cluster: Cluster, scores: NDArray[np.float64]) -> tuple[list[int], float]:
    """The pieces, from left to right, of the best way that does not take the whole; and its score."""
    ending: dict[int, list[int]] = {}
    for n, piece in enumerate(cluster.pieces):
        if piece.stop - piece.start < cluster.atoms:
            ending.setdefault(piece.stop, []).append(n)
    best, way = [0.0], [-1]
    for stop in range(1, cluster.atoms + 1):
        options = [(best[cluster.pieces[n].start] + float(scores[n]), n) for n in ending.get(stop, ())]
        score, taken = max([*options, (best[stop - 1] + _LOST, -1)])
        best.append(score)
        way.append(taken)
    chosen, at = [], cluster.atoms
    while at:
        if way[at] >= 0:
            chosen.append(way[at])
        at = cluster.pieces[way[at]].start if way[at] >= 0 else at - 1
    return chosen[::-1], best[-1]


def follow(reads: Sequence[ReadCluster], pattern: str) -> Followed:
    """The digits of clusters, in their order, that the pattern wants.

    "#" is any digit; a digit is that digit; any other sign may have been written or not, and spaces are not written.
    Pieces between them are left out as dirt. What stands at a "#" has its place among them.
    """
    signs = [sign for sign in pattern if not sign.isspace()]
    edges = _edges(reads)
    table = _Table(signs, sum(read.cluster.atoms for read in reads))
    by_end: dict[int, list[int]] = {}
    for number, edge in enumerate(edges):
        by_end.setdefault(edge.stop, []).append(number)
    for stop in range(1, table.atoms + 1):
        for number in by_end.get(stop, ()):
            table.offer(number, edges[number])
        table.close(stop)
    places = np.cumsum([sign == DIGIT for sign in signs]) - 1
    way = table.way(edges)
    chosen = [
        Choice(edges[number].piece, edges[number].probabilities, int(places[at]))
        for number, at in way
        if signs[at] == DIGIT
    ]
    alone = sum(_as_dirt(read.answers[0]) for read in reads)
    return Followed(float(table.score[-1, -1]) - alone, chosen, [edges[number].piece for number, _ in way])


@dataclass(frozen=True, slots=True)
class _Edge:
    """A piece of a cluster among the atoms of all clusters."""

    start: int
    stop: int
    piece: Piece
    probabilities: NDArray[np.float32]
    shape: float  # how well it goes with what it reads as, a logarithm


def _edges(reads: Sequence[ReadCluster]) -> list[_Edge]:
    edges, first = [], 0
    for read in reads:
        shapes = likely_shapes(read.answers, [piece.box for piece in read.cluster.pieces]).tolist()
        for piece, answer, shape in zip(read.cluster.pieces, read.answers, shapes, strict=True):
            edges.append(_Edge(first + piece.start, first + piece.stop, piece, answer, shape))
        first += read.cluster.atoms
    return edges


class _Table:
    """For each atom (row) and each sign of the pattern (column): how likely the best way up to there is."""

    def __init__(self, signs: Sequence[str], atoms: int) -> None:
        self.signs, self.atoms = signs, atoms
        shape = (atoms + 1, len(signs) + 1)
        # Signs that are left out, summed up: from m to n costs left_out[n] - left_out[m].
        self.left_out = np.cumsum([0.0] + [_MISSING if sign == DIGIT else _UNWRITTEN for sign in signs])
        self.score = np.full(shape, -np.inf)
        self.edge = np.full(shape, -1)  # the piece that led here; -1: strokes that no piece holds
        self.read = np.zeros(shape, np.bool_)  # whether it was read as a sign; else it was left out as dirt
        self.sign = np.zeros(shape, np.intp)  # the column before signs were left out
        self.score[0] = self.left_out

    def offer(self, number: int, edge: _Edge) -> None:
        """A way over one piece to the row in which it ends."""
        before = self.score[edge.start] + edge.piece.prior
        as_dirt = before + _as_dirt(edge.probabilities)
        as_sign = np.concatenate([[-np.inf], before[:-1] + edge.shape + _as_signs(edge, self.signs)])
        for scores, read in ((as_dirt, False), (as_sign, True)):
            better = scores > self.score[edge.stop]
            self.score[edge.stop][better] = scores[better]
            self.edge[edge.stop][better] = number
            self.read[edge.stop][better] = read

    def close(self, row: int) -> None:
        """Ways over atoms that no piece holds, and past signs that are not there."""
        lost = self.score[row - 1] + _LOST
        better = lost > self.score[row]
        self.score[row][better], self.edge[row][better], self.read[row][better] = lost[better], -1, False
        ahead = self.score[row] - self.left_out
        best = np.maximum.accumulate(ahead)
        self.sign[row] = np.maximum.accumulate(np.where(ahead == best, np.arange(len(best)), 0))
        self.score[row] = best + self.left_out

    def way(self, edges: Sequence[_Edge]) -> list[tuple[int, int]]:
        """The best way to the end: the pieces that were read, in order, each with the number of its sign."""
        found = []
        row, column = self.atoms, len(self.signs)
        while row > 0:
            column = int(self.sign[row, column])
            number = int(self.edge[row, column])
            if self.read[row, column]:
                column -= 1
                found.append((number, column))
            row = edges[number].start if number >= 0 else row - 1
        return found[::-1]


def _as_dirt(probabilities: NDArray[np.float32]) -> float:
    """How likely a piece that reads so is no digit, a logarithm."""
    return float(np.log(max(1.0 - float(probabilities.max()), _LEAST_DIRT)))


def _as_signs(edge: _Edge, signs: Sequence[str]) -> NDArray[np.float64]:
    """How likely a piece is each of the signs, float64 (signs,), logarithms."""
    likely = np.clip(edge.probabilities, _LEAST, 1.0)
    x0, y0, x1, y1 = edge.piece.box
    flat = x1 - x0 > _FLAT * (y1 - y0)
    other = max(1.0 - float(likely.max()), 0.05)
    of = {DIGIT: float(likely.max()), **{str(digit): float(likely[digit]) for digit in range(10)}}
    of |= dict.fromkeys("-–—_=~", 0.9 if flat else 0.02)
    return np.log([of.get(sign, other) for sign in signs])
