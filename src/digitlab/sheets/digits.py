"""Classify the ink of cells with both networks of the reader, all cells of a sheet at once.

The boxes are already removed from the cells, so the page reader gets one page with nothing but them; the classifier of
28×28 images gets each alone, and its probabilities are multiplied in as everywhere else.
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from digitlab.reading.candidates import Candidate
from digitlab.reading.glyph import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading import Reader

    Ink = NDArray[np.float32]

__all__ = ["Judged", "Look", "judge", "looks_at", "page_of"]

_TILE = 64  # pixels of a cell on that page
_LARGEST = 34  # pixels of ink on it: larger ink is scaled down; on drawn sheets as good as 46
_PAPER = 244.0
_UNSEEN = 0.05  # the score of ink that the page reader does not detect as a digit at all
# A mark in a digit's box is a digit far more often than on a page, as the scores assume: this factor corrects the odds.
# On drawn sheets 99.2 of 100 digits are answered correctly instead of 97.7, and 0.46 wrongly instead of 0.43.
_IN_A_BOX = 20.0
_LEANS = (0.0, -8.0, 8.0)  # degrees: rotations in which the classifier sees each digit: 1 in 10 of its errors less
_LEAST = 1e-6  # floor of probabilities before taking logarithms


# How sure a digit is: logistic regression on `Look.least`, slope and constant (tools/fit_sheets.py). On 1,985 drawn
# digits, adding the views' mean and the page reader's probability did not detect errors any better.
_SURENESS = (0.58, 3.44)
_CLIP = 1e-4  # probabilities are clipped this far from 0 and 1


class Judged(NamedTuple):
    """The classification of one ink.

    confidence: probability that the most likely digit stands there; probabilities: of the ten digits
    sure: probability that this digit is right, by `Look.least`, which separates errors from right answers best; it can
        be multiplied over the digits of a field
    """

    confidence: float
    probabilities: tuple[float, ...]
    sure: float


class Look(NamedTuple):
    """All predictions for one ink: both networks together, the page reader alone, and the classifier's views.

    combined: with the odds of a mark in a box; views: float32 (views, 10), the classifier's for the transformed ink
    """

    combined: Candidate
    page: Candidate
    views: NDArray[np.float32]

    @property
    def least(self) -> float:
        """Log odds of the most likely digit, given that it is one, in the view or network that rates it lowest."""
        digit = self.combined.digit
        return _log_odds(min(float(self.views[:, digit].min()), float(self.page.probabilities[digit])))


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, _CLIP), 1.0 - _CLIP)
    return math.log(clipped / (1.0 - clipped))


def judge(reader: Reader, inks: Sequence[Ink]) -> list[Judged]:
    """Classify each ink, float32 (h, w) of 0 … 1 each.

    Raises:
        ModelError: when a network cannot run.
    """
    judged = []
    for look in looks_at(reader, inks):
        candidate, (slope, constant) = look.combined, _SURENESS
        sure = candidate.score / (1.0 + math.exp(-slope * look.least - constant))
        judged.append(Judged(candidate.confidence, tuple(candidate.probabilities.tolist()), sure))
    return judged


def looks_at(reader: Reader, inks: Sequence[Ink]) -> list[Look]:
    """Run both networks on each ink, float32 (h, w) of 0 … 1 each.

    Raises:
        ModelError: when a network cannot run.
    """
    if not inks:
        return []
    drawn, columns = page_of(inks)
    detected: dict[int, Candidate] = {}
    for candidate in reader.pages.find(drawn):  # most likely first
        x0, y0, x1, y1 = candidate.box
        index = int((y0 + y1) / 2 // _TILE) * columns + int((x0 + x1) / 2 // _TILE)
        if index < len(inks):
            detected.setdefault(index, candidate)
    views = _views(reader, [normalise(ink) for ink in inks])
    averaged = np.exp(np.log(np.maximum(views[: len(_LEANS)], _LEAST)).mean(axis=0))
    averaged /= averaged.sum(axis=1, keepdims=True)
    undetected = Candidate((0.0, 0.0, 1.0, 1.0), _UNSEEN, np.full(10, 0.1, np.float32))
    looks = []
    for index, probabilities in enumerate(averaged):
        detection = detected.get(index, undetected)
        found = reader.with_second_opinion(detection, probabilities)
        odds = _IN_A_BOX * found.score
        boxed = replace(found, score=odds / (1.0 - found.score + odds))
        looks.append(Look(boxed, detection, views[:, index]))
    return looks


def _views(reader: Reader, glyphs: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Classify each digit as it is, slightly rotated, shifted and scaled: float32 (views, N, 10)."""
    images = [cv2.warpAffine(glyph, matrix, (28, 28)) for matrix in _matrices() for glyph in glyphs]
    probabilities = reader.classifier.probabilities(np.array(images, np.uint8))
    return np.asarray(probabilities.reshape(-1, len(glyphs), 10), np.float32)


@functools.cache
def _matrices() -> list[NDArray[np.float64]]:
    """Return affine matrices: first as it is and rotated, for choosing the digit; then those for judging certainty."""
    transforms = [(0.0, 0.0, angle, 1.0) for angle in _LEANS]
    transforms += [(1.0, 0.0, 0.0, 1.0), (-1.0, 0.0, 0.0, 1.0), (0.0, 1.0, 0.0, 1.0), (0.0, -1.0, 0.0, 1.0)]
    transforms += [(0.0, 0.0, 0.0, 0.9), (0.0, 0.0, 0.0, 1.1)]
    matrices = []
    for x, y, angle, scale in transforms:
        matrix = np.asarray(cv2.getRotationMatrix2D((13.5, 13.5), angle, scale), np.float64)
        matrix[:, 2] += x, y
        matrices.append(matrix)
    return matrices


def page_of(inks: Sequence[Ink]) -> tuple[NDArray[np.uint8], int]:
    """Draw all inks on a page, uint8 (H, W, 3), dark on light, each centred in its tile; also return tiles per row."""
    columns = math.ceil(math.sqrt(len(inks)))
    rows = -(-len(inks) // columns)
    page = np.full((rows * _TILE, columns * _TILE), _PAPER, np.float32)
    for index, ink in enumerate(inks):
        scale = min(1.0, _LARGEST / max(ink.shape))
        size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
        small = ink if scale == 1.0 else cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
        height, width = small.shape
        top = index // columns * _TILE + (_TILE - height) // 2
        left = index % columns * _TILE + (_TILE - width) // 2
        page[top : top + height, left : left + width] -= (_PAPER - 30.0) * small
    return np.repeat(page.astype(np.uint8)[:, :, None], 3, axis=2), columns
