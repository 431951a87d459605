"""Pages drawn by code, to train and to test what finds digits on real ones: endless, seeded, with the truth.

Everything is drawn anew from the seed: who writes, with what, on what, under which light, seen by which camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.pages.drawing import IGNORED, NOT_A_DIGIT, Drawing
from digitlab.datasets.pages.layouts import LAYOUTS, nothing, ruled, single
from digitlab.datasets.pages.sheet import Sheet
from digitlab.datasets.pages.surfaces import coloured, photographed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.datasets.pages.alphabets import Alphabets

__all__ = ["IGNORED", "NOT_A_DIGIT", "DrawnPage", "draw_page"]

_DIGITAL = 0.17
_TURNED = 0.09  # share of the pages that lie wrongly: text does not become digits by being turned
_LEAST_CONTRAST, _OVER_NOISE = 6.0, 1.3  # grey levels; deviations of the ground: less is not legible
_WEIGHTS = np.array([weight for weight, _ in LAYOUTS]) / sum(weight for weight, _ in LAYOUTS)


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """A picture and what stands on it.

    image: uint8 (S, S, 3) RGB
    boxes: float32 (N, 4), x0, y0, x1, y1 in pixels
    labels: int8 (N,), 0 … 9, NOT_A_DIGIT for examples of other things, IGNORED for digits that are cut off or tiny
    kind: the layout's name
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int8]
    kind: str


def draw_page(alphabets: Alphabets, rng: np.random.Generator, *, size: int = 320, kind: str | None = None) -> DrawnPage:
    """A square picture of a page, or of a part of one. kind: the layout's name; by chance unless given."""
    names = [layout.__name__ for _, layout in LAYOUTS]
    chosen = int(rng.choice(len(LAYOUTS), p=_WEIGHTS)) if kind is None else names.index(kind)
    layout = LAYOUTS[chosen][1]
    digital = bool(rng.random() < _DIGITAL)
    drawing = Drawing(size, _placement(size, rng, digital=digital), _bend(size, rng))
    sheet = Sheet(drawing, alphabets, rng)
    if not digital and layout is not single and rng.random() < (0.3 if layout is not nothing else 0.7):
        ruled(sheet)
    layout(sheet)
    planes = coloured(drawing, sheet.kinds, rng, digital=digital)
    if layout is single and rng.random() < 0.45:
        planes = _as_if_tiny(planes, rng)
    seen, hidden = photographed(planes, rng, digital=digital)
    boxes, labels = np.array(drawing.boxes, np.float32).reshape(-1, 4), np.array(drawing.labels, np.int8)
    if hidden is not None and len(boxes):
        boxes, labels = _uncovered(boxes, labels, hidden)
    written = [ink for ink, layer in zip(drawing.layers, sheet.kinds, strict=True) if layer != "rule"]
    if written and len(boxes):
        labels = _legible(boxes, labels, np.maximum.reduce(written), seen)
    if layout is not single and rng.random() < _TURNED:
        seen, boxes, labels = _turned(seen, boxes, labels, int(rng.integers(1, 4)))
    return DrawnPage(seen, boxes, labels, names[chosen])


def _turned(
    seen: NDArray[np.uint8], boxes: NDArray[np.float32], labels: NDArray[np.int8], turns: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int8]]:
    """The page upside down or on its side: its digits may be found or not, its letters still are none."""
    size = seen.shape[0]
    for _ in range(turns):
        x0, y0, x1, y1 = boxes.T
        boxes = np.stack([y0, size - x1, y1, size - x0], axis=1)
    labels = np.where(labels < NOT_A_DIGIT, np.int8(IGNORED), labels)
    return np.ascontiguousarray(np.rot90(seen, turns)), boxes, labels


def _uncovered(
    boxes: NDArray[np.float32], labels: NDArray[np.int8], hidden: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Without the boxes that lie under something else; digits that do in part may be found or not."""
    shares = np.array([
        hidden[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1].mean() / 255.0 for x0, y0, x1, y1 in boxes
    ])  # fmt: skip
    labels = np.where((shares > 0.08) & (labels < NOT_A_DIGIT), IGNORED, labels).astype(np.int8)
    left = shares < 0.85
    return boxes[left], labels[left]


def _legible(
    boxes: NDArray[np.float32], labels: NDArray[np.int8], ink: NDArray[np.uint8], seen: NDArray[np.uint8]
) -> NDArray[np.int8]:
    """The labels, but digits that nobody could see in the picture may be found or not: finding them is guessing."""
    grey = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)
    labels = labels.copy()
    for row in np.flatnonzero((labels >= 0) & (labels < NOT_A_DIGIT)).tolist():
        x0, y0, x1, y1 = boxes[row].tolist()
        part = slice(int(y0), int(y1) + 1), slice(int(x0), int(x1) + 1)
        cover, light = ink[part], grey[part]
        on, off = light[cover > 140], light[cover < 12]
        if len(on) < 4 or len(off) < 4:
            continue
        contrast = abs(float(on.mean()) - float(off.mean()))
        if contrast < max(_LEAST_CONTRAST, _OVER_NOISE * float(off.std())):
            labels[row] = IGNORED
    return labels


def _placement(
    size: int, rng: np.random.Generator, *, digital: bool
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Turned and sheared a little about the middle."""
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
    """A picture of a few pixels, enlarged in one of the usual ways."""
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
