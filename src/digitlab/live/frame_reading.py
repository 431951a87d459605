"""Three ways to read a frame: the one digit of a region, all digits of the page, and as in the program of S0."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import ModelError, UsageError
from digitlab.live.config import MODES, Mode
from digitlab.reading import digit_image
from digitlab.reading.candidates import ALONE
from digitlab.values import ReadDigit, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from digitlab.reading import Reader
    from digitlab.values import Box

__all__ = ["MODES", "Detection", "FrameReading", "Mode", "check_mode", "detection_of", "look", "surest_of", "warm_up"]

_AROUND = 0.3  # `Detection.margin` of a digit: new ink beside it is noticed
_WITHIN = -0.06  # `Detection.margin` of a region: it has room to sway
_MARGIN = 0.15  # fraction of a box's longest side: paper around the digit, against which its ink stands out
_NO_PROBABILITIES = (0.0,) * 10


@dataclass(frozen=True, slots=True)
class Detection:
    """A digit found in one frame.

    box: bounding box in pixels of the whole frame
    digit: None if the reader declined
    probabilities: ten that sum to 1
    score: the probability that there is a digit at all, 0 … 1
    image: the whole frame, uint8 (H, W, 3), with which later frames are compared; None: only boxes are compared
    margin: of the paper around the box that is compared as well, as a fraction of its longest side; negative for a
        region, outside which nothing is compared
    """

    box: Box
    line: int
    digit: int | None
    probabilities: tuple[float, ...]
    score: float = 1.0
    image: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    margin: float = _AROUND


@dataclass(frozen=True, slots=True)
class FrameReading:
    """The reading of one frame.

    reading: with boxes in pixels of the whole frame
    detections: one for each of the reading's digits, in the same order
    region: the part that was read; None for the whole frame
    glyph: uint8 (28, 28), light ink on dark: the digit (of a page, the most confident one) as networks for such images
        take it; in mode "thesis" the Sobel image; None if no ink could be segmented
    probabilities: ten, of the same digit; all 0 if none was found
    """

    reading: Reading
    detections: tuple[Detection, ...]
    region: Box | None
    glyph: NDArray[np.uint8] | None
    probabilities: tuple[float, ...]


def check_mode(mode: str) -> Mode:
    """Validate the name of a mode, and return it.

    Raises:
        UsageError: when there is no such mode.
    """
    for known in MODES:
        if mode == known:
            return known
    raise UsageError(f"mode is {mode!r}; expected one of {', '.join(MODES)}")


def look(image: NDArray[np.uint8], mode: Mode, region: Box, reader: Reader) -> FrameReading:
    """Read one frame, uint8 (H, W, 3) RGB; ``region`` is used in the modes that have one.

    Raises:
        ModelError: when the reader's network cannot run, or is not one for mode "thesis".
    """
    if mode == "page":
        return _look_at_page(image, reader)
    return _look_as_s0(image, region, reader) if mode == "thesis" else _look_at_region(image, region, reader)


def warm_up(reader: Reader, mode: Mode) -> None:
    """Trigger the one-time initialisation of all libraries with a picture of a bar: else the first frame takes 90 ms.

    Raises:
        ModelError: when the reader's network cannot run, or is not one for mode "thesis".
    """
    page = np.full((480, 640, 3), 220, np.uint8)
    page[180:300, 310:330] = 40
    for _ in range(2):
        look(page, mode, (220, 140, 420, 340), reader)


def _look_at_region(image: NDArray[np.uint8], region: Box, reader: Reader) -> FrameReading:
    start = time.perf_counter()
    part = np.ascontiguousarray(_cut(image, region))
    glyph = digit_image(part)
    found = reader.classify(part)
    if found.digit is None and found.confidence < ALONE:  # perhaps ink, but no digit
        return FrameReading(Reading((), _milliseconds(start)), (), region, glyph, found.probabilities)
    return _one_digit(image, region, found.digit, found.confidence, found.probabilities, glyph, start)


def _look_as_s0(image: NDArray[np.uint8], region: Box, reader: Reader) -> FrameReading:
    """Follow S0's steps: crop, grey, Gaussian blur 5×5, 28×28, Sobel image, network. Never reports an empty region."""
    from digitlab.datasets.transforms.sobel import sobel_images  # imported late: it takes 30 ms, only for this mode

    start = time.perf_counter()
    grey = cv2.cvtColor(_cut(image, region), cv2.COLOR_RGB2GRAY)
    small = np.asarray(cv2.resize(cv2.GaussianBlur(grey, (5, 5), 0), (28, 28)), np.uint8)[None]
    edges = sobel_images(small)
    answers = reader.classifier.probabilities(small if _makes_its_own_edges(reader) else edges)[0]
    digit = int(answers.argmax())
    confidence = float(answers[digit])
    answered = digit if confidence >= reader.threshold else None
    return _one_digit(image, region, answered, confidence, tuple(answers.tolist()), edges[0], start)


