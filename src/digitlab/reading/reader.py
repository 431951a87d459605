"""The reader: a picture in, digits out."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from digitlab.errors import DigitlabError, ImageError, ShapeError, UsageError
from digitlab.network.classifier import DEFAULT_MODEL, Classifier, resolve_model
from digitlab.reading.candidates import Candidate, confidence_alone, main_candidate, without_twins
from digitlab.reading.constraints import Constraints
from digitlab.reading.decoding import LARGE, decode
from digitlab.reading.grid import read_grid
from digitlab.reading.ink_crops import glyph_of, inks_of, main_digit
from digitlab.reading.numbers.line_context import with_line_context
from digitlab.reading.numbers.marks import with_signs
from digitlab.reading.numbers.matching import with_known_numbers
from digitlab.reading.orientation import set_upright, turned_back, turned_picture
from digitlab.reading.page_network import PAGE_SIDE, page_network
from digitlab.reading.picture_like import is_one_picture, rgb_of
from digitlab.settings import with_keywords_of
from digitlab.values import Prediction, ReadDigit, Reading, ReadMark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.reading.candidates import Sides
    from digitlab.reading.page_network import PageNetwork
    from digitlab.reading.picture_like import PictureLike
    from digitlab.values import Box

__all__ = ["DEFAULT_THRESHOLD", "Reader", "digit_image", "in_order"]

DEFAULT_THRESHOLD = 0.5  # for uncalibrated models: below it, the other nine digits together are more likely

_LEAST_DECODED = 1024  # pixels: a JPEG is not decoded smaller for one digit
_SIMILAR = 0.4  # of the main digit's longest side: another candidate of that size is not dirt
# Confidences: if at most one place is likely to be a digit, there may be a single digit of which only a part was
# detected, unless the page reader is certain.
_LIKELY, _CERTAIN = 0.5, 0.95
_LEAST_CLASSIFIED = 0.25  # the least score of candidates that both networks classify, …
_MOST_CLASSIFIED = 400  # … and the most of these; a page with more digits is a newspaper

_NOTHING = Prediction(None, 0.0, (0.0,) * 10)


class Reader:
    """Reads digits from photos, scans and drawings. Threads may share one.

    A picture is a path (see `load_image`), a file's bytes, a file opened in binary mode, a Pillow image, or an array or
    tensor (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA: uint8, bool or floating-point values from 0 to 1, where 0
    is black (see `rgb_of`).
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        threshold: float | None = None,
        threads: int = 0,
        pages: PageNetwork | None = None,
    ) -> None:
        """Load a model: a shipped name, a run folder or a file; None is the default.

        threshold: 0 … 1; digits with a lower confidence are declined. None: 0.5 for the shipped reader; for another
            model the threshold on its card, from which 99 of 100 answers are right, or 0.5 if it has none
        threads: number of threads that the networks may use in one call; 0 is one per core
        pages: the network that detects digits; None is the shipped page reader

        Raises:
            ModelError: when there is no such model, or it is not one of ours.
            UsageError: for a threshold outside 0 … 1 or a negative number of threads.
        """
        if threshold is not None and not 0.0 <= threshold <= 1.0:
            raise UsageError(f"threshold is {threshold:g}; expected 0 to 1")
        if threads < 0:
            raise UsageError(f"threads is {threads}; expected 1 or more, or 0 for one thread per core")
        path = resolve_model(model)
        self.classifier = Classifier(path, threads)
        self.pages = page_network(threads) if pages is None else pages
        self._shipped = path == resolve_model(DEFAULT_MODEL)
        self.requested_threshold = threshold  # for callers that switch to another model
        calibrated = self.pages.threshold if self._shipped else _threshold_of(self.classifier)
        self.threshold = calibrated if threshold is None else threshold

    @property
    def model_files(self) -> tuple[Path, ...]:
        """The files of the networks that make the answers together."""
        return self.classifier.path, self.pages.path

    def classify(self, image: PictureLike) -> Prediction:
        """Classify the one digit that a picture shows; ``digit`` is None if there is none or the answer is not certain.

        If the picture holds several digits, the note says so: `read` reads them all.

        Raises:
            ImageError: when a file cannot be read.
            ShapeError: for an array of another type, shape or range, or for an object that is not a picture.
        """
        pixels = _pixels(image)
        candidates = self.candidates(pixels)
        main = main_candidate(candidates, (pixels.shape[1], pixels.shape[0]))
        if main is None:
            return _NOTHING
        others = [each for each in candidates if each is not main and each.confidence >= self.threshold]
        several = any(each.longest >= _SIMILAR * main.longest for each in others)
        note = "holds several digits; `read` reads them all" if several else None
        digit = self._answer(main)
        return Prediction(digit, main.confidence, tuple(main.probabilities.tolist()), note)

    @with_keywords_of(Constraints)
    def read(
        self,
        image: PictureLike,
        constraints: Constraints | None = None,
        *,
        turning: bool = True,
        **keywords: Any,
    ) -> Reading:
        """Read all digits of a page, line by line; those found but not answered are included, with ``digit`` None.

        A picture of one digit is answered as by `classify`. A page that lies upside down or on its side is rotated and
        read, and the note says so. If the page does not hold the digits that ``count`` or ``pattern`` ask for,
        `Reading.fits` is False, the note says how many there are, and all that were found are returned. With ``grid``,
        the rows of the grid are `Reading.lines`; with ``among`` or ``check``, the number that stands there, or "?".
        That no two pictures get the same entry (``one_to_one``) is ensured by `digitlab.reading.numbers.assigned`.

        constraints: what is known about the page; or its fields as keywords, e.g. ``read(image, count=6)``
        turning: whether a page that reads badly is also tried in other orientations, which takes about as long again

        Raises:
            ImageError: when a file cannot be read.
            ShapeError: for an array of another type, shape or range, or for an object that is not a picture.
            UsageError: for an invalid constraint, or two that contradict each other.
        """
        constraints = Constraints(**keywords) if constraints is None else replace(constraints, **keywords)
        grid = constraints.grid
        # Else it may be decoded at reduced size, to which it would be scaled anyway.
        full_size = constraints.region is not None or grid is not None
        pixels, size = rgb_of(image, None if full_size else PAGE_SIDE)
        start = time.perf_counter()
        scale_x, scale_y = size[0] / pixels.shape[1], size[1] / pixels.shape[0]  # above 1 for what was decoded reduced
        x0, y0, x1, y1 = constraints.region_in(size)
        left, top = int(x0 / scale_x), int(y0 / scale_y)
        part = _Part((left, top), (scale_x, scale_y))
        pixels = pixels[top : max(top + 1, round(y1 / scale_y)), left : max(left + 1, round(x1 / scale_x))]
        if grid is not None:
            cells = read_grid(pixels, grid, self.candidates, self._digit_probabilities)
            digits = tuple(self._digit(cell, part.in_whole(box), row, column) for row, column, box, cell in cells)
            reading = Reading(digits, 0.0, grid=grid)
        else:
            reading = with_known_numbers(
                self._read_page(pixels, constraints, part, turning=turning), constraints, self.threshold
            )
        return replace(reading, milliseconds=(time.perf_counter() - start) * 1000.0, size=size)

    def read_many(
        self, pictures: Iterable[PictureLike], *, threads: int = 0, **keywords: Any
    ) -> Iterator[Reading | DigitlabError]:
        """Read many pictures, a few of them in parallel; the readings come in the order of the pictures.

        A picture that cannot be read does not stop the others: it yields the error that `read` would raise.

            for name, reading in zip(names, reader.read_many(names)):
                print(name, reading if isinstance(reading, DigitlabError) else reading.text)

        pictures: a list, an iterator, consumed a few pictures ahead, or an array (N, H, W) or (N, H, W, C)
        threads: how many read in parallel; 0 is one per core. For several, use a reader made with ``threads=1``
        keywords: further arguments of `read`, for all pictures

        Raises:
            ShapeError: for one picture instead of several.
            UsageError: for a negative number of threads.
        """
        if threads < 0:
            raise UsageError(f"threads is {threads}; expected 1 or more, or 0 for one per core")
        if is_one_picture(pictures) or not isinstance(pictures, Iterable):
            received = f"one {type(pictures).__name__}; one picture is read by reader.read(picture)"
            raise ShapeError("pictures", expected="a list, an iterator or an array (N, H, W)", received=received)
        return in_order(pictures, lambda picture: self.read(picture, **keywords), threads)

    def _read_page(self, pixels: NDArray[np.uint8], constraints: Constraints, part: _Part, *, turning: bool) -> Reading:
        turns, candidates, note = 0, self.candidates(pixels), None
        if turning:
            turns, candidates, note = set_upright(pixels, candidates, self.candidates)
        size = pixels.shape[1], pixels.shape[0]
        upright = turned_picture(pixels, turns)
        # Else the constraint decides what is a digit.
        unconstrained = constraints.count is None and constraints.pattern is None
        decoded = decode(candidates, Constraints(), self.threshold, max(size))
        rescored = with_line_context(upright, candidates, decoded.lines, self.threshold)
        if rescored is not candidates or not unconstrained or constraints.lines is not None:
            decoded = decode(rescored, constraints, self.threshold, max(size))
        if decoded.mismatch is not None:  # the constraint takes precedence over the line
            without_context = decode(candidates, constraints, self.threshold, max(size))
            decoded = without_context if without_context.mismatch is None else decoded
        lines, signs = with_signs(upright, decoded.lines, free=unconstrained)

        def in_whole(box: Sides) -> Box:
            return part.in_whole(turned_back(box, turns, size))

        digits = tuple(
            self._digit(each, in_whole(each.box), row, each.pattern_index)
            for row, line in enumerate(lines)
            for each in line
        )
        marks = tuple(
            ReadMark(each.character, in_whole(each.box), row) for row, group in enumerate(signs) for each in group
        )
        notes = "; ".join(each for each in (note, decoded.mismatch) if each)
        fits = decoded.mismatch is None
        return Reading(digits, 0.0, notes or None, pattern=decoded.pattern, fits=fits, turned=-turns % 4, marks=marks)

    def candidates(self, pixels: NDArray[np.uint8]) -> list[Candidate]:
        """Find where digits may be in a picture, uint8 (H, W, 3) RGB, and which; most likely first.

        Raises:
            ModelError: when a network cannot run.
        """
        found = self.pages.find(pixels)
        count = len(found)
        if self._shipped:
            count = sum(each.score >= _LEAST_CLASSIFIED for each in found[:_MOST_CLASSIFIED])
        inks = inks_of(pixels, found[:count])
        inks += [None] * (len(found) - len(inks))
        opinions = self._digit_probabilities([None if ink is None else ink[1] for ink in inks])
        classified = [
            self.with_second_opinion(each if ink is None else each.tightened(ink[0]), opinion)
            for each, ink, opinion in zip(found, inks, opinions, strict=True)
        ]
        likely = [each for each in classified if each.confidence >= _LIKELY]
        if len(likely) < 2 and all(each.confidence < _CERTAIN for each in likely):
            whole = self.whole_ink(pixels)
            if whole is not None and self._shipped:  # another model's threshold applies to its own confidences
                whole = replace(whole, score=min(1.0, confidence_alone(whole, found) / whole.confidence))
            if whole is not None and all(
                each.is_part_of(whole) and each.confidence < whole.confidence for each in likely
            ):
                classified = [whole, *(each for each in classified if not each.is_part_of(whole))]
        return without_twins(classified)

    def with_second_opinion(self, candidate: Candidate, probabilities: NDArray[np.float32] | None) -> Candidate:
        """Multiply in the classifier's probabilities; those of a model other than the shipped one replace them."""
        if self._shipped:
            return candidate.agreed_with(probabilities)
        uniform = np.full(10, 0.1, np.float32)
        return replace(candidate, probabilities=uniform if probabilities is None else probabilities)

    def whole_ink(self, pixels: NDArray[np.uint8]) -> Candidate | None:
        """Return the picture's ink as one digit, score 1, if it is large and the classifier is sure of it; else None.

        pixels: uint8 (H, W, 3) RGB
        """
        main = main_digit(pixels)
        if main is None:
            return None
        box, glyph = main
        whole = Candidate(box, 1.0, self.classifier.probabilities(glyph[None])[0])
        large = whole.longest >= LARGE * max(pixels.shape[:2])
        return whole if large and whole.confidence >= _threshold_of(self.classifier) else None

    def _digit_probabilities(self, glyphs: Sequence[NDArray[np.uint8] | None]) -> list[NDArray[np.float32] | None]:
        """Return the classifier's ten probabilities for each 28×28 image; None for those without ink."""
        images = [glyph for glyph in glyphs if glyph is not None]
        answers = iter(self.classifier.probabilities(np.array(images, np.uint8).reshape(-1, 28, 28)))
        return [None if glyph is None else next(answers) for glyph in glyphs]

    def _answer(self, candidate: Candidate) -> int | None:
        return candidate.digit if candidate.confidence >= self.threshold else None

    def _digit(self, candidate: Candidate, box: Box, line: int, column: int | None) -> ReadDigit:
        probabilities = tuple(candidate.probabilities.tolist())
        return ReadDigit(self._answer(candidate), candidate.confidence, box, line, probabilities, column)


