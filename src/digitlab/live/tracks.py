"""Digits followed over frames, and the text that is steady.

Each frame's detections are matched with the earlier tracks by the overlap of their boxes, each track moved by as much as
the page moved, so that a track keeps its identity while it moves. What stands at a track is the belief of a
`DigitFilter`; the text is steady when every track is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.live.config import Steadiness
from digitlab.live.digit_filter import OTHER, DigitFilter, Seen, answer_kind
from digitlab.live.ink import InkPatch, compared, cut_patch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.live.frame_reading import Detection
    from digitlab.values import Box

    Image = NDArray[np.uint8]

__all__ = ["Track", "Tracker"]

_OVERLAP = 0.4  # of the smaller box: a digit that is being written keeps its track while its box grows
_INSIDE = 0.6  # of a box: what lies so far within another is a part of that
_SURE = 0.9  # probability from which a digit is answered
_KEPT = 0.5  # probability below which it is withdrawn
_THERE = 0.5  # probability from which a track counts
_GONE = 0.97  # probability of nothing from which a track is dropped
_CLEAR = 0.12  # seconds without a track after which the page is surely empty
_AVERAGED = 0.25  # seconds over which probabilities are averaged to be shown
_GROWN, _SHRUNK, _JITTER = 1.12, 0.8, 2  # of a box's longest side, and pixels: only used where there is no picture
# What a place shows where the reader found nothing, by what became of its ink.
_MISSED = {"same": Seen("unread", False), "changed": Seen("covered", None), "erased": Seen("erased", True)}


@dataclass(frozen=True, slots=True)
class Track:
    """One digit followed over frames.

    identity: 1, 2, 3 …, unique for a tracker
    box: bounding box in pixels of the frame it was last seen in
    digit: the digit that it surely is; None while it is not
    probabilities: ten, class 0 first, averaged over the last frames; they sum to 1
    line: 0 for the first line of the page
    frames: number of frames it was seen in
    changing: whether it is likely still being drawn
    score: the probability that a digit stands there at all, averaged over the same frames
    """

    identity: int
    box: Box
    digit: int | None
    probabilities: tuple[float, ...]
    line: int
    frames: int
    changing: bool
    score: float = 1.0

    @property
    def confidence(self) -> float:
        """As of a still reading: the score times the largest probability."""
        return self.score * max(self.probabilities)


class Tracker:
    """Follows the detections of one source in one mode. Not thread-safe.

    steady: the decided text, lines joined by newlines, "?" for a mark that the reader does not classify; "" is surely
        an empty page, None is undecided
    drawing: whether ink is likely coming or going somewhere
    moved: how far the page moved since the frame before, x and y in pixels
    """

    def __init__(self, steadiness: Steadiness | None = None) -> None:
        self.steady: str | None = None
        self.drawing = False
        self.moved = (0.0, 0.0)
        self._steadiness = steadiness or Steadiness()
        self._followed: list[_Followed] = []
        self._count = 0
        self._last: float | None = None
        self._clear_since: float | None = None

    def add(self, detections: Sequence[Detection], at: float, image: Image | None = None) -> tuple[Track, ...]:
        """Add a frame's detections, in reading order; return their tracks, in the same order.

        at: seconds, of any clock that runs with the frames
        image: the frame, uint8 (H, W, 3); else that of the detections
        """
        image = next((each.image for each in detections if each.image is not None), None) if image is None else image
        seconds = 0.0 if self._last is None else at - self._last
        self._last = at
        seen = self._matched(detections)
        self.moved = _shift(zip(seen, detections, strict=True))
        found = {id(followed) for followed in seen}
        for followed, detection in zip(seen, detections, strict=True):
            followed.see(detection, seconds, image)
        for followed in self._followed:
            if id(followed) not in found:
                followed.miss(seconds, image, self.moved, detections)
        self._followed = [followed for followed in self._followed if not followed.gone]
        self._decide(at)
        return tuple(followed.track() for followed in seen)

    def _matched(self, detections: Sequence[Detection]) -> list[_Followed]:
        """The track of each detection, old or new: greedy matching, the best overlap first."""
        chosen: dict[int, _Followed] = {}
        if detections and self._followed:
            boxes = [detection.box for detection in detections]
            scores = _overlaps(boxes, [_moved(followed.detection.box, self.moved) for followed in self._followed])
            taken: set[int] = set()
            for flat in np.argsort(-scores, axis=None, kind="stable"):
                row, column = divmod(int(flat), len(self._followed))
                if scores[row, column] <= 0.0:
                    break
                if row not in chosen and column not in taken:
                    chosen[row] = self._followed[column]
                    taken.add(column)
        return [chosen.get(row) or self._follow(detection) for row, detection in enumerate(detections)]

    def _follow(self, detection: Detection) -> _Followed:
        self._count += 1
        followed = _Followed(self._count, detection, self._steadiness)
        self._followed.append(followed)
        return followed

    def _decide(self, at: float) -> None:
        """The text, where every part of it is decided."""
        there = [followed for followed in self._followed if followed.filter.nothing < _THERE]
        self.drawing = any(followed.filter.drawing >= _THERE for followed in there)
        if there:
            self._clear_since = None
            decided = all(followed.decided for followed in there)
            self.steady = _text_of(there) if decided else None
            return
        if self._clear_since is None:
            self._clear_since = at
        self.steady = "" if self.steady == "" or at - self._clear_since >= _CLEAR else None


class _Followed:
    """A track as it grows."""

    def __init__(self, identity: int, detection: Detection, steadiness: Steadiness) -> None:
        self.identity = identity
        self.detection = detection
        self.filter = DigitFilter(steadiness)
        self.digit: int | None = None  # OTHER for a mark that is none
        self.frames = 0
        self._patch: InkPatch | None = None
        self._evidence = np.zeros(10)
        self._scored = 0.0

    def see(self, detection: Detection, seconds: float, image: Image | None) -> None:
        """Add its detection in a frame, so many seconds after the one before."""
        changed = self.frames > 0 and self._changed(detection, image)
        if image is not None and (changed or self._patch is None):
            self._patch = cut_patch(image, detection.box, detection.margin)
        answer = answer_kind(detection.digit, detection.score * max(detection.probabilities))
        self.filter.step(seconds, Seen(answer, changed, detection.probabilities))
        self.detection = detection
        self.frames += 1
        kept = float(np.exp(-seconds / _AVERAGED))
        if changed and self.filter.drawing > _THERE:
            kept = 0.0
        self._evidence, self._scored = self._evidence * kept, self._scored * kept
        if detection.digit is not None:
            self._evidence += detection.probabilities
            self._scored += detection.score
        self._decide()

    def miss(
        self, seconds: float, image: Image | None, moved: tuple[float, float], others: Sequence[Detection]
    ) -> None:
        """Let a frame pass in which it was not found: covered, erased, or misread."""
        box = _moved(self.detection.box, moved)
        if any(_share_within(box, other.box) >= _INSIDE for other in others):
            seen = _MISSED["erased"]  # it became a part of another
        elif image is None or self._patch is None:
            seen = _MISSED["changed"]
        else:
            sight, _ = compared(self._patch, image, box)
            seen = _MISSED[sight]
        self.filter.step(seconds, seen)
        self._decide()

    def _changed(self, detection: Detection, image: Image | None) -> bool:
        """Whether its ink is another than in its patch."""
        if image is not None and self._patch is not None:
            sight, _ = compared(self._patch, image, detection.box)
            return sight != "same"
        was, now = _longest_side(self.detection.box), _longest_side(detection.box)
        return not _SHRUNK * was - _JITTER <= now <= _GROWN * was + _JITTER

    @property
    def gone(self) -> bool:
        """Whether it is dropped."""
        return self.filter.nothing >= _GONE

    @property
    def decided(self) -> bool:
        """Whether it is clear what stands there."""
        return self.digit is not None

    def track(self) -> Track:
        """As it is now."""
        total = float(self._evidence.sum())  # each frame's probabilities sum to 1
        probabilities, score = np.asarray(self.detection.probabilities), self.detection.score
        if total > 1e-3:
            probabilities, score = self._evidence / total, min(1.0, self._scored / total)
        return Track(
            self.identity,
            self.detection.box,
            None if self.digit == OTHER else self.digit,
            tuple(probabilities.tolist()),
            self.detection.line,
            self.frames,
            self.filter.drawing >= _THERE,
            score,
        )

    def _decide(self) -> None:
        finished = self.filter.finished
        best = int(finished.argmax())
        if finished[best] >= _SURE:
            self.digit = best
        elif self.digit is not None and finished[self.digit] < _KEPT:
            self.digit = None


def _text_of(there: Sequence[_Followed]) -> str:
    lines: dict[int, list[tuple[int, str]]] = {}
    for followed in there:
        character = "?" if followed.digit == OTHER else str(followed.digit)
        lines.setdefault(followed.detection.line, []).append((followed.detection.box[0], character))
    return "\n".join("".join(character for _, character in sorted(line)) for _, line in sorted(lines.items()))


def _shift(pairs: object) -> tuple[float, float]:
    return (0.0, 0.0)


def _moved(box: Box, by: tuple[float, float]) -> Box:
    return box


def _share_within(box: Box, other: Box) -> float:
    """The share of a box that lies within another."""
    wide = min(box[2], other[2]) - max(box[0], other[0])
    high = min(box[3], other[3]) - max(box[1], other[1])
    return max(0, wide) * max(0, high) / max(1, (box[2] - box[0]) * (box[3] - box[1]))


def _longest_side(box: Box) -> int:
    return max(box[2] - box[0], box[3] - box[1])


def _overlaps(new: Sequence[Box], old: Sequence[Box]) -> NDArray[np.float64]:
    """Intersection over union of boxes, float64 (new, old); 0 where they share too little of the smaller box."""
    first, second = np.asarray(new, np.float64)[:, None], np.asarray(old, np.float64)[None]  # (N, 1, 4), (1, M, 4)
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    common = np.clip(sides, 0.0, None).prod(-1)
    areas = (first[..., 2:] - first[..., :2]).prod(-1), (second[..., 2:] - second[..., :2]).prod(-1)
    smaller = np.maximum(np.minimum(*areas), 1.0)
    union = np.maximum(areas[0] + areas[1] - common, 1.0)
    return np.where(common >= _OVERLAP * smaller, common / union, 0.0)
