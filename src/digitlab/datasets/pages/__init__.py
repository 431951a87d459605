"""Synthetic pages for training and testing digit detectors: unlimited in number, seeded, with ground truth.

Everything is sampled anew from the seed: the writer, the pen, the surface, the light, the camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.datasets.pages.drawing import IGNORED, NOT_A_DIGIT, Drawing
from digitlab.datasets.pages.layouts import LAYOUTS, lone_sign, nothing, ruled, single
from digitlab.datasets.pages.sheet import Sheet
from digitlab.datasets.pages.surfaces import coloured, photographed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.datasets.pages.alphabets import Alphabets

__all__ = ["IGNORED", "NOT_A_DIGIT", "DrawnPage", "draw_page"]

_DIGITAL = 0.17
_TURNED = 0.09  # share of pages rotated by quarter turns: rotated text must not be taken for digits
_COVERED = 0.85  # share of a box from which it counts as hidden under something else
_EVEN = 12.0  # standard deviation of a box's ink, of 255; less is all ink or none
_LEAST_CONTRAST, _LEAST_LIKENESS = 6.0, 0.65  # grey levels; correlation of ink and picture: minima for legible
_ALONE = (single, lone_sign)
_WEIGHTS = np.array([weight for weight, _ in LAYOUTS]) / sum(weight for weight, _ in LAYOUTS)


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """A picture of a page with its ground truth.

    image: uint8 (S, S, 3) RGB
    boxes: float32 (N, 4), x0, y0, x1, y1 in pixels
    labels: int8 (N,), 0 … 9, NOT_A_DIGIT for examples of other things, IGNORED for digits that are cut off or tiny
    kind: the layout's name
    letters: float32 (M, 4), boxes of all visible letters, whether or not they are among ``boxes``
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int8]
    kind: str
    letters: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))


def draw_page(alphabets: Alphabets, rng: np.random.Generator, *, size: int = 320, kind: str | None = None) -> DrawnPage:
    """Draw a square picture of a page, or of a part of one. kind: the layout's name; random unless given."""
    names = [layout.__name__ for _, layout in LAYOUTS]
    chosen = int(rng.choice(len(LAYOUTS), p=_WEIGHTS)) if kind is None else names.index(kind)
    layout = LAYOUTS[chosen][1]
    digital = bool(rng.random() < _DIGITAL)
    drawing = Drawing(size, _placement(size, rng, digital=digital), _bend(size, rng))
    sheet = Sheet(drawing, alphabets, rng)
    if not digital and layout not in _ALONE and rng.random() < (0.3 if layout is not nothing else 0.7):
        ruled(sheet)
    layout(sheet)
    planes = coloured(drawing, sheet.kinds, rng, digital=digital)
    if layout in _ALONE and rng.random() < 0.45:
        planes = _as_if_tiny(planes, rng)
    seen, hidden = photographed(planes, rng, digital=digital)
    boxes, labels = np.array(drawing.boxes, np.float32).reshape(-1, 4), np.array(drawing.labels, np.int8)
    letters = _within(np.array(drawing.letters, np.float32).reshape(-1, 4), size)
    if hidden is not None:
        boxes, labels = _uncovered(boxes, labels, hidden)
        letters = letters[_shares(letters, hidden) < _COVERED]
    written = [ink for ink, layer in zip(drawing.layers, sheet.kinds, strict=True) if layer != "rule"]
    if written:
        legible = _Legibility(np.maximum.reduce(written), seen)
        labels = np.where((labels < NOT_A_DIGIT) & ~legible(boxes), np.int8(IGNORED), labels)
        letters = letters[legible(letters)]
    if layout not in _ALONE and rng.random() < _TURNED:
        turns = int(rng.integers(1, 4))
        seen = np.ascontiguousarray(np.rot90(seen, turns))
        boxes, letters = _turned(boxes, size, turns), _turned(letters, size, turns)
        labels = np.where(labels < NOT_A_DIGIT, np.int8(IGNORED), labels)  # rotated: may be detected or not
    return DrawnPage(seen, boxes, labels, names[chosen], letters)