def _makes_its_own_edges(reader: Reader) -> bool:
    """Return whether the network makes the Sobel image itself, from grey images; one without a card does not."""
    card = reader.classifier.card
    if card is None:
        return False
    if card.form != "sobel":
        raise ModelError(
            f"{reader.classifier.path.name}: was trained on {card.form} images; mode thesis needs a network for Sobel "
            "images, e.g. one of `digitlab train --architecture thesis-4conv --dataset 1-6`"
        )
    return True


def _one_digit(
    image: NDArray[np.uint8],
    region: Box,
    digit: int | None,
    confidence: float,
    probabilities: tuple[float, ...],
    glyph: NDArray[np.uint8] | None,
    start: float,
) -> FrameReading:
    read = ReadDigit(digit, confidence, region, 0, probabilities)
    detection = Detection(region, 0, digit, probabilities, image=image, margin=_WITHIN)
    return FrameReading(Reading((read,), _milliseconds(start)), (detection,), region, glyph, probabilities)


def _look_at_page(image: NDArray[np.uint8], reader: Reader) -> FrameReading:
    start = time.perf_counter()
    reading = reader.read(
        image, turning=False
    )  # a camera is set upright once; there is no time for three more orientations in each frame
    detections = tuple(detection_of(each, image) for each in reading.digits)
    surest = surest_of(reading.digits)
    glyph = None
    if surest is not None:
        glyph = digit_image(np.ascontiguousarray(_cut(image, _widened(surest.box, image.shape))))
    probabilities = _NO_PROBABILITIES if surest is None or glyph is None else _spread(surest)
    reading = replace(reading, milliseconds=_milliseconds(start))
    return FrameReading(reading, detections, None, glyph, probabilities)


def surest_of(digits: Iterable[ReadDigit]) -> ReadDigit | None:
    """Return the most confident of the digits that were answered: the one shown in detail.

    Of several with the same confidence in per cent it is the first, so that the choice does not flicker between frames.
    """
    answered = (each for each in digits if each.digit is not None)
    return max(answered, key=lambda each: round(each.confidence, 2), default=None)


def detection_of(found: ReadDigit, image: NDArray[np.uint8]) -> Detection:
    """Convert a digit of a page to a detection for tracking; ``image`` is the whole frame, uint8 (H, W, 3)."""
    probabilities = _spread(found)
    # A page's confidence is the score times the largest probability.
    score = min(1.0, found.confidence / max(probabilities))
    return Detection(found.box, found.line, found.digit, probabilities, score, image)


def _spread(found: ReadDigit) -> tuple[float, ...]:
    """Return its ten probabilities; if unknown, 1 - confidence is distributed evenly over the other nine digits."""
    if len(found.probabilities) == 10:
        return found.probabilities
    if found.digit is None:
        return (0.1,) * 10
    rest = (1.0 - found.confidence) / 9.0
    return tuple(found.confidence if digit == found.digit else rest for digit in range(10))


def _cut(image: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    x0, y0, x1, y1 = box
    return image[y0:y1, x0:x1]


def _widened(box: Box, shape: tuple[int, ...]) -> Box:
    x0, y0, x1, y1 = box
    margin = max(2, round(_MARGIN * max(x1 - x0, y1 - y0)))
    return max(0, x0 - margin), max(0, y0 - margin), min(shape[1], x1 + margin), min(shape[0], y1 + margin)


def _milliseconds(start: float) -> float:
    return (time.perf_counter() - start) * 1000.0
