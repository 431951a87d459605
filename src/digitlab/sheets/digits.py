"""Which digits the ink of cells is: both networks of the reader, all cells of a sheet at once.

The cells come cleared of their boxes, so the page reader is shown one page of nothing but them; the classifier of
28×28 images gets each alone, and what it says is multiplied in as everywhere else.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

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
_LARGEST = 46  # pixels of ink on it: more is made smaller
_PAPER = 244.0
_UNSEEN = 0.3  # the score of ink that the page reader does not hold for a digit at all
_PROBABLE = 0.1

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
        if place < len(inks) and candidate.score >= _PROBABLE:
            seen.setdefault(place, candidate)
    said = reader.classifier.probabilities(np.array([normalise(ink) for ink in inks]))
    judged = []
    for place, own in enumerate(said):
        nowhere = Candidate((0.0, 0.0, 1.0, 1.0), _UNSEEN, np.full(10, 0.1, np.float32))
        found = reader.with_second_opinion(seen.get(place, nowhere), own)
        judged.append((found.confidence, tuple(found.probabilities.tolist())))
    return judged


def page_of(inks: Sequence[Ink]) -> tuple[NDArray[np.uint8], int]:
    """All of them on one page, uint8 (H, W, 3), dark on light, each in the middle of its tile; and tiles in a row."""
    import cv2

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
