"""Candidates: where digits may be on a page, how likely each is one, and which; found at several scales, then merged.

The detector gives a map of centres (Zhou, Wang, Krähenbühl 2019, "Objects as Points"); the crop classifier looks at each
peak's box in the full picture and says which digit it is, or that it is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.reading.crops import cut_crops

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Detect = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # (1, H, W, 3) → (1, H/8, W/8, 60)
    Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # (N, 32, 32, 3) → (N, 11), logits

__all__ = ["Candidates", "find_candidates", "suppressed"]

SCALES = (144, 384, 1024)  # pixels: the picture's longest side when it is looked at
_MULTIPLE = 64  # the detector's coarsest stride
_ENLARGED = 1.4  # a picture is not looked at larger than so many times its size, but at the smallest scale
_LEAST_PEAK = 0.12
_MOST = 600  # candidates of a page
_SAME = 0.42  # intersection over union of two boxes of one digit
_INSIDE = 0.72  # share of the smaller box that lies in the larger


@dataclass(frozen=True, slots=True)
class Candidates:
    """boxes: float32 (N, 4), x0, y0, x1, y1 in pixels; score: (N,), how likely a digit stands there, 0 … 1.

    probabilities: (N, 10), which digit, given that it is one
    """

    boxes: NDArray[np.float32]
    score: NDArray[np.float32]
    probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.score)

    def at(self, rows: NDArray[np.intp]) -> Candidates:
        """Some of them."""
        return Candidates(self.boxes[rows], self.score[rows], self.probabilities[rows])


def find_candidates(image: NDArray[np.uint8], detect: Detect, classify: Classify) -> Candidates:
    """All candidates of a picture, uint8 (H, W, 3), best first, none of them twice."""
    boxes, peaks, kinds = _peaks(image, detect)
    if not len(boxes):
        return Candidates(boxes, peaks, np.zeros((0, 10), np.float32))
    logits = classify(cut_crops(image, boxes))
    crop = _softmax(logits)
    digit = 1.0 - crop[:, 10]
    which = np.log(np.maximum(crop[:, :10], 1e-6)) + 0.5 * np.log(np.maximum(kinds, 1e-4))
    score = np.sqrt(peaks * digit) if False else peaks**0.5 * digit
    return suppressed(Candidates(boxes, score.astype(np.float32), _softmax(which)))


def _peaks(
    image: NDArray[np.uint8], detect: Detect
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (N, 4), how high each peak is (N,), and the detector's own digits (N, 10)."""
    longest = max(image.shape[:2])
    found = []
    for side in SCALES:
        if side != SCALES[0] and side > _ENLARGED * longest:
            if longest > 1.15 * SCALES[0] and side == SCALES[1] or longest > 1.15 * SCALES[1] and side == SCALES[2]:
                side = longest
            else:
                continue
        scale = side / longest
        found.append(_at_scale(image, scale, detect))
    boxes, peaks, kinds = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(-peaks, kind="stable")[:_MOST]
    return boxes[order], peaks[order], kinds[order]


def _at_scale(
    image: NDArray[np.uint8], scale: float, detect: Detect
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    height, width = max(8, round(image.shape[0] * scale)), max(8, round(image.shape[1] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = image if (height, width) == image.shape[:2] else cv2.resize(image, (width, height), interpolation=way)
    below, beside = -height % _MULTIPLE, -width % _MULTIPLE
    padded = cv2.copyMakeBorder(small, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    answers = detect(np.asarray(padded, np.uint8)[None])[0]  # (H/8, W/8, 60)
    rows, columns = answers.shape[:2]
    cells = answers.reshape(rows, columns, 2, 2, 15).transpose(0, 2, 1, 3, 4).reshape(2 * rows, 2 * columns, 15)
    logits = np.ascontiguousarray(cells[..., 0])
    highest = cv2.dilate(logits, np.ones((3, 3), np.uint8))
    ys, xs = np.nonzero((logits >= highest) & (logits > np.log(_LEAST_PEAK / (1 - _LEAST_PEAK))))
    chosen = cells[ys, xs]
    middle = np.stack([xs * 4.0 + 2.0, ys * 4.0 + 2.0], axis=1)
    distance = np.exp(np.clip(chosen[:, 1:5], -4, 5)) * 8.0
    boxes = np.concatenate([middle - distance[:, :2], middle + distance[:, 2:]], axis=1)
    inside = (middle[:, 0] < width) & (middle[:, 1] < height)
    factors = np.array([image.shape[1] / width, image.shape[0] / height] * 2)
    limit = np.array([image.shape[1], image.shape[0]] * 2)
    boxes = np.clip(boxes * factors, 0, limit)[inside].astype(np.float32)
    peaks = 1.0 / (1.0 + np.exp(-chosen[inside, 0]))
    return boxes, peaks.astype(np.float32), _softmax(chosen[inside, 5:])


def suppressed(candidates: Candidates) -> Candidates:
    """Without those that overlap a better one too much (non-maximum suppression), best first."""
    order = np.argsort(-candidates.score, kind="stable")
    boxes = candidates.boxes[order]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.ones(len(boxes), np.bool_)
    kept = []
    for row in range(len(boxes)):
        if not left[row]:
            continue
        kept.append(row)
        wide = np.minimum(boxes[row, 2], boxes[:, 2]) - np.maximum(boxes[row, 0], boxes[:, 0])
        high = np.minimum(boxes[row, 3], boxes[:, 3]) - np.maximum(boxes[row, 1], boxes[:, 1])
        shared = np.maximum(wide, 0) * np.maximum(high, 0)
        union = areas[row] + areas - shared
        left &= (shared < _SAME * union) & (shared < _INSIDE * np.minimum(areas, areas[row]))
    return candidates.at(order[kept])


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True, initial=-1e30))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)
