"""Candidates: places on a page where a digit may stand, with the probabilities that it is one, and which."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "ALONE", "BESIDE", "Candidate", "confidence_alone", "found_digits", "logits_alone", "main_candidate", "overlap",
    "without_commas", "without_twins",
]  # fmt: skip

Sides = tuple[float, float, float, float]

_WITHIN, _LESS = 0.8, 0.7  # a part: least share of its area within the whole; most area, as a share of the whole's
# Two candidates are one digit from this IoU on; with the same most likely digit, also if this share of the smaller box
# lies in the other. Touching digits lie in each other's boxes, too, but are seldom the same.
_TWINS, _INSIDE = 0.6, 0.72
_NEARLY = 0.5  # least IoU of a candidate's box with that of its ink
_LIKELY = 1e-3  # floor of either network's probability of a digit: its ink may have been cropped badly
# Exponent of either network's probabilities of *which* digit: each is overconfident. Fitted on 18,000 drawn digits, the
# page reader's would be 0.86, the other's 0.27 (log loss 0.16; equal: 0.19; 0.4 and 1: 0.29); but it learned from such.
_WEIGHT = 0.6
# For a picture's whole ink: weights of two logits (28 by 28 network's confidence, and page reader's probability of
# the same digit) and a bias, for pictures of which one in six shows no digit. Fitted by tools/fit_alone.py on 950
# drawn pictures of one digit or one other sign in which the page reader is certain of nothing.
_ALONE_WEIGHTS, _ALONE_BIAS = (0.31, 0.67), 0.58
_UNSEEN = 0.05  # assumed probability of a digit that the page reader does not detect there
_LEAST_OVERLAP = 0.3  # least IoU of a candidate with that ink
_LARGE = 0.25  # of the picture's area: a digit that fills this much of it is the intended one


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where a digit may stand.

    box: x0, y0, x1, y1 in pixels of the picture that was looked at
    score: probability that a digit stands there, 0 … 1
    probabilities: float32 (10,), of each digit, given that it is one
    pattern_index: index among a pattern's digits; None without a pattern
    """

    box: tuple[float, float, float, float]
    score: float
    probabilities: NDArray[np.float32]
    pattern_index: int | None = None

    @property
    def digit(self) -> int:
        """The most likely digit."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """Probability that the most likely digit stands there: 0 … 1."""
        return self.score * float(self.probabilities.max())

    def agreed_with(self, other: NDArray[np.float32] | None) -> Candidate:
        """Multiply in another network's probabilities of *which* digit: what one overlooks the other often does not.

        Whether it is a digit at all is left to the page reader: on drawn pages the other network added nothing to that.

        other: float32 (10,), that network's probabilities; None if it was not asked
        """
        if other is None:
            return self
        product = (np.maximum(self.probabilities, _LIKELY) * np.maximum(other, _LIKELY)) ** _WEIGHT
        return replace(self, probabilities=np.asarray(product / product.sum(), np.float32))

    def tightened(self, ink: tuple[float, float, float, float]) -> Candidate:
        """Replace the box by that of its ink, if the two nearly agree: a network's boxes are loose."""
        return replace(self, box=ink) if overlap(self.box, ink) > _NEARLY else self

    def is_part_of(self, whole: Candidate) -> bool:
        """Return whether it lies in the other's box, and is clearly smaller."""
        own, other = _area(self.box), _area(whole.box)
        return _shared(self.box, whole.box) >= _WITHIN * own and own < _LESS * other

    @property
    def longest(self) -> float:
        """The box's longer side in pixels."""
        x0, y0, x1, y1 = self.box
        return max(x1 - x0, y1 - y0)


def without_twins(candidates: list[Candidate]) -> list[Candidate]:
    """Remove duplicates, most likely first: boxes tightened to the same ink, or inside another, are one digit."""
    ranked = sorted(candidates, key=lambda each: -each.confidence)
    if len(ranked) < 2:
        return ranked
    twins = _are_twins(np.array([each.box for each in ranked]), np.array([each.digit for each in ranked]))
    kept: list[int] = []
    for row in range(len(ranked)):
        if not twins[row, kept].any():
            kept.append(row)
    return [ranked[row] for row in kept]


