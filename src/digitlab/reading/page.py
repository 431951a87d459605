"""One look at a page: its marks, read in all their pieces, and the pieces that are taken for its digits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from digitlab.reading.alone import SIDE, main_ink
from digitlab.reading.components import page_marks
from digitlab.reading.fitting import Chosen, count_fits, pattern_fits
from digitlab.reading.found import BESIDE, without_bars
from digitlab.reading.glyph import normalise, stroke_width
from digitlab.reading.ink import page_ink, shrink
from digitlab.reading.lattice import cluster_of, clusters_of, may_be_more
from digitlab.reading.likeliest import DIGIT, Choice, ReadCluster, follow, freely
from digitlab.reading.lines import exactly, in_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.classifier import Classifier
    from digitlab.reading.constraints import Constraints
    from digitlab.reading.lattice import Cluster

__all__ = ["PAGE_SIDE", "PageReader", "Seen"]

PAGE_SIDE = 1280  # pixels at which a page is read: 40 lines of digits 20 pixels high
_WINDOW = 0.08  # of the page's side
_FEW = 6  # marks; of digits that fill the page no more are left by a window that their strokes are too broad for
_BROAD = 0.06  # of the page's side: strokes that the page's window may take for paper
_LARGE = 0.3  # of the page's side
_SIGN = 0.12  # of the digits' height: dashes and dots of a pattern
_POOR = 0.9  # a mark that reads less surely is tried in pieces
_MOST_POOR = 40  # more are no page of digits


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page's marks were taken for.

    lines: line by line; scale: pixels of the picture that was given to one of the choices' boxes
    free: what was seen where nothing was asked for
    unfit: what stands there instead of what was asked for; None where it fits
    pattern: that is followed, which it is not where more digits stand there
    """

    lines: list[list[Choice]]
    scale: tuple[float, float]
    free: list[Choice]
    unfit: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class PageReader:
    """Looks at pages.

    threshold: the confidence of digits that are answered
    credulous: whether the network never learned what is no digit
    """

    classifier: Classifier
    threshold: float
    credulous: bool

    def see(self, pixels: NDArray[np.uint8], wanted: Constraints) -> Seen:
        """Read a page, uint8 (H, W, 3), as it lies."""
        small = shrink(pixels, PAGE_SIDE, quick=True)
        ink = page_ink(small, round(_WINDOW * max(small.shape)))
        reads = [] if ink is None else self.read_clusters(ink, wanted)
        if len(reads) <= _FEW and (broad := _broad_ink(small)) is not None:
            again = self.read_clusters(broad, wanted)
            if again and max(float(read.answers[0].max()) for read in again) >= self.threshold:
                reads, small = again, shrink(small, SIDE)
        free = [choice for read in reads for choice in freely(read, credulous=self.credulous)]
        chosen = self._chosen(reads, free, wanted)
        scale = pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0]
        return Seen(chosen.lines, scale, free, chosen.unfit, chosen.pattern)

    def read_clusters(self, ink: NDArray[np.float32], wanted: Constraints) -> list[ReadCluster]:
        """The strokes of a page with what all their pieces read as; all in one batch, and a second for poor ones."""
        thorough = wanted.count is not None or wanted.pattern is not None
        page = page_marks(ink) if wanted.pattern is None else page_marks(ink, specks=_SIGN)
        reads = self._answered(clusters_of(page, thorough=thorough))
        if not thorough:
            poor = [
                number
                for number, read in enumerate(reads)
                if read.answers[0].max() < _POOR and may_be_more(read.cluster, page.usual)
            ][:_MOST_POOR]
            again = self._answered([cluster_of(page, reads[number].cluster.mark, cut=True) for number in poor])
            for number, read in zip(poor, again, strict=True):
                reads[number] = read
        return without_bars(reads, self.threshold)

    def _answered(self, clusters: list[Cluster]) -> list[ReadCluster]:
        answers = self.probabilities([piece.ink for cluster in clusters for piece in cluster.pieces])
        ends = np.cumsum([0, *(len(cluster.pieces) for cluster in clusters)]).tolist()
        return [
            ReadCluster(cluster, answers[first:last])
            for cluster, first, last in zip(clusters, ends[:-1], ends[1:], strict=True)
        ]

    def probabilities(self, inks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """float32 (N, 10) for the ink of N marks."""
        return self.classifier.probabilities(np.array([normalise(ink) for ink in inks], np.uint8).reshape(-1, 28, 28))

    def _chosen(self, reads: list[ReadCluster], free: list[Choice], wanted: Constraints) -> Chosen:
        """The pieces that are taken for digits, line by line, as what is known of the page wants them."""
        if wanted.pattern is not None:
            return self._following(reads, wanted.pattern, wanted.lines)
        # Dirt is no part of a line: it would lead the next digit to another one.
        chosen, unfit = [choice for choice in free if choice.probabilities.max() >= BESIDE], None
        if wanted.count is not None:
            followed = [replace(choice, place=None) for choice in follow(reads, DIGIT * wanted.count).chosen]
            unfit = count_fits(followed, free, wanted.count, self.threshold)
            chosen = chosen if unfit else followed
        lines = in_lines([choice.piece.box for choice in chosen])
        if wanted.lines is not None:
            weights = [float(choice.probabilities.max()) for choice in chosen]
            lines = exactly(lines, wanted.lines, [choice.piece.box for choice in chosen], weights)
        return Chosen([[chosen[index] for index in line] for line in lines], unfit)

    def _following(self, reads: list[ReadCluster], pattern: str, wanted: int | None) -> Chosen:
        """The one line that follows the pattern best, or each of those that are wanted."""
        boxes = [read.cluster.box for read in reads]
        lines = in_lines(boxes)
        if wanted is not None:
            lines = exactly(lines, wanted, boxes, [float(read.answers[0].max()) for read in reads])
        rows = [[reads[index] for index in line] for line in lines]
        followed = [(follow(row, pattern), row) for row in rows]
        if wanted is None:
            followed = sorted(followed, key=lambda each: -each[0].score)[:1]
        free = [[choice for read in row for choice in freely(read, credulous=self.credulous)] for _, row in followed]
        return pattern_fits([found for found, _ in followed], free, pattern, self.threshold)


def _broad_ink(page: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """The ink of digits so large that their strokes are as broad as shadows elsewhere; None where there is none.

    page: uint8 (H, W, 3); the ink is that of the page reduced to SIDE, float32, 0 … 1
    """
    found = main_ink(page)
    if found is None:
        return None
    ink, (mark, own) = found
    side = max(ink.shape)
    return None if mark.longest < _LARGE * side or stroke_width(own) < _BROAD * side else ink
