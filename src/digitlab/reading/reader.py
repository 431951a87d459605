"""The reader: a picture in, digits out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError
from digitlab.reading.classifier import Classifier, resolve_model
from digitlab.reading.components import main_mark, page_marks
from digitlab.reading.glyph import normalise
from digitlab.reading.images import as_rgb, load_image
from digitlab.reading.ink import ink_map, shrink
from digitlab.values import Prediction, ReadDigit, Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.values import Box

__all__ = ["DEFAULT_THRESHOLD", "Reader", "digit_image"]

DEFAULT_THRESHOLD = 0.5  # below, the other nine digits together are likelier than the answer

_DIGIT_SIDE = 256  # pixels at which one digit is looked for: it may be a tenth of the picture and still have 25
_DIGIT_WINDOW = 0.35  # of the side: wider than bold strokes of a digit that fills the picture
_PAGE_SIDE = 1280  # pixels at which a page is read: 40 lines of digits 20 pixels high
_PAGE_WINDOW = 0.08  # of the page's side

_NOTHING = Prediction(None, 0.0, (0.0,) * 10)


class Reader:
    """Reads digits from photos, scans and drawings. Threads may share one.

    Pictures are files (see `load_image`) or arrays: uint8 (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA.
    """

    def __init__(
        self, model: str | Path | None = None, *, threshold: float = DEFAULT_THRESHOLD, threads: int = 0
    ) -> None:
        """Load a model: a shipped name, a run folder or a file; None is the default.

        threshold: 0 … 1; digits less sure than this are declined
        threads: how many the network may use in one call; 0 is a thread a core

        Raises:
            ModelError: when there is no such model, or it is not one of ours.
            UsageError: for a threshold outside 0 … 1 or a negative number of threads.
        """
        if not 0.0 <= threshold <= 1.0:
            raise UsageError(f"threshold is {threshold:g}; expected 0 to 1")
        if threads < 0:
            raise UsageError(f"threads is {threads}; expected 1 or more, or 0 for a thread a core")
        self.classifier = Classifier(resolve_model(model), threads)
        self.threshold = threshold

    def classify(self, image: str | Path | NDArray[np.uint8]) -> Prediction:
        """The one digit that a picture shows; ``digit`` is None where there is no ink or the answer is not sure.

        Raises:
            ImageError: when a file cannot be read.
            ShapeError: for an array of another type or shape.
        """
        found = digit_image(image)
        if found is None:
            return _NOTHING
        probabilities = self.classifier.probabilities(found[None])[0]
        digit, confidence = self._decided(probabilities)
        return Prediction(digit, confidence, tuple(probabilities.tolist()))

    def read(self, image: str | Path | NDArray[np.uint8]) -> Reading:
        """All digits of a page, line by line; marks that are not surely digits are there too, declined.

        Raises:
            ImageError: when a file cannot be read.
            ShapeError: for an array of another type or shape.
        """
        pixels = _pixels(image)
        start = time.perf_counter()
        small = shrink(pixels, _PAGE_SIDE)
        ink = ink_map(small, round(_PAGE_WINDOW * max(small.shape)))
        lines = [] if ink is None else page_marks(ink)
        marks = [(mark.box, row) for row, line in enumerate(lines) for mark, _ in line]
        glyphs = [normalise(image) for line in lines for _, image in line]
        answers = self.classifier.probabilities(np.array(glyphs, np.uint8).reshape(-1, 28, 28))
        scale = (pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0])
        digits = tuple(
            ReadDigit(*self._decided(answer), _enlarged(box, scale), row)
            for (box, row), answer in zip(marks, answers, strict=True)
        )
        return Reading(digits, (time.perf_counter() - start) * 1000.0)

    def _decided(self, probabilities: NDArray[np.float32]) -> tuple[int | None, float]:
        digit = int(probabilities.argmax())
        confidence = float(probabilities[digit])
        return (digit if confidence >= self.threshold else None), confidence


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


def _pixels(image: str | Path | NDArray[np.uint8]) -> NDArray[np.uint8]:
    return load_image(image) if isinstance(image, str | Path) else as_rgb(image)


def _enlarged(box: Box, scale: tuple[float, float]) -> Box:
    (x0, y0, x1, y1), (wide, high) = box, scale
    return round(x0 * wide), round(y0 * high), round(x1 * wide), round(y1 * high)
