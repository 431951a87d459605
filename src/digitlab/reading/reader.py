"""The reader: a picture in, digits out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError
from digitlab.reading.alone import one_digit, stands_alone
from digitlab.reading.classifier import Classifier, resolve_model
from digitlab.reading.constraints import Constraints
from digitlab.reading.found import ALONE, found_digits
from digitlab.reading.grid import grid_cells
from digitlab.reading.images import as_rgb, load_reduced
from digitlab.reading.page import PAGE_SIDE, PageReader
from digitlab.reading.upright import LIES, reads_well, told, turned_back, turned_picture, ways_to_try
from digitlab.values import Prediction, ReadDigit, Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.reading.alone import Alone
    from digitlab.reading.page import Seen
    from digitlab.values import Box

__all__ = ["DEFAULT_THRESHOLD", "Reader", "digit_image"]

DEFAULT_THRESHOLD = 0.5  # of models that were not calibrated: below, the other nine digits together are likelier

_LEAST_DECODED = 1024  # pixels: a JPEG is not decoded smaller for one digit
_SEVERAL, _MANY = (
    3,
    9,
)  # digits but ones: no part of one digit, and more than one is ever torn into; grain reads as ones

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

        Where the picture holds several digits, the note says so: `read` reads them all.

        Raises:
            ImageError: when a file cannot be read.
            ShapeError: for an array of another type or shape.
        """
        one = one_digit(_pixels(image))
        if one is None:
            return _NOTHING
        found = self.classify_prepared(one.glyph)
        return replace(found, note=self.note_on(one, answered=found.digit is not None))

    def classify_prepared(self, glyph: NDArray[np.uint8] | None) -> Prediction:
        """The same of what `digit_image` gave, for who wants to show both; None is a picture without ink.

        glyph: uint8 (28, 28), light ink on dark
        """
        if glyph is None:
            return _NOTHING
        probabilities = self.classifier.probabilities(glyph[None])[0]
        digit, confidence = self._decided(probabilities)
        return Prediction(digit, confidence, tuple(probabilities.tolist()))

    def note_on(self, one: Alone, *, answered: bool) -> str | None:
        """That a picture holds several digits: beside the main one, or as parts of what is none; None where not.

        answered: whether the main one is
        """
        glyphs = one.others(answered=answered)
        if len(glyphs) + answered < 2:
            return None
        sure = self.classifier.probabilities(glyphs).max(axis=1) >= self.threshold
        return "holds several digits; `read` reads them all" if int(sure.sum()) + answered >= 2 else None

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
        """All digits of a page, line by line; those that were found but not answered are there too, ``digit`` None.

        A picture of one digit is answered as `classify` does. A page that lies upside down or on its side is turned
        and read, which the note says. What is known beforehand of a page may be given, and makes the reading surer:

        count: exactly so many digits are given back: the likeliest ones. Where others stand there, `Reading.fits` is
            False, the note says how many, and all that were found are given back
        lines: the digits stand on so many lines
        region: x, y, width and height, in pixels of the upright picture: only there is read
        pattern: what is written, "#" for a digit: "####-##". Other signs may have been written or not; they are in the
            text. One line of the page follows it, or all of them, where ``lines`` is given too. Where more or fewer
            digits stand there, `Reading.fits` is False and the note says so
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
            reading = Reading(self._read_grid(pixels, grid, place), 0.0, grid=grid)
        else:
            reading = self._read_page(pixels, wanted, place)
        return replace(reading, milliseconds=(time.perf_counter() - start) * 1000.0, size=size)

    def _read_page(self, pixels: NDArray[np.uint8], wanted: Constraints, place: _Place) -> Reading:
        pages = PageReader(self.classifier, self.threshold, self._credulous)
        seen = pages.see(pixels, wanted)
        alone = self._read_alone(pixels, seen, wanted, place)
        if alone is not None:
            return alone
        turns, seen, note = self._set_upright(pages, pixels, seen, wanted)
        digits = self._digits_of(seen, place, turns, (pixels.shape[1], pixels.shape[0]))
        notes = "; ".join(said for said in (note, seen.unfit) if said)
        return Reading(digits, 0.0, notes or None, pattern=seen.pattern, fits=seen.unfit is None, turned=-turns % 4)

    def _set_upright(
        self, pages: PageReader, pixels: NDArray[np.uint8], seen: Seen, wanted: Constraints
    ) -> tuple[int, Seen, str | None]:
        """The quarter turns to the left after which most is read, what is seen then, and what to say of it."""
        ways = {0: seen}
        for turns in ways_to_try(seen.free, self.classifier):
            ways[turns] = pages.see(turned_picture(pixels, turns), wanted)
        ranked = sorted(ways, key=lambda turns: -self._read_of(ways[turns]))
        best, sure = ranked[0], told([self._read_of(ways[turns]) for turns in ranked])
        if (not sure and 0 in ranked[:2]) or not reads_well(ways[best].free):
            best = 0
        said = [f"lies {LIES[best]}; turned and read"] if best else []
        if len(ways) > 1 and not (sure and best == ranked[0]):
            said.append("it cannot be told which way up this lies")
        return best, ways[best], ", but ".join(said) or None

    def _read_alone(self, pixels: NDArray[np.uint8], seen: Seen, wanted: Constraints, place: _Place) -> Reading | None:
        """The reading of a picture of one digit; None for a page, or where more is known to stand there."""
        if wanted.pattern is not None or (wanted.count or 1) > 1 or (wanted.lines or 1) > 1:
            return None
        marks = [(_scaled(each.piece.box, seen.scale), *self._decided(each.probabilities)) for each in seen.free]
        others = [box for box, digit, _ in marks if digit not in (None, 1)]
        one = one_digit(pixels) if len(others) < _MANY else None
        if one is None or sum(not one.is_torn_off(box) for box in others) >= _SEVERAL:
            return None
        probabilities = self.classifier.probabilities(one.glyph[None])[0]
        digit, confidence = self._decided(probabilities)
        if not stands_alone(one.box, [(box, said is not None) for box, said, _ in marks], sure=digit is not None):
            return None
        torn = any(said is not None for _, said, _ in marks)
        if digit is None and confidence < ALONE and not torn:
            return Reading((), 0.0)
        found = self._digit(probabilities, place.of(one.box), 0, None)
        return Reading((found,), 0.0)

    def _read_of(self, seen: Seen) -> float:
        """How much was read: the confidences of the answers, summed up; ones aside, which any stroke is."""
        answers = (self._decided(choice.probabilities) for line in seen.lines for choice in line)
        return sum(confidence for digit, confidence in answers if digit not in (None, 1))

    def _digits_of(self, seen: Seen, place: _Place, turns: int, size: tuple[int, int]) -> tuple[ReadDigit, ...]:
        """The digits among what was seen on a picture of this width and height, after it was turned."""
        digits: list[ReadDigit] = []
        row, alone = 0, all(self._decided(each.probabilities)[0] is None for line in seen.lines for each in line)
        for line in seen.lines:
            boxes = [choice.piece.box for choice in line]
            found = found_digits(boxes, [choice.probabilities for choice in line], self.threshold, alone=alone)
            kept = [choice for choice, one in zip(line, found, strict=True) if one or choice.place is not None]
            for choice in kept:
                box = turned_back(_scaled(choice.piece.box, seen.scale), turns, size)
                digits.append(self._digit(choice.probabilities, place.of(box), row, choice.place))
            row += bool(kept)
        return tuple(digits)

    def _read_grid(self, pixels: NDArray[np.uint8], grid: tuple[int, int], place: _Place) -> tuple[ReadDigit, ...]:
        cells = grid_cells(pixels, *grid)
        answers = PageReader(self.classifier, self.threshold, self._credulous).probabilities([c.ink for c in cells])
        surest: dict[tuple[int, int], int] = {}
        for number, cell in enumerate(cells):
            best = surest.setdefault((cell.row, cell.column), number)
            if answers[number].max() > answers[best].max():
                surest[cell.row, cell.column] = number
        return tuple(
            self._digit(answers[number], place.of(cells[number].box), row, column)
            for (row, column), number in surest.items()
        )

    def _digit(self, probabilities: NDArray[np.float32], box: Box, line: int, column: int | None) -> ReadDigit:
        digit, confidence = self._decided(probabilities)
        return ReadDigit(digit, confidence, box, line, tuple(probabilities.tolist()), column)

    def _decided(self, probabilities: NDArray[np.float32]) -> tuple[int | None, float]:
        digit = int(probabilities.argmax())
        confidence = float(probabilities[digit])
        return (digit if confidence >= self.threshold else None), confidence


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part of a picture lies in the whole. corner: in pixels of the part's own scale; scale: to the whole's."""

    corner: tuple[float, float]
    scale: tuple[float, float]

    def of(self, box: Box) -> Box:
        """A box of the part in pixels of the whole."""
        (x, y), (wide, high), (x0, y0, x1, y1) = self.corner, self.scale, box
        return round((x0 + x) * wide), round((y0 + y) * high), round((x1 + x) * wide), round((y1 + y) * high)


def _scaled(box: Box, scale: tuple[float, float]) -> Box:
    """A box of a reduced picture in pixels of the whole."""
    (x0, y0, x1, y1), (wide, high) = box, scale
    return round(x0 * wide), round(y0 * high), round(x1 * wide), round(y1 * high)


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
    one = one_digit(_pixels(image))
    return None if one is None else one.glyph


def _pixels(image: str | Path | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) RGB; a grey array stays uint8 (H, W), which takes less time."""
    if isinstance(image, str | Path):
        return load_reduced(image, _LEAST_DECODED)[0]
    grey = image.ndim == 2 and image.dtype == np.uint8 and image.size
    return image if grey else as_rgb(image)


def _page(image: str | Path | NDArray[np.uint8], *, whole: bool) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """A picture, reduced already where it is to be reduced anyway, and its full width and height."""
    if isinstance(image, str | Path):
        return load_reduced(image, None if whole else PAGE_SIDE)
    pixels = as_rgb(image)
    return pixels, (pixels.shape[1], pixels.shape[0])