def _are_twins(boxes: NDArray[np.float64], digits: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return for any two boxes, (N, 4), with these most likely digits, (N,), whether they are one: bool (N, N)."""
    x0, y0, x1, y1 = boxes.T
    wide = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    high = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    shared = np.maximum(wide, 0.0) * np.maximum(high, 0.0)
    area = (x1 - x0) * (y1 - y0)
    union, lesser = area[:, None] + area - shared, np.minimum(area[:, None], area)
    inside = (digits[:, None] == digits) & (shared >= _INSIDE * np.maximum(lesser, 1e-9))
    return np.asarray(inside | (shared >= _TWINS * np.maximum(union, 1e-9)))


def _area(box: Sides) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _shared(one: Sides, other: Sides) -> float:
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(high, 0.0)


def overlap(one: Sides, other: Sides) -> float:
    """Return the intersection over union (IoU) of two boxes."""
    shared = _shared(one, other)
    return shared / max(_area(one) + _area(other) - shared, 1e-9)


def main_candidate(candidates: list[Candidate], size: tuple[int, int]) -> Candidate | None:
    """Choose the one digit that a picture of this width and height shows: likely, and preferably large."""

    def weight(candidate: Candidate) -> float:
        x0, y0, x1, y1 = candidate.box
        share = (x1 - x0) * (y1 - y0) / (size[0] * size[1])
        return candidate.score * math.sqrt(math.sqrt(min(share, _LARGE)))

    return max(candidates, key=weight, default=None)


def confidence_alone(whole: Candidate, candidates: Sequence[Candidate]) -> float:
    """Return the probability that a picture's whole ink is the digit that the 28×28 network takes it for, 0 … 1.

    That network confidently takes some letters and brackets for digits; the page reader overlooks kinds of digits that
    it has not seen. So neither decides alone; and if both see something, it counts whether they agree.

    whole: the ink, with that network's probabilities; candidates: as the page reader found them
    """
    logit = sum(map(operator.mul, _ALONE_WEIGHTS, logits_alone(whole, candidates)))
    return 1.0 / (1.0 + math.exp(-logit - _ALONE_BIAS))


def logits_alone(whole: Candidate, candidates: Sequence[Candidate]) -> tuple[float, float]:
    """Return what `confidence_alone` weighs: the logits of the 28×28 network's and the page reader's probability."""
    overlapping = [each for each in candidates if overlap(each.box, whole.box) > _LEAST_OVERLAP]
    probability = max([_UNSEEN, *(each.score * float(each.probabilities[whole.digit]) for each in overlapping)])
    return _logit(float(whole.probabilities.max())), _logit(probability)


def _logit(probability: float) -> float:
    clipped = min(max(probability, 1e-3), 1.0 - 1e-3)
    return math.log(clipped / (1.0 - clipped))


ALONE = 0.5  # least confidence of a digit without support from others beside it
BESIDE = 0.35  # the same for a mark in line with answered digits
_LEAST_HEIGHT, _MOST_HEIGHT = 0.6, 1.6  # in heights of the answered digits on its line
_WIDEST = 1.5  # width, in its own height
_NEAR = 8.0  # distance to the nearest of those digits, in their heights


def found_digits(
    line: Sequence[Sides], confidences: Sequence[float], threshold: float, *, alone: bool = False
) -> list[bool]:
    """Decide which candidates of one line are digits, answered or not.

    line: boxes in pixels; threshold: the confidence from which a digit is answered
    alone: whether no digit is answered on the whole page, which would support those in line with it
    """
    answered = [box for box, confidence in zip(line, confidences, strict=True) if confidence >= threshold]
    return [
        confidence >= threshold or (alone and confidence >= ALONE) or (confidence >= BESIDE and _in_line(box, answered))
        for box, confidence in zip(line, confidences, strict=True)
    ]


def _in_line(box: Sides, answered: Sequence[Sides]) -> bool:
    """Return whether a candidate has the size, shape and distance of a digit among the answered ones."""
    if not answered:
        return False
    typical_height = float(np.median([y1 - y0 for _, y0, _, y1 in answered]))
    x0, y0, x1, y1 = box
    if not _LEAST_HEIGHT * typical_height <= y1 - y0 <= _MOST_HEIGHT * typical_height or x1 - x0 > _WIDEST * (y1 - y0):
        return False
    return min(max(x0 - right, left - x1) for left, _, right, _ in answered) <= _NEAR * typical_height


_COMMA, _COMMA_GAP = 0.6, 0.8  # most height of a comma; widest gap on either side of it: in heights of those digits
_NOT_COMMA = 0.9  # a confidence from which it is a small digit
_LOW, _BELOW = 0.5, 0.2  # its top lies between this share of a digit's height, from its top, and so far below its foot
_DESCENDS = 0.1  # its foot is at most so much higher than theirs


def without_commas(candidates: Sequence[Candidate], threshold: float) -> list[Candidate]:
    """Remove commas that were taken for digits: short strokes at the foot of two digits, between them.

    threshold: the confidence from which a digit is answered
    """
    digits = np.array([each.box for each in candidates if each.confidence >= threshold], np.float64).reshape(-1, 4)
    return [each for each in candidates if each.confidence >= _NOT_COMMA or not _is_comma(each.box, digits)]


def _is_comma(box: Sides, digits: NDArray[np.float64]) -> bool:
    x0, y0, x1, y1 = box
    left, top, right, foot = digits.T
    high = foot - top
    beside = (y1 - y0 <= _COMMA * high) & (y0 >= top + _LOW * high) & (y0 <= foot + _BELOW * high)
    beside &= y1 >= foot - _DESCENDS * high
    middle = (x0 + x1) / 2
    before = beside & (right <= middle) & (x0 - right <= _COMMA_GAP * high)
    after = beside & (left >= middle) & (left - x1 <= _COMMA_GAP * high)
    return bool(before.any() and after.any())