@dataclass(frozen=True, slots=True)
class _Part:
    """The place of a part in the whole picture. corner: in pixels at the part's own scale; scale: to the whole's."""

    corner: tuple[float, float]
    scale: tuple[float, float]

    def in_whole(self, box: tuple[float, float, float, float]) -> Box:
        """Convert a box of the part to pixels of the whole."""
        (x, y), (scale_x, scale_y), (x0, y0, x1, y1) = self.corner, self.scale, box
        left, top = math.floor((x0 + x) * scale_x), math.floor((y0 + y) * scale_y)
        return left, top, max(left + 1, math.ceil((x1 + x) * scale_x)), max(top + 1, math.ceil((y1 + y) * scale_y))


def _threshold_of(classifier: Classifier) -> float:
    calibrated = classifier.card.training.get("threshold") if classifier.card else None
    usable = isinstance(calibrated, float) and 0.0 <= calibrated <= 1.0
    return float(calibrated) if usable else DEFAULT_THRESHOLD  # type: ignore[arg-type]


def digit_image(image: PictureLike) -> NDArray[np.uint8] | None:
    """Return the one digit of a picture as networks take it, uint8 (28, 28), light on dark; None if there is no ink.

    Raises:
        ImageError: when a file cannot be read.
        ShapeError: for an array of another type, shape or range, or for an object that is not a picture.
    """
    return glyph_of(_pixels(image))


