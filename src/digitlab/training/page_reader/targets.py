"""Training targets of the two networks for drawn pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.pages import IGNORED, NOT_A_DIGIT, draw_page

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.datasets.pages import DrawnPage
    from digitlab.datasets.pages.alphabets import Alphabets

__all__ = ["CONTEXT", "CROP", "CROPS", "STRIDE", "Batch", "crop_of", "cut_crops", "draw_batch", "map_targets"]

STRIDE = 4  # page pixels per cell of the detector's map
CROP = 32  # pixels: the side of the classifier's input
CONTEXT = 1.5  # the crop's side as a multiple of the digit's longest
CROPS = 14  # per page
_DIGIT_CROPS = 10
_SMALL = (("single", 0.4), ("one_line", 0.1), ("lone_sign", 0.1), ("letters", 0.16), ("any", 0.24))  # shares of layouts
_MOSAIC = 0.22  # share of the pages that are four small pictures


@dataclass(frozen=True, slots=True)
class Batch:
    """A training batch: pages, their targets, and crops with labels.

    pages: uint8 (N, S, S, 3)
    cells: float16 (N, S/4, S/4, 8): the heat of digit centres, whether the cell counts (0 or 1), four log distances,
        their weight, and the heat of letter centres
    digits: int8 (N, S/4, S/4), the digit, where that weight is above 0
    crops: uint8 (N × CROPS, 32, 32, 3); labels: int8 (N × CROPS,), 0 … 10
    """

    pages: NDArray[np.uint8]
    cells: NDArray[np.float16]
    digits: NDArray[np.int8]
    crops: NDArray[np.uint8]
    labels: NDArray[np.int8]


def draw_batch(alphabets: Alphabets, seed: tuple[int, ...], count: int, size: int = 320) -> Batch:
    """Draw a batch of pages, the same for the same seed."""
    rng = np.random.default_rng(seed)
    pages = [_page(alphabets, rng, size) for _ in range(count)]
    cells, digits, crops, labels = [], [], [], []
    for image, boxes, marks, letters in pages:
        heat, which = map_targets(boxes, marks, letters, size)
        cells.append(heat)
        digits.append(which)
        chosen, names = _examples(boxes, marks, size, rng)
        crops.append(cut_crops(image, chosen))
        labels.append(names)
    return Batch(
        np.stack([page[0] for page in pages]), np.stack(cells), np.stack(digits), np.concatenate(crops),
        np.concatenate(labels),
    )  # fmt: skip


def _page(
    alphabets: Alphabets, rng: np.random.Generator, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int8], NDArray[np.float32]]:
    """Draw a page, or four small pictures side by side, mostly of one digit, as seen at a small scale."""
    if rng.random() >= _MOSAIC:
        page = draw_page(alphabets, rng, size=size)
        return page.image, page.boxes, page.labels, page.letters
    half = size // 2
    image = np.empty((size, size, 3), np.uint8)
    boxes, labels, letters = [], [], []
    for y in (0, half):
        for x in (0, half):
            kind = str(rng.choice([name for name, _ in _SMALL], p=[share for _, share in _SMALL]))
            part: DrawnPage = draw_page(alphabets, rng, size=half, kind=None if kind == "any" else kind)
            image[y : y + half, x : x + half] = part.image
            boxes.append(part.boxes + np.array([x, y, x, y], np.float32))
            labels.append(part.labels)
            letters.append(part.letters + np.array([x, y, x, y], np.float32))
    return image, np.concatenate(boxes), np.concatenate(labels), np.concatenate(letters)


def map_targets(
    boxes: NDArray[np.float32], labels: NDArray[np.int8], letters: NDArray[np.float32], size: int
) -> tuple[NDArray[np.float16], NDArray[np.int8]]:
    """Make a page's ``cells`` and ``digits`` (see `Batch`): float16 (S/4, S/4, 8) and int8 (S/4, S/4)."""
    side = size // STRIDE
    cells = np.zeros((8, side, side), np.float32)
    cells[7] = _letter_heat(letters, side)
    digits = np.zeros((side, side), np.int8)
    heat, counts, distances, weight = cells[0], cells[1], cells[2:6], cells[6]
    counts[:] = 1.0
    middles = (np.arange(side, dtype=np.float32) + 0.5) * STRIDE
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for row in np.argsort(-areas):
        x0, y0, x1, y1 = boxes[row].tolist()
        label = int(labels[row])
        if label == NOT_A_DIGIT:
            continue
        first_x, last_x = max(int(x0 / STRIDE), 0), min(int(x1 / STRIDE) + 1, side)
        first_y, last_y = max(int(y0 / STRIDE), 0), min(int(y1 / STRIDE) + 1, side)
        area = slice(first_y, last_y), slice(first_x, last_x)
        if label == IGNORED:
            counts[area] = np.where(heat[area] > 0.3, counts[area], 0.0)
            continue
        xs, ys = middles[first_x:last_x], middles[first_y:last_y]
        cx, cy, sx, sy = (x0 + x1) / 2, (y0 + y1) / 2, max(0.11 * (x1 - x0), 2.2), max(0.11 * (y1 - y0), 2.2)
        bump = np.exp(-(((xs - cx) / sx) ** 2)[None, :] / 2 - (((ys - cy) / sy) ** 2)[:, None] / 2)
        bump[np.unravel_index(bump.argmax(), bump.shape)] = 1.0
        mine = bump > np.maximum(heat[area], 0.55)
        np.maximum(heat[area], bump, out=heat[area])
        weight[area][mine] = bump[mine]
        digits[area][mine] = label
        for place, distance in enumerate((xs[None, :] - x0, ys[:, None] - y0, x1 - xs[None, :], y1 - ys[:, None])):
            spread = np.broadcast_to(np.log(np.maximum(distance, 1.0) / 8.0), bump.shape)
            distances[place][area][mine] = spread[mine]
    return np.moveaxis(cells, 0, -1).astype(np.float16), digits


