"""The reader: a picture in, digits out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError
from digitlab.reading.classifier import Classifier, resolve_model
from digitlab.reading.components import main_mark, page_marks
from digitlab.reading.constraints import Constraints
from digitlab.reading.glyph import normalise, stroke_width
from digitlab.reading.grid import grid_cells
from digitlab.reading.images import as_rgb, load_reduced
from digitlab.reading.ink import ink_map, page_ink, shrink
from digitlab.reading.lattice import cluster_of, clusters_of, may_be_more
from digitlab.reading.likeliest import DIGIT, Choice, ReadCluster, follow, freely
from digitlab.reading.lines import exactly, in_lines
from digitlab.reading.upright import turned
from digitlab.values import Prediction, ReadDigit, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading.lattice import Cluster
    from digitlab.values import Box

__all__ = ["DEFAULT_THRESHOLD", "Reader", "digit_image"]

DEFAULT_THRESHOLD = 0.5  # of models that were not calibrated: below, the other nine digits together are likelier

_DIGIT_SIDE = 256  # pixels at which one digit is looked for: it may be a tenth of the picture and still have 25
_DIGIT_WINDOW = 0.35  # of the side: wider than bold strokes of a digit that fills the picture
_LEAST_DECODED = 1024  # pixels: a JPEG is not decoded smaller for one digit
_PAGE_SIDE = 1280  # pixels at which a page is read: 40 lines of digits 20 pixels high
_PAGE_WINDOW = 0.08  # of the page's side
_FEW = 6  # marks; of digits that fill the page no more are left by a window that their strokes are too broad for
_BROAD = 0.06  # of the page's side: strokes that the page's window may take for paper
_LARGE = 0.3  # of the page's side
_SIGN = 0.12  # of the digits' height: dashes and dots of a pattern
_POOR = 0.9  # a mark that reads less surely is tried in pieces
_MOST_POOR = 40  # more are no page of digits

_NOTHING = Prediction(None, 0.0, (0.0,) * 10)


class Reader:
    """Reads digits from photos, scans and drawings. Threads may share one.

    Pictures are files (see `load_image`) or arrays: uint8 (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA.
    """

    def __init__(self, model: str | Path | None = None, *, threshold: float | None = None, threads: int = 0) -> None:
        """Load a model: a shipped name, a run folder or a file; None is the default.

        threshold: 0 … 1; digits less sure than this are declined. None: what the model's card says, from where on 99 of
            100 answers are right, or 0.5 where it says nothing
        threads: how many the network may use in one call; 0 is a thread a core

        Raises:
            ModelError: when there is no such model, or it is not one of ours.
            UsageError: for a threshold outside 0 … 1 or a negative number of threads.
        """
        if threshold is not None and not 0.0 <= threshold <= 1.0:
            raise UsageError(f"threshold is {threshold:g}; expected 0 to 1")
        if threads < 0:
            raise UsageError(f"threads is {threads}; expected 1 or more, or 0 for a thread a core")
        self.classifier = Classifier(resolve_model(model), threads)
        card = self.classifier.card
        self._credulous = card is None or not card.training.get("distractors")
        self.asked_threshold = threshold  # for whoever changes to another model
        self.threshold = _threshold_of(self.classifier) if threshold is None else threshold

    def classify(self, image: str | Path | NDArray[np.uint8]) -> Prediction:
        """The one digit that a picture shows; ``digit`` is None where there is no ink or the answer is not sure.

        Raises:
            ImageError: when a file cannot be read.
            ShapeError: for an array of another type or shape.
        """
        return self.classify_prepared(digit_image(image))

    def classify_prepared(self, glyph: NDArray[np.uint8] | None) -> Prediction:
        """The same of what `digit_image` gave, for who wants to show both; None is a picture without ink.

        glyph: uint8 (28, 28), light ink on dark
        """
        if glyph is None:
            return _NOTHING
        probabilities = self.classifier.probabilities(glyph[None])[0]
        digit, confidence = self._decided(probabilities)
        return Prediction(digit, confidence, tuple(probabilities.tolist()))

    def read(
        self,
        image: str | Path | NDArray[np.uint8],
        *,
        count: int | None = None,
        lines: int | None = None,
        region: tuple[int, int, int, int] | None = None,
        pattern: str | None = None,
        grid: tuple[int, int] | None = None,
    ) -> Reading:
        """All digits of a page, line by line; marks that are not surely digits are there too, declined.

        What is known beforehand of a page may be given, and makes the reading surer:

        count: exactly so many digits are given back (fewer only where there are fewer marks): the likeliest ones
        lines: the digits stand on so many lines
        region: x, y, width and height, in pixels of the upright picture: only there is read
        pattern: what is written, "#" for a digit: "####-##". Other signs may have been written or not; they are in the
            text. One line of the page follows it, or all of them, where ``lines`` is given too
        grid: columns and rows of a form or sudoku. The largest grid is found and laid flat; each cell is one digit or
            empty; `Reading.lines` are its rows. Goes with region alone

        Raises:
            ImageError: when a file cannot be read.
            ShapeError: for an array of another type or shape.
            UsageError: for a constraint that cannot be, or two that contradict each other.
        """
        wanted = Constraints(count, lines, region, pattern, grid)
        pixels, size = _page(image, whole=region is not None or grid is not None)
        start = time.perf_counter()
        x0, y0, x1, y1 = wanted.region_in(size) if region is not None else (0, 0, pixels.shape[1], pixels.shape[0])
        place = _Place((x0, y0), (size[0] / pixels.shape[1], size[1] / pixels.shape[0]))
        pixels = pixels[y0:y1, x0:x1]
        if grid is not None:
            digits, note = self._read_grid(pixels, grid, place), None
        else:
            digits, note = self._read_page(pixels, wanted, place)
        return Reading(digits, (time.perf_counter() - start) * 1000.0, note, size, grid, pattern)

    def _read_page(
        self, pixels: NDArray[np.uint8], wanted: Constraints, place: _Place
    ) -> tuple[tuple[ReadDigit, ...], str | None]:
        small = shrink(pixels, _PAGE_SIDE, quick=True)
        ink = page_ink(small, round(_PAGE_WINDOW * max(small.shape)))
        reads = [] if ink is None else self._read_clusters(ink, wanted)
        if len(reads) <= _FEW and (broad := _broad_ink(small)) is not None:
            again = self._read_clusters(broad, wanted)
            if again and max(float(read.answers[0].max()) for read in again) >= self.threshold:
                reads, small = again, shrink(small, _DIGIT_SIDE)
        lines = _chosen(reads, wanted, credulous=self._credulous)
        note = turned([choice for line in lines for choice in line], self.classifier)
        place = place.enlarged((pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0]))
        digits = tuple(
            self._digit(choice.probabilities, place.of(choice.piece.box), row, choice.place, decline=note is not None)
            for row, line in enumerate(lines)
            for choice in line
        )
        return digits, note

    def _read_clusters(self, ink: NDArray[np.float32], wanted: Constraints) -> list[ReadCluster]:
        """The strokes of a page with what all their pieces read as; all in one batch, and a second for poor ones."""
        thorough = wanted.count is not None or wanted.pattern is not None
        page = page_marks(ink) if wanted.pattern is None else page_marks(ink, specks=_SIGN)
        reads = self._answered(clusters_of(page, thorough=thorough))
        if thorough:
            return reads
        poor = [
            number
            for number, read in enumerate(reads)
            if read.answers[0].max() < _POOR and may_be_more(read.cluster, page.usual)
        ][:_MOST_POOR]
        again = self._answered([cluster_of(page, reads[number].cluster.mark, cut=True) for number in poor])
        for number, read in zip(poor, again, strict=True):
            reads[number] = read
        return reads

    def _answered(self, clusters: list[Cluster]) -> list[ReadCluster]:
        answers = self._probabilities([piece.ink for cluster in clusters for piece in cluster.pieces])
        ends = np.cumsum([0, *(len(cluster.pieces) for cluster in clusters)]).tolist()
        return [
            ReadCluster(cluster, answers[first:last])
            for cluster, first, last in zip(clusters, ends[:-1], ends[1:], strict=True)
        ]

    def _probabilities(self, inks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """float32 (N, 10) for the ink of N marks."""
        return self.classifier.probabilities(np.array([normalise(ink) for ink in inks], np.uint8).reshape(-1, 28, 28))

    def _read_grid(self, pixels: NDArray[np.uint8], grid: tuple[int, int], place: _Place) -> tuple[ReadDigit, ...]:
        cells = grid_cells(pixels, *grid)
        answers = self._probabilities([cell.ink for cell in cells])
        return tuple(
            self._digit(answer, place.of(cell.box), cell.row, cell.column)
            for cell, answer in zip(cells, answers, strict=True)
        )

    def _digit(
        self,
        probabilities: NDArray[np.float32],
        box: Box,
        line: int,
        column: int | None,
        *,
        decline: bool = False,
    ) -> ReadDigit:
        digit, confidence = self._decided(probabilities)
        return ReadDigit(None if decline else digit, confidence, box, line, tuple(probabilities.tolist()), column)

    def _decided(self, probabilities: NDArray[np.float32]) -> tuple[int | None, float]:
        digit = int(probabilities.argmax())
        confidence = float(probabilities[digit])
        return (digit if confidence >= self.threshold else None), confidence


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part of a picture lies in the whole. corner: in pixels of the part's own scale; scale: to the whole's."""

    corner: tuple[float, float]
    scale: tuple[float, float]

    def enlarged(self, by: tuple[float, float]) -> _Place:
        """The place of the same part, reduced so many times."""
        corner = self.corner[0] / by[0], self.corner[1] / by[1]
        return _Place(corner, (self.scale[0] * by[0], self.scale[1] * by[1]))

    def of(self, box: Box) -> Box:
        """A box of the part in pixels of the whole."""
        (x, y), (wide, high), (x0, y0, x1, y1) = self.corner, self.scale, box
        return round((x0 + x) * wide), round((y0 + y) * high), round((x1 + x) * wide), round((y1 + y) * high)


def _chosen(reads: list[ReadCluster], wanted: Constraints, *, credulous: bool) -> list[list[Choice]]:
    """The pieces that are taken for digits, line by line, as what is known of the page wants them."""
    if wanted.pattern is not None:
        return _following(reads, wanted.pattern, wanted.lines)
    if wanted.count is not None:
        chosen = follow(reads, DIGIT * wanted.count)[1]
        chosen = [replace(choice, place=None) for choice in chosen]
    else:
        chosen = [choice for read in reads for choice in freely(read, credulous=credulous)]
    boxes = [choice.piece.box for choice in chosen]
    lines = in_lines(boxes)
    if wanted.lines is not None:
        weights = [float(choice.probabilities.max()) for choice in chosen]
        lines = exactly(lines, wanted.lines, boxes, weights)
    return [[chosen[index] for index in line] for line in lines]


def _following(reads: list[ReadCluster], pattern: str, wanted: int | None) -> list[list[Choice]]:
    """The one line that follows the pattern best, or each of those that are wanted."""
    boxes = [read.cluster.box for read in reads]
    lines = in_lines(boxes)
    if wanted is not None:
        lines = exactly(lines, wanted, boxes, [float(read.answers[0].max()) for read in reads])
    followed = [follow([reads[index] for index in line], pattern) for line in lines]
    if wanted is None:
        followed = sorted(followed, key=lambda scored: -scored[0])[:1]
    return [chosen for _, chosen in followed]


def _threshold_of(classifier: Classifier) -> float:
    calibrated = classifier.card.training.get("threshold") if classifier.card else None
    usable = isinstance(calibrated, float) and 0.0 <= calibrated <= 1.0
    return float(calibrated) if usable else DEFAULT_THRESHOLD  # type: ignore[arg-type]


def digit_image(image: str | Path | NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The one digit of a picture as networks take it, uint8 (28, 28), light ink on dark; None where there is no ink.

    Raises:
        ImageError: when a file cannot be read.
        ShapeError: for an array of another type or shape.
    """
    small = shrink(_pixels(image), _DIGIT_SIDE)
    ink = ink_map(small, round(_DIGIT_WINDOW * max(small.shape)))
    found = None if ink is None else main_mark(ink)
    return None if found is None else normalise(found[1])


def _broad_ink(page: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """The ink of digits so large that their strokes are as broad as shadows elsewhere; None where there is none.

    page: uint8 (H, W, 3); the ink is that of the page reduced to _DIGIT_SIDE, float32, 0 … 1
    """
    small = shrink(page, _DIGIT_SIDE)
    side = max(small.shape)
    ink = ink_map(small, round(_DIGIT_WINDOW * side))
    found = None if ink is None else main_mark(ink)
    if found is None or found[0].longest < _LARGE * side or stroke_width(found[1]) < _BROAD * side:
        return None
    return ink


def _pixels(image: str | Path | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) RGB; a grey array stays uint8 (H, W), which takes less time."""
    if isinstance(image, str | Path):
        return load_reduced(image, _LEAST_DECODED)[0]
    grey = image.ndim == 2 and image.dtype == np.uint8 and image.size
    return image if grey else as_rgb(image)


def _page(image: str | Path | NDArray[np.uint8], *, whole: bool) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """A picture, reduced already where it is to be reduced anyway, and its full width and height."""
    if isinstance(image, str | Path):
        return load_reduced(image, None if whole else _PAGE_SIDE)
    pixels = as_rgb(image)
    return pixels, (pixels.shape[1], pixels.shape[0])
