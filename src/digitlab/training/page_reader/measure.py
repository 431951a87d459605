"""Measures how well drawn pages are read, and the confidence threshold at which 99 % of the answers are right."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.pages import IGNORED, NOT_A_DIGIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from digitlab.datasets.pages import DrawnPage
    from digitlab.reading.candidates import Candidate

    Box = tuple[float, float, float, float]

__all__ = ["Matched", "by_kind", "match", "measured", "same_place", "threshold_for", "touching_parted"]

_SAME_PLACE = 0.35  # minimum IoU of a candidate with its digit
_TOUCHES = 0.1  # the same for an ignored digit, which may be found or not


@dataclass(frozen=True, slots=True)
class Matched:
    """The candidates of a page, matched to its digits.

    confidence, right: of each candidate that counts, float64 (N,) and bool (N,); those over ignored digits do not
    digits: number of digits on the page; kind: the page's layout
    touching: for each pair of digits whose boxes overlap side by side, the lower confidence of their two correct
        answers, float64 (P,); 0 if one of them was not read correctly
    """

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    digits: int
    kind: str
    touching: NDArray[np.float64]


def match(page: DrawnPage, candidates: Sequence[Candidate]) -> Matched:
    """Match candidates (most likely first) to the page's digits; each digit is matched at most once."""
    confidence, right = [], []
    read = np.zeros(len(page.labels))  # confidence with which each digit was read correctly; 0: it was not
    for row, place in same_place(page, [each.box for each in candidates]):
        confidence.append(candidates[row].confidence)
        right.append(place is not None and int(page.labels[place]) == candidates[row].digit)
        if place is not None and right[-1]:
            read[place] = confidence[-1]
    digits = np.flatnonzero((page.labels >= 0) & (page.labels < NOT_A_DIGIT))
    pairs = _touching(page.boxes[digits])
    touching = np.array([min(read[digits[one]], read[digits[other]]) for one, other in pairs], np.float64)
    return Matched(np.array(confidence, np.float64), np.array(right, np.bool_), len(digits), page.kind, touching)


def _touching(boxes: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Find pairs of boxes, (N, 4), that overlap side by side: they share more than half of the smaller height."""
    x0, y0, x1, y1 = boxes.T
    wide = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    high = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    beside = (wide > 0.0) & (high > 0.5 * np.minimum((y1 - y0)[:, None], y1 - y0))
    ones, others = np.nonzero(np.triu(beside, 1))
    return list(zip(ones.tolist(), others.tolist(), strict=True))


def same_place(page: DrawnPage, boxes: Sequence[Box] | NDArray[np.float32]) -> Iterator[tuple[int, int | None]]:
    """Yield for each box, best first, its row and its digit's row; None if there is none or a better box has it.

    Boxes over digits that are cut off or not legible are left out.
    """
    truth = np.flatnonzero(page.labels != NOT_A_DIGIT)
    places, labels = page.boxes[truth], page.labels[truth]
    taken = np.zeros(len(places), np.bool_)
    for row, box in enumerate(boxes):
        overlaps = _overlaps(tuple(box), places)
        best = int(overlaps.argmax()) if len(places) else -1
        if best >= 0 and labels[best] == IGNORED and overlaps[best] > _TOUCHES:
            continue
        hit = best >= 0 and overlaps[best] >= _SAME_PLACE and not taken[best]
        if hit:
            taken[best] = True
        yield row, int(truth[best]) if hit else None


def measured(pages: Iterable[DrawnPage], find: Callable[[NDArray[np.uint8]], list[Candidate]]) -> list[Matched]:
    """Apply `match` to each page."""
    return [match(page, find(page.image)) for page in pages]


def threshold_for(results: Sequence[Matched], right: float = 0.99) -> float:
    """Find the lowest confidence threshold at which this share of the answers is right; 1 if there is none."""
    confidence = np.concatenate([each.confidence for each in results])
    hits = np.concatenate([each.right for each in results])
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(hits[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(share >= right)
    return float(confidence[order][good[-1]]) if len(good) else 1.0


def by_kind(results: Sequence[Matched], threshold: float) -> dict[str, tuple[int, float, float]]:
    """Compute for each layout, and for "all", the number of digits, recall and precision at a threshold."""
    groups: dict[str, list[Matched]] = defaultdict(list)
    for each in results:
        groups[each.kind].append(each)
        groups["all"].append(each)
    table = {}
    for kind, members in groups.items():
        answered = sum(int((each.confidence >= threshold).sum()) for each in members)
        hits = sum(int((each.right & (each.confidence >= threshold)).sum()) for each in members)
        digits = sum(each.digits for each in members)
        table[kind] = (digits, hits / max(digits, 1), hits / max(answered, 1))
    return table


def touching_parted(results: Sequence[Matched], threshold: float) -> tuple[int, float]:
    """Count pairs of digits that overlap side by side; also the share with both read correctly at a threshold."""
    confidence = np.concatenate([each.touching for each in results])
    return len(confidence), float((confidence >= threshold).mean()) if len(confidence) else 1.0


def _overlaps(box: tuple[float, float, float, float], others: NDArray[np.float32]) -> NDArray[np.float32]:
    x0, y0, x1, y1 = box
    wide = np.minimum(x1, others[:, 2]) - np.maximum(x0, others[:, 0])
    high = np.minimum(y1, others[:, 3]) - np.maximum(y0, others[:, 1])
    shared = np.maximum(wide, 0) * np.maximum(high, 0)
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    return np.asarray(shared / np.maximum((x1 - x0) * (y1 - y0) + areas - shared, 1e-6), np.float32)
