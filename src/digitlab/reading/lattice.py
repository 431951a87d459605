"""Which strokes make one digit: the ways to join and to cut them, and the way that reads best.

Strokes that are near each other form a cluster. Its atoms, from left to right, are its strokes, and the pieces of those
that may be two digits; every run of neighbouring atoms is a piece that may be one digit. All pieces of a page are read
in one batch, and the likeliest way through each cluster wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.reading.components import FAINT, connected, cut_out, joined_mark
from digitlab.reading.glyph import stroke_width
from digitlab.reading.ink import INK
from digitlab.reading.touching import cuts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.components import Mark, PageMarks
    from digitlab.values import Box

__all__ = ["Cluster", "Piece", "cluster_of", "clusters_of"]

_WIDE = 1.0  # of the height: a mark wider than that may be two digits
_SUSPECT = 0.45  # of the height: as much for one that reads badly, or where more digits are wanted
_LOW = 0.5  # of the digits' usual height: marks that low are not cut
_LEAST_HEIGHT = 8  # pixels; less shows no joint
_MOST_CUTS = 12
_CUTS_A_HEIGHT = 4.0  # offered in a width that equals the height
_MOST_WIDE = 40  # marks that are cut on a page; more are on no page of digits
_MOST_ATOMS = 16  # of a cluster, before its strokes are cut

_SMALL = 0.4  # of the usual height: a part that is no digit of its own
_SMALL_SHARE = 0.07  # of the mark's ink
_WIDEST_PIECE = 1.7  # of its height
_NARROWEST = 0.06  # of the cluster's height
_SHARED = 0.5  # of a stroke's width: what both sides of a cut get of the ink between them
_DUST = 0.06  # of a piece's ink: what a cut leaves of the neighbour

# Logarithms of likelihoods, tuned on pairs, triples and broken digits of MNIST's training images (`docs/reading.md`).
_PER_CUT = 0.0
_PER_STROKE = -0.5  # for each stroke that a cut crosses beyond the first
_PER_JOIN = -0.25  # of parts that do not touch
_SHORT, _SHORTNESS = 0.7, 6.0  # lower than this share of its cluster, likewise


@dataclass(frozen=True, slots=True)
class Piece:
    """What may be one digit: the atoms from ``start`` to before ``stop`` of its cluster.

    box: in pixels of the ink map; ink: float32 of the box's size; prior: how likely such a piece is, a logarithm
    """

    start: int
    stop: int
    box: Box
    ink: NDArray[np.float32]
    prior: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """Strokes near each other, with all the pieces that may be digits; ``pieces[0]`` is the whole.

    cut: whether pieces end within a stroke
    """

    mark: Mark
    atoms: int
    pieces: tuple[Piece, ...]
    cut: bool = False

    @property
    def box(self) -> Box:
        """In pixels of the ink map."""
        return self.mark.box


def clusters_of(page: PageMarks, *, thorough: bool = False) -> list[Cluster]:
    """The clusters of a page; ``thorough``: each may be more digits than it seems."""
    wide = sorted(
        (mark for mark in page.marks if _is_wide(mark, page.usual, thorough=thorough)), key=lambda mark: -mark.area
    )
    cut = set(wide[:_MOST_WIDE])
    return [cluster_of(page, mark, cut=mark in cut, thorough=thorough) for mark in page.marks]


def cluster_of(page: PageMarks, mark: Mark, *, cut: bool, thorough: bool = False) -> Cluster:
    """One mark of a page with the ways to take it apart; ``cut``: also through its strokes."""
    groups = _groups(page, mark, thorough=thorough)
    if len(groups) == 1 and not cut:
        return Cluster(mark, 1, (Piece(0, 1, mark.box, cut_out(page.ink, page.labels, mark), 0.0),))
    return _taken_apart(page, mark, groups, cut=cut)


def may_be_more(cluster: Cluster, usual: float) -> bool:
    """Whether a mark that was left whole is wide enough to be cut after all."""
    return cluster.atoms == 1 and _is_wide(cluster.mark, usual, thorough=True)


def _is_wide(mark: Mark, usual: float, *, thorough: bool) -> bool:
    tall_enough = mark.height >= max(_LEAST_HEIGHT, _LOW * usual)
    return tall_enough and mark.width > (_SUSPECT if thorough else _WIDE) * mark.height


def _groups(page: PageMarks, mark: Mark, *, thorough: bool) -> list[list[Mark]]:
    """The parts of a mark that may be digits, from left to right, each with the specks that are nearest to it."""
    parts = [page.parts[part] for part in mark.parts]
    if len(parts) == 1:
        return [parts]
    large = parts
    if not thorough:
        large = [
            part for part in parts if part.longest >= _SMALL * page.usual and part.area >= _SMALL_SHARE * mark.area
        ]
    large = sorted(large, key=lambda part: -part.area)[:_MOST_ATOMS] or [max(parts, key=lambda part: part.area)]
    groups = [[part] for part in sorted(large, key=lambda part: part.box[0] + part.box[2])]
    for part in parts:
        if part not in large:
            min(groups, key=lambda group: _distance(part, group[0])).append(part)
    return groups


def _distance(one: Mark, other: Mark) -> int:
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = one.box, other.box
    return max(0, ax0 - bx1, bx0 - ax1) + max(0, ay0 - by1, by0 - ay1)


def _taken_apart(page: PageMarks, mark: Mark, groups: Sequence[Sequence[Mark]], *, cut: bool) -> Cluster:
    x0, y0, x1, y1 = _with_border(mark.box, page.ink.shape)
    labels = page.labels[y0:y1, x0:x1]
    number = np.zeros(int(labels.max()) + 1, np.int16)  # 1 up, by group
    for index, group in enumerate(groups, 1):
        for part in (part for each in group for part in each.parts):
            number[part] = index
    own = number[labels]
    near = cv2.dilate(own, np.ones((3, 3), np.uint8))  # the soft edge belongs to its stroke
    owner = np.where(own > 0, own, np.where(labels == 0, near, 0))
    ink = np.where(owner > 0, page.ink[y0:y1, x0:x1], np.float32(0.0))
    atoms = np.zeros(owner.shape, np.int16)  # 1 up, from left to right
    borders: list[tuple[float, float]] = []  # behind each atom: the price of parting there, and of not parting
    count = 0
    for index, group in enumerate(groups, 1):
        if count:
            borders.append((0.0, _PER_JOIN))
        inside = owner == index
        found = _cuts(ink, inside, joined_mark(group), page.usual) if cut and count < _MOST_ATOMS else []
        number_of = np.ones(owner.shape, np.int16)
        for columns, crossed in found:
            number_of += np.arange(owner.shape[1]) >= columns[:, None]
            borders.append((_PER_CUT + _PER_STROKE * max(0.0, crossed - 1.0), 0.0))
        atoms[inside] = count + number_of[inside]
        count += 1 + len(found)
    return Cluster(mark, count, tuple(_pieces(ink, atoms, borders, mark, (x0, y0))), cut=count > len(groups))


def _with_border(box: Box, page: tuple[int, ...]) -> Box:
    x0, y0, x1, y1 = box
    return max(0, x0 - 1), max(0, y0 - 1), min(page[1], x1 + 1), min(page[0], y1 + 1)


def _cuts(
    ink: NDArray[np.float32], inside: NDArray[np.bool_], group: Mark, usual: float
) -> list[tuple[NDArray[np.intp], float]]:
    """The cuts through one group: their columns in each row of the cluster, and the strokes that they cross."""
    if not _is_wide(group, usual, thorough=True):
        return []
    left, top, wide, high = cv2.boundingRect(inside.view(np.uint8))
    bottom, right = top + high, left + wide
    own = np.where(inside, ink, np.float32(0.0))[top:bottom, left:right]
    most = min(_MOST_CUTS, max(3, round(_CUTS_A_HEIGHT * group.width / group.height)))
    upto = np.zeros((high, wide + 1), np.float32)  # the ink of each row left of a column
    np.cumsum(own, axis=1, out=upto[:, 1:])
    total = float(upto[:, -1].sum())
    found = []
    for each in cuts(own, stroke_width(own), most):
        left_of_it = float(upto[np.arange(high), np.clip(each.columns, 0, wide)].sum())
        if not _DUST * total <= left_of_it <= (1 - _DUST) * total:
            continue  # dust is taken off the pieces again, so each would be read twice
        everywhere = np.empty(ink.shape[0], np.intp)
        everywhere[top:bottom] = each.columns + left
        everywhere[:top], everywhere[bottom:] = everywhere[top], everywhere[bottom - 1]
        found.append((everywhere, each.ink))
    return found


def _pieces(
    ink: NDArray[np.float32],
    atoms: NDArray[np.int16],
    borders: Sequence[tuple[float, float]],
    mark: Mark,
    corner: tuple[int, int],
) -> list[Piece]:
    """Every run of atoms that may be a digit; the whole first."""
    count = len(borders) + 1
    pieces = []
    reach = round(_SHARED * stroke_width(ink))
    shared = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)) if reach else None
    extents = [np.flatnonzero((atoms == atom).any(axis=0)) for atom in range(1, count + 1)]
    left = np.array([extent[0] if len(extent) else 1 << 30 for extent in extents])
    right = np.array([extent[-1] if len(extent) else -1 for extent in extents])
    for start in range(count):
        for stop in range(start + 1, count + 1):
            whole = stop - start == count
            if right[start:stop].max() < 0:
                continue
            if not whole and right[start:stop].max() - left[start:stop].min() > _WIDEST_PIECE * mark.height:
                continue
            first = max(0, int(left[start:stop].min()) - reach)
            columns = slice(first, int(right[start:stop].max()) + reach + 2)
            near = atoms[:, columns]
            inside = (near > start) & (near <= stop)
            if not whole and shared is not None:
                inside = cv2.dilate(inside.view(np.uint8), shared).view(np.bool_)
            found = _piece(ink[:, columns], inside, (corner[0] + first, corner[1]), clean=not whole)
            if found is None:
                continue
            box, own = found
            parting = borders[stop - 1][0] if stop < count else 0.0
            prior = parting + sum(border[1] for border in borders[start : stop - 1]) + _lowness(box, mark)
            pieces.append(Piece(start, stop, box, own, prior))
    return sorted(pieces, key=lambda piece: piece.start - piece.stop)


def _piece(
    ink: NDArray[np.float32], inside: NDArray[np.bool_], corner: tuple[int, int], *, clean: bool
) -> tuple[Box, NDArray[np.float32]] | None:
    """The tight box in the ink map and the ink of some atoms; None where nothing is left of them."""
    own = np.where(inside, ink, np.float32(0.0))
    if clean:
        own = _without_dust(own)
    left, top, width, height = cv2.boundingRect((own >= FAINT).view(np.uint8))
    if not width:
        return None
    box = corner[0] + left, corner[1] + top, corner[0] + left + width, corner[1] + top + height
    return box, np.ascontiguousarray(own[top : top + height, left : left + width])


def _without_dust(own: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without the slivers of the neighbour that a cut leaves."""
    solid = (own >= INK / 2).view(np.uint8)
    labels, statistics = connected(solid)
    areas = statistics[1:, cv2.CC_STAT_AREA]
    if len(areas) <= 1:
        return own
    dust = np.zeros(len(statistics), np.bool_)
    dust[1:] = areas < _DUST * areas.sum()
    if not dust.any():
        return own
    of_dust = dust[labels]
    gone = cv2.dilate(of_dust.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)
    return np.where(gone & ~(solid.view(np.bool_) & ~of_dust), np.float32(0.0), own)


def _lowness(box: Box, mark: Mark) -> float:
    """How likely a digit is so much lower than its cluster, a logarithm."""
    return -_SHORTNESS * max(0.0, _SHORT - (box[3] - box[1]) / mark.height)