def _within(boxes: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Keep the boxes whose centre lies on the page, clipped to the page."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.clip(boxes[((middles > 0) & (middles < size)).all(axis=1)], 0.0, size)


def _turned(boxes: NDArray[np.float32], size: int, turns: int) -> NDArray[np.float32]:
    """Rotate the boxes of a page by this many quarter turns, counter-clockwise."""
    for _ in range(turns):
        x0, y0, x1, y1 = boxes.T
        boxes = np.stack([y0, size - x1, y1, size - x0], axis=1)
    return boxes


def _uncovered(
    boxes: NDArray[np.float32], labels: NDArray[np.int8], hidden: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Drop the boxes hidden under something else; digits that are partly hidden become IGNORED."""
    shares = _shares(boxes, hidden)
    labels = np.where((shares > 0.08) & (labels < NOT_A_DIGIT), IGNORED, labels).astype(np.int8)
    left = shares < _COVERED
    return boxes[left], labels[left]


class _Legibility:
    """Test of whether boxes are legible; what nobody can see must not be a target: it could only be guessed.

    A sign is legible where the picture's brightness correlates with the ink that was written. The correlation is low
    where the ink is too faint, too blurred, or lost in noise or in the background.

    ink: uint8 (S, S), the amount of ink written; seen: uint8 (S, S, 3), the picture
    """

    def __init__(self, ink: NDArray[np.uint8], seen: NDArray[np.uint8]) -> None:
        written, light = ink.astype(np.float32), cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY).astype(np.float32)
        self._ink, self._ink_squares = cv2.integral2(written)
        self._light, self._light_squares = cv2.integral2(light)
        self._both = cv2.integral(written * light)
        self._ones = cv2.integral(np.ones_like(ink))

    def __call__(self, boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Test boxes, (N, 4): bool (N,). Those with next to no ink, or with nothing but ink, count as legible."""
        count = np.maximum(_sums(self._ones, boxes), 1.0)
        ink, light, ink_squares, light_squares, both = (
            _sums(each, boxes) / count
            for each in (self._ink, self._light, self._ink_squares, self._light_squares, self._both)
        )
        ink_deviation = np.sqrt(np.maximum(ink_squares - ink**2, 0.0))
        light_deviation = np.sqrt(np.maximum(light_squares - light**2, 0.0))
        shared = np.abs(both - ink * light)
        contrast = 255.0 * shared / np.maximum(ink_deviation, 1.0) ** 2  # grey levels between no ink and full ink
        alike = shared / np.maximum(ink_deviation * light_deviation, 1e-6)
        clear = (contrast >= _LEAST_CONTRAST) & (alike >= _LEAST_LIKENESS)
        return np.asarray(clear | (ink_deviation < _EVEN))


def _sums(integral: NDArray[Any], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum an image over boxes, (N, 4), given its integral image from OpenCV, (S + 1, S + 1): float64 (N,)."""
    last = len(integral) - 1
    x0, y0 = np.clip(boxes[:, :2], 0, last).astype(np.intp).T
    x1, y1 = np.clip(boxes[:, 2:].astype(np.intp) + 1, 0, last).T
    total = integral[y1, x1].astype(np.float64) - integral[y0, x1] - integral[y1, x0] + integral[y0, x0]
    return np.asarray(total, np.float64)


def _shares(boxes: NDArray[np.float32], hidden: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Compute the share of each box, (N, 4), that is hidden under something else: float64 (N,)."""
    integral = cv2.integral(hidden)
    ones = cv2.integral(np.ones_like(hidden))
    return _sums(integral, boxes) / np.maximum(255.0 * _sums(ones, boxes), 1.0)


def _placement(
    size: int, rng: np.random.Generator, *, digital: bool
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Sample an affine map that rotates and shears the page a little about its centre."""
    turn = 0.0 if digital and rng.random() < 0.7 else rng.normal(0, 0.045)
    if rng.random() < 0.04:
        turn = rng.uniform(-0.35, 0.35)
    shear = rng.normal(0, 0.03)
    a, b, c, d = math.cos(turn), shear - math.sin(turn), math.sin(turn), math.cos(turn)
    middle = size / 2
    return (a, b, middle * (1 - a - b)), (c, d, middle * (1 - c - d))


def _bend(size: int, rng: np.random.Generator) -> tuple[float, float, float]:
    if rng.random() < 0.6:
        return 0.0, 0.0, 0.0
    return rng.uniform(0, 0.02) * size, rng.uniform(1, 4) / size, rng.uniform(0, 6.3)


def _as_if_tiny(planes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Reduce a picture to few pixels, and enlarge it again in one of the usual ways."""
    size = planes.shape[1]
    tiny = int(np.exp(rng.uniform(np.log(16), np.log(size / 2))))
    small = cv2.resize(cv2.merge(list(planes)), (tiny, tiny), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.4 and tiny < 64:
        quality = (cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(40, 95)))
        packed = cv2.imencode(".jpg", np.clip(small, 0, 255).astype(np.uint8), quality)[1]
        small = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.float32)
    ways = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LINEAR)
    large = cv2.resize(small, (size, size), interpolation=ways[rng.integers(4)])
    return np.array(cv2.split(large), np.float32)