_AROUND = np.array([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)])
_HEAT = np.where((_AROUND == 0).all(axis=1), 1.0, 0.75).astype(np.float32)


def _letter_heat(letters: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Make a map, float32 (S/4, S/4): 1 at letters' centres, a little less around, where a hit is no great fault.

    The larger a letter is, the farther from its centre it may be found: letters are counted, not cropped.
    """
    heat = np.zeros((side, side), np.float32)
    if not len(letters):
        return heat
    middles = ((letters[:, :2] + letters[:, 2:]) / (2 * STRIDE)).astype(np.intp)[:, ::-1]  # y, x
    reach = np.maximum(0.08 * (letters[:, 2:] - letters[:, :2]).max(axis=1) / STRIDE, 1.0)
    for step in range(1, int(reach.max()) + 1):
        places = np.clip(middles[reach >= step][:, None] + step * _AROUND, 0, side - 1)
        np.maximum.at(heat, (places[..., 0], places[..., 1]), _HEAT)
    return heat


def _examples(
    boxes: NDArray[np.float32], labels: NDArray[np.int8], size: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Choose boxes to crop, float32 (CROPS, 4), slightly off like a detector's, with their labels, int8 (CROPS,)."""
    digit_rows, other_rows = np.flatnonzero((labels >= 0) & (labels < 10)), np.flatnonzero(labels == NOT_A_DIGIT)
    chosen: list[NDArray[np.float32]] = []
    names: list[int] = []
    repeats = 3 if len(digit_rows) <= 4 else 1
    for row in rng.permutation(np.repeat(digit_rows, repeats))[:_DIGIT_CROPS]:
        chosen.append(_moved(boxes[row], rng, 0.05, 0.08))
        names.append(int(labels[row]))
    for row in rng.permutation(other_rows)[: (CROPS - len(chosen)) * 3 // 4]:
        chosen.append(_moved(boxes[row], rng, 0.08, 0.15))
        names.append(NOT_A_DIGIT)
    while len(chosen) < CROPS:
        box = _elsewhere(boxes, labels, size, rng)
        chosen.append(box)
        names.append(NOT_A_DIGIT if _overlap(box, boxes[labels != NOT_A_DIGIT]) < 0.25 else IGNORED)
    return np.array(chosen, np.float32), np.array(names, np.int8)


def _moved(box: NDArray[np.float32], rng: np.random.Generator, place: float, scale: float) -> NDArray[np.float32]:
    x0, y0, x1, y1 = box.tolist()
    wide, high = x1 - x0, y1 - y0
    cx = (x0 + x1) / 2 + rng.normal(0, place) * wide
    cy = (y0 + y1) / 2 + rng.normal(0, place) * high
    wide, high = wide * np.exp(rng.normal(0, scale)), high * np.exp(rng.normal(0, scale))
    return np.array([cx - wide / 2, cy - high / 2, cx + wide / 2, cy + high / 2], np.float32)


def _elsewhere(
    boxes: NDArray[np.float32], labels: NDArray[np.int8], size: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Choose a box beside a digit, over two of them or over a part of one; or anywhere."""
    rows = np.flatnonzero(labels >= 0)
    if len(rows) and rng.random() < 0.6:
        x0, y0, x1, y1 = boxes[rows[rng.integers(len(rows))]].tolist()
        wide, high = x1 - x0, y1 - y0
        turn = rng.random()
        if turn < 0.5:
            dx, dy = rng.choice((-1, 1)) * rng.uniform(0.55, 1.1), rng.normal(0, 0.4)
            return np.array([x0 + dx * wide, y0 + dy * high, x1 + dx * wide, y1 + dy * high], np.float32)
        if turn < 0.75:
            grow = rng.uniform(0.7, 1.6)
            dx, dy = grow * wide, grow * high * 0.5
            return np.array([x0 - dx, y0 - dy, x1 + dx, y1 + dy], np.float32)
        half = rng.uniform(0.15, 0.3)
        cx, cy = x0 + rng.uniform(0, wide), y0 + rng.uniform(0, high)
        return np.array([cx - half * wide, cy - half * high, cx + half * wide, cy + half * high], np.float32)
    side = float(np.exp(rng.uniform(np.log(10), np.log(size * 0.7))))
    x, y = rng.uniform(-0.2 * side, size - 0.8 * side, 2)
    return np.array([x, y, x + side * rng.uniform(0.3, 1), y + side], np.float32)


def _overlap(box: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Compute the largest IoU with any of the others."""
    if not len(others):
        return 0.0
    wide = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    high = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    shared = np.maximum(wide, 0) * np.maximum(high, 0)
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    return float((shared / ((box[2] - box[0]) * (box[3] - box[1]) + areas - shared)).max())


def cut_crops(image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cut the classifier's inputs, uint8 (N, 32, 32, 3), out of uint8 (H, W, 3) at boxes float32 (N, 4)."""
    pyramid = [image]
    crops = np.empty((len(boxes), CROP, CROP, 3), np.uint8)
    for row, box in enumerate(boxes):
        crops[row] = crop_of(pyramid, box)
    return crops


def crop_of(pyramid: list[NDArray[np.uint8]], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cut one crop; ``pyramid``, first only the image, is extended by halved copies as needed. Mid-grey outside it."""
    x0, y0, x1, y1 = box.tolist()
    side = max(x1 - x0, y1 - y0, 2.0) * CONTEXT
    level, scale = 0, side / CROP  # image pixels per crop pixel
    while scale >= 2.0:
        level, scale = level + 1, scale / 2
        if level == len(pyramid):
            last = pyramid[-1]
            size = max(1, last.shape[1] // 2), max(1, last.shape[0] // 2)
            pyramid.append(np.asarray(cv2.resize(last, size, interpolation=cv2.INTER_AREA), np.uint8))
    fx, fy = pyramid[level].shape[1] / pyramid[0].shape[1], pyramid[level].shape[0] / pyramid[0].shape[0]
    left, top = ((x0 + x1) / 2 - side / 2) * fx, ((y0 + y1) / 2 - side / 2) * fy
    sx, sy = side * fx / CROP, side * fy / CROP
    matrix = np.array([[sx, 0.0, left + 0.5 * sx - 0.5], [0.0, sy, top + 0.5 * sy - 0.5]])
    return np.asarray(
        cv2.warpAffine(
            pyramid[level], matrix, (CROP, CROP), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(128, 128, 128),
        ), np.uint8,
    )  # fmt: skip