def _pixels(image: PictureLike) -> NDArray[np.uint8]:
    """Decode to uint8 (H, W, 3) RGB."""
    return rgb_of(image, _LEAST_DECODED)[0]


_AHEAD = 2  # pictures per thread that are being read or wait to be fetched

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(
    pictures: Iterable[_Item], function: Callable[[_Item], _Result], threads: int
) -> Iterator[_Result | DigitlabError]:
    """Yield the answer to each picture, in order; for a refused one, its error.

    The iterable is consumed only a few pictures ahead of the answers that were fetched.

    threads: 0 is one per core
    """
    count, remaining = threads or os.cpu_count() or 1, iter(pictures)
    pool = ThreadPoolExecutor(count, thread_name_prefix="read-many")
    pending: deque[Future[_Result | DigitlabError]] = deque()
    try:
        while True:
            for picture in itertools.islice(remaining, count * _AHEAD - len(pending)):
                pending.append(pool.submit(_answer_or_error, function, picture))
            if not pending:
                return
            yield pending.popleft().result()
    finally:  # also if the consumer stops early
        pool.shutdown(cancel_futures=True)


def _answer_or_error(function: Callable[[_Item], _Result], picture: _Item) -> _Result | DigitlabError:
    try:
        return function(picture)
    except DigitlabError as error:
        return error
    except MemoryError:
        return ImageError("a picture does not fit into memory; make it smaller first")
