"""Which digits the ink of cells is: both networks of the reader, all cells of a sheet at once.

The cells come cleared of their boxes, so the page reader is shown one page of nothing but them; the classifier of
28×28 images gets each alone, and what it says is multiplied in as everywhere else.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.reading.candidates import Candidate
from digitlab.reading.glyph import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.reading import Reader

    Ink = NDArray[np.float32]

__all__ = ["Judged", "judge", "page_of"]

_TILE = 64  # pixels of a cell on that page
_LARGEST = 34  # pixels of ink on it: more is made smaller; on drawn sheets as good as 46
_PAPER = 244.0
_UNSEEN = 0.05  # the score of ink that the page reader does not hold for a digit at all
# A mark in a box for a digit is one far oftener than a mark on a page, for which the scores are: the odds, times this.
# On drawn sheets 99.2 of 100 digits are answered rightly instead of 97.7, and 0.46 wrongly instead of 0.43.
_IN_A_BOX = 20.0
_LEANS = (0.0, -8.0, 8.0)  # degrees, by which the classifier sees each digit: 1 in 10 of its errors less
_LEAST = 1e-6  # probability, before logarithms

Judged = tuple[float, tuple[float, ...]]  # confidence that the likeliest digit stands there, and the ten probabilities


def judge(reader: Reader, inks: Sequence[Ink]) -> list[Judged]:
    """What each ink is, float32 (h, w) of 0 … 1 each.

    Raises:
        ModelError: when a network cannot run.
    """
    if not inks:
        return []
    page, columns = page_of(inks)
    seen: dict[int, Candidate] = {}
    for candidate in reader.pages.find(page):  # likeliest first
        x0, y0, x1, y1 = candidate.box
        place = int((y0 + y1) / 2 // _TILE) * columns + int((x0 + x1) / 2 // _TILE)
        if place < len(inks):
            seen.setdefault(place, candidate)
    judged = []
    for place, own in enumerate(_leaned(reader, [normalise(ink) for ink in inks])):
        nowhere = Candidate((0.0, 0.0, 1.0, 1.0), _UNSEEN, np.full(10, 0.1, np.float32))
        found = reader.with_second_opinion(seen.get(place, nowhere), own, in_row=False)
        odds = _IN_A_BOX * found.score
        score = odds / (1.0 - found.score + odds)
        judged.append((score * float(found.probabilities.max()), tuple(found.probabilities.tolist())))
    return judged


def _leaned(reader: Reader, glyphs: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """The classifier's probabilities, float32 (N, 10): the geometric mean over each as it is, and turned a bit."""
    turned = [
        cv2.warpAffine(glyph, cv2.getRotationMatrix2D((13.5, 13.5), lean, 1.0), (28, 28)) if lean else glyph
        for lean in _LEANS
        for glyph in glyphs
    ]
    said = reader.classifier.probabilities(np.array(turned, np.uint8)).reshape(len(_LEANS), len(glyphs), 10)
    mean = np.exp(np.log(np.maximum(said, _LEAST)).mean(axis=0))
    return np.asarray(mean / mean.sum(axis=1, keepdims=True), np.float32)


def page_of(inks: Sequence[Ink]) -> tuple[NDArray[np.uint8], int]:
    """All of them on one page, uint8 (H, W, 3), dark on light, each in the middle of its tile; and tiles in a row."""
    columns = math.ceil(math.sqrt(len(inks)))
    rows = -(-len(inks) // columns)
    page = np.full((rows * _TILE, columns * _TILE), _PAPER, np.float32)
    for number, ink in enumerate(inks):
        scale = min(1.0, _LARGEST / max(ink.shape))
        size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
        small = ink if scale == 1.0 else cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
        high, wide = small.shape
        top = number // columns * _TILE + (_TILE - high) // 2
        left = number % columns * _TILE + (_TILE - wide) // 2
        page[top : top + high, left : left + wide] -= (_PAPER - 30.0) * small
    return np.repeat(page.astype(np.uint8)[:, :, None], 3, axis=2), columns
