"""Candidates: where digits may stand on a page, how likely each is one, and which."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = tuple[float, float, float, float]

__all__ = [
    "ALONE", "Candidate", "confidence_alone", "found_digits", "logits_alone", "main_candidate", "overlap",
    "without_twins",
]  # fmt: skip

Sides = tuple[float, float, float, float]

_WITHIN, _LESS = 0.8, 0.7  # of the area of a part that lies within the whole; of the whole's, that a part has
# Of two candidates that are one digit: intersection over union; where both are taken for the same, also how much of the
# lesser box lies in the other. Touching digits lie in each other's boxes, too, but are seldom the same.
_TWINS, _INSIDE = 0.6, 0.72
_NEARLY = 0.5  # intersection over union of a candidate's box with that of its ink
_LIKELY = 1e-3  # the least that either network's word on a digit counts: its ink may have been cut out badly
# Of either network's word on *which*: alone, each is too certain. Fitted on 18,000 drawn digits, the page reader's
# would weigh 0.86, the other's 0.27 (log loss 0.16; alike 0.19; 0.4 and 1 0.29); but drawn digits are what it learned.
_WEIGHT = 0.6
# Of a picture's whole ink: weights of the logits of how sure the network of 28 by 28 pixels is and of what the page
# reader gives the same digit, and a bias, for pictures of which one in six shows no digit. tools/fit_alone.py, on 1,005
# drawn pictures of one digit or one other sign in which the page reader is certain of nothing.
_ALONE_WEIGHTS, _ALONE_BIAS = (0.33, 0.72), 0.49
_UNSEEN = 0.05  # what the page reader gives a digit that it does not see there
_THERE = 0.3  # intersection over union of a candidate with that ink
_LARGE = 0.25  # of the picture's area: a digit that fills so much of it is the one that is meant


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where a digit may stand.

    box: x0, y0, x1, y1 in pixels of the picture that was looked at
    score: how likely a digit stands there, 0 … 1
    probabilities: float32 (10,), which digit it is, given that it is one
    place: among a pattern's digits; None without a pattern
    """

    box: tuple[float, float, float, float]
    score: float
    probabilities: NDArray[np.float32]
    place: int | None = None

    @property
    def digit(self) -> int:
        """The most likely digit."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """How likely the most likely digit stands there: 0 … 1."""
        return self.score * float(self.probabilities.max())

    def agreed_with(self, other: NDArray[np.float32] | None) -> Candidate:
        """With another network's word on *which* digit multiplied in: what one overlooks the other often does not.

        Whether it is a digit at all stays the page reader's: on drawn pages the other's word added nothing to that.

        other: float32 (10,), that network's probabilities; None where it was not asked
        """
        if other is None:
            return self
        product = (np.maximum(self.probabilities, _LIKELY) * np.maximum(other, _LIKELY)) ** _WEIGHT
        return replace(self, probabilities=np.asarray(product / product.sum(), np.float32))

    def tightened(self, ink: tuple[float, float, float, float]) -> Candidate:
        """With the box of its ink, where that is nearly the box that was found: a network's boxes are loose."""
        return replace(self, box=ink) if overlap(self.box, ink) > _NEARLY else self

    def is_part_of(self, whole: Candidate) -> bool:
        """Whether it lies in the other's box, and is clearly less than that."""
        own, other = _area(self.box), _area(whole.box)
        return _shared(self.box, whole.box) >= _WITHIN * own and own < _LESS * other

    @property
    def longest(self) -> float:
        """The box's longer side in pixels."""
        x0, y0, x1, y1 = self.box
        return max(x1 - x0, y1 - y0)


def without_twins(candidates: list[Candidate]) -> list[Candidate]:
    """Most likely first, each digit once: boxes that were brought to the same ink, or into another's, are one."""
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
    """Whether any two boxes, (N, 4), of what is taken for these digits, (N,), are of one: bool (N, N)."""
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
    """Intersection over union."""
    shared = _shared(one, other)
    return shared / max(_area(one) + _area(other) - shared, 1e-9)


def main_candidate(candidates: list[Candidate], size: tuple[int, int]) -> Candidate | None:
    """The one digit that a picture of this width and height shows: the most likely, but rather a large one."""

    def weight(candidate: Candidate) -> float:
        x0, y0, x1, y1 = candidate.box
        share = (x1 - x0) * (y1 - y0) / (size[0] * size[1])
        return candidate.score * math.sqrt(math.sqrt(min(share, _LARGE)))

    return max(candidates, key=weight, default=None)


def confidence_alone(whole: Candidate, candidates: Sequence[Candidate]) -> float:
    """How likely a picture's whole ink is the digit that the network of 28×28 pixels takes it for, 0 … 1.

    That network calls some letters and brackets digits, and is sure of it; the page reader overlooks digits of kinds
    that it has not seen. So neither decides alone; and where both see something, it counts whether it is the same.

    whole: the ink, with that network's probabilities; candidates: as the page reader found them
    """
    logit = sum(map(operator.mul, _ALONE_WEIGHTS, logits_alone(whole, candidates)))
    return 1.0 / (1.0 + math.exp(-logit - _ALONE_BIAS))


def logits_alone(whole: Candidate, candidates: Sequence[Candidate]) -> tuple[float, float]:
    """What `confidence_alone` weighs: how sure the one network is, and what the page reader gives the same digit."""
    there = [each for each in candidates if overlap(each.box, whole.box) > _THERE]
    seen = max([_UNSEEN, *(each.score * float(each.probabilities[whole.digit]) for each in there)])
    return _logit(float(whole.probabilities.max())), _logit(seen)


def _logit(probability: float) -> float:
    inside = min(max(probability, 1e-3), 1.0 - 1e-3)
    return math.log(inside / (1.0 - inside))


ALONE = 0.5  # the confidence of what nothing beside it speaks for
BESIDE = 0.35  # the same of a mark in line with digits that are answered
_LEAST_HEIGHT, _MOST_HEIGHT = 0.6, 1.6  # of the digits that are answered on its line
_WIDEST = 1.5  # of its height
_NEAR = 8.0  # heights of those digits, to the nearest of them


def found_digits(
    line: Sequence[Floats], confidences: Sequence[float], threshold: float, *, alone: bool = False
) -> list[bool]:
    """Which candidates of one line are digits, answered or not.

    line: boxes in pixels; threshold: from which confidence on one is answered
    alone: whether no digit is answered on the whole page, which would speak for those in line with it
    """
    answered = [box for box, confidence in zip(line, confidences, strict=True) if confidence >= threshold]
    return [
        confidence >= threshold or (alone and confidence >= ALONE) or (confidence >= BESIDE and _in_line(box, answered))
        for box, confidence in zip(line, confidences, strict=True)
    ]


def _in_line(box: Floats, answered: Sequence[Floats]) -> bool:
    """Whether a candidate stands among digits as one of them would."""
    if not answered:
        return False
    usual = float(np.median([y1 - y0 for _, y0, _, y1 in answered]))
    x0, y0, x1, y1 = box
    if not _LEAST_HEIGHT * usual <= y1 - y0 <= _MOST_HEIGHT * usual or x1 - x0 > _WIDEST * (y1 - y0):
        return False
    return min(max(x0 - right, left - x1) for left, _, right, _ in answered) <= _NEAR * usual
