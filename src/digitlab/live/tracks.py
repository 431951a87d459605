"""Digits followed over frames: a digit must win over several of them, and its ink must have come to rest.

Each frame's detections are matched with the earlier tracks by the overlap of their bounding boxes, so that a track
keeps its identity while it moves. A track accumulates the probabilities of its frames with exponential decay; frames in
which its ink still changes do not count, so a digit that is being drawn, or pushed into view, is not classified early.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.live.frame_reading import Detection
    from digitlab.values import Box

__all__ = ["Pace", "Steady", "Track", "Tracker"]

_OVERLAP = 0.4  # of the smaller box: a digit that is being written keeps its track while its box grows
_CHANGED = 0.45  # of a sketch's ink: below it are shaking hands, sensor noise and flickering light
_GROWN = 1.08  # of a box's longest side: a stroke that takes two seconds grows by more during `Pace.rest`
_SHRUNK = 0.8
_JITTER = 2  # pixels by which a box's edge jumps from frame to frame
_DECAY = 0.85  # of the evidence is kept per frame: a memory of about 7 frames
_ENOUGH = 2.2  # evidence needed to classify a digit: three confident frames give 2.6
_KEPT = 0.8  # a digit is withdrawn when its evidence falls below this
_SHARE = 0.7  # of all evidence, needed for one class
_DECLINED = 10  # index of the eleventh kind of evidence: the reader declined
_MISSING = 6  # frames for which a track may be hidden, e.g. behind a finger
_LONGEST_HOLD = 20  # frames for which a text stays steady while a part of it is undecided


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a digit and a text must last to be accepted.

    rest: seconds over which ink must not have changed
    rest_frames: minimum number of frames for the same
    needed, window: `needed` of the last `window` settled frames must give the same text
    """

    rest: float = 0.45
    rest_frames: int = 3
    needed: int = 4
    window: int = 6


class Steady:
    """Majority vote: the text that was read in at least `needed` of the last `window` frames.

    More than half of the window is needed, so that two texts cannot both win. The empty text can win like any other:
    it means an empty page, where None means undecided.

    >>> steady = Steady(needed=2, window=3)
    >>> [steady.add(text) for text in ("7", "1", "7", "4")]
    [None, None, '7', None]

    Raises:
        UsageError: when `needed` is not more than half of `window`, or more than all of it.
    """

    def __init__(self, needed: int = 4, window: int = 6) -> None:
        if not window < 2 * needed <= 2 * window:
            raise UsageError(
                f"steady in {needed} of {window} frames: expected more than half of the frames, and at most all"
            )
        self._needed = needed
        self._texts: deque[str] = deque(maxlen=window)

    def add(self, text: str) -> str | None:
        """Add the next frame's text; return the winner of the last frames, or None."""
        self._texts.append(text)
        winner, votes = Counter(self._texts).most_common(1)[0]
        return winner if votes >= self._needed else None


@dataclass(frozen=True, slots=True)
class Track:
    """One digit followed over frames.

    identity: 1, 2, 3 …, unique for a tracker
    box: bounding box in pixels of the frame it was last seen in
    digit: the digit that won over several frames; None while none has
    probabilities: ten, class 0 first, averaged over frames; they sum to 1
    line: 0 for the first line of the page
    frames: number of frames it was seen in
    changing: whether its ink still changes
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

    steady: the decided text, lines joined by newlines, "?" for a digit that the reader does not classify; "" is surely
        an empty page, None is undecided
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self.steady: str | None = None
        self._pace = pace or Pace()
        self._followed: list[_Followed] = []
        self._count = 0
        self._votes = Steady(self._pace.needed, self._pace.window)
        self._held = 0

    def add(self, detections: Sequence[Detection], at: float) -> tuple[Track, ...]:
        """Add a frame's detections, in reading order; return their tracks, in the same order.

        at: seconds, of any clock that runs with the frames
        """
        seen = self._matched(detections)
        for followed in self._followed:
            followed.decay()
        for followed, detection in zip(seen, detections, strict=True):
            followed.add(detection, at, self._pace)
        self._followed = [followed for followed in self._followed if not followed.gone]
        self._vote(seen)
        return tuple(followed.track() for followed in seen)

    def _matched(self, detections: Sequence[Detection]) -> list[_Followed]:
        """The track of each detection, old or new: greedy matching, the best overlap first."""
        chosen: dict[int, _Followed] = {}
        if detections and self._followed:
            boxes = [detection.box for detection in detections]
            scores = _overlaps(boxes, [followed.detection.box for followed in self._followed])
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
        followed = _Followed(self._count, detection)
        self._followed.append(followed)
        return followed

    def _vote(self, seen: Sequence[_Followed]) -> None:
        """Vote for the text where every part of it is decided; otherwise hold the last one for a while."""
        if any(followed.undecided for followed in self._followed):
            self._held += 1
            if self._held > _LONGEST_HOLD:
                self.steady = None
            return
        self._held = 0
        lines: dict[int, str] = {}
        for followed in seen:
            if followed.digit is not None or followed.declined:
                character = "?" if followed.digit is None else str(followed.digit)
                lines[followed.detection.line] = lines.get(followed.detection.line, "") + character
        self.steady = self._votes.add("\n".join(text for _, text in sorted(lines.items())))


class _Followed:
    """A track as it grows."""

    def __init__(self, identity: int, detection: Detection) -> None:
        self.identity = identity
        self.detection = detection
        self.digit: int | None = None
        self.frames = 0
        self.changing = True
        self._missing = 0
        self._evidence = np.zeros(11)
        self._scored = 0.0  # the scores of the frames that are in the evidence, decayed alike
        self._before: deque[tuple[float, Detection]] = deque()

    def decay(self) -> None:
        """Let a frame pass; `add` follows where the digit was seen in it."""
        self._evidence *= _DECAY
        self._scored *= _DECAY
        self._missing += 1
        self._decide()

    def add(self, detection: Detection, at: float, pace: Pace) -> None:
        """Add its detection in a frame."""
        self.detection = detection
        self.frames += 1
        self._missing = 0
        self._before.append((at, detection))
        # Compared is the youngest of those that are old enough.
        while len(self._before) > pace.rest_frames + 1 and at - self._before[1][0] >= pace.rest:
            self._before.popleft()
        then, old = self._before[0]
        rested = len(self._before) > pace.rest_frames and at - then >= pace.rest - 1e-6
        self.changing = not rested or _changed(old, detection)
        if not self.changing:
            if detection.digit is None:
                self._evidence[_DECLINED] += 1.0
            else:
                self._evidence[:10] += detection.probabilities
                self._scored += detection.score
        self._decide()

    @property
    def gone(self) -> bool:
        """Whether it was not seen for so long that it is dropped."""
        return self._missing > (_MISSING if self.digit is not None or self.frames > _MISSING else 1)

    @property
    def undecided(self) -> bool:
        """Whether the text must wait for it: it is likely a digit, and not yet or no longer clear which."""
        if self._missing:
            return self.digit is not None
        if self.digit is None:
            return self.detection.digit is not None and self._evidence[_DECLINED] < _ENOUGH
        return self.changing or self._evidence[self.digit] < _SHARE * self._evidence.sum()

    @property
    def declined(self) -> bool:
        """Whether it is surely a digit that the reader does not classify."""
        return self.digit is None and bool(self._evidence[_DECLINED] >= _ENOUGH)

    def track(self) -> Track:
        """As it is now."""
        evidence = self._evidence[:10]
        total = float(evidence.sum())  # each frame's probabilities sum to 1: the weight of all frames
        # Before there is evidence, the frame's own probabilities are the best estimate.
        probabilities, score = np.asarray(self.detection.probabilities), self.detection.score
        if total > 1e-3:
            probabilities, score = evidence / total, min(1.0, self._scored / total)
        return Track(
            self.identity,
            self.detection.box,
            self.digit,
            tuple(probabilities.tolist()),
            self.detection.line,
            self.frames,
            self.changing,
            score,
        )

    def _decide(self) -> None:
        best = int(self._evidence.argmax())
        enough = self._evidence[best] >= _ENOUGH and self._evidence[best] >= _SHARE * self._evidence.sum()
        if enough:
            self.digit = None if best == _DECLINED else best
        elif self.digit is not None and self._evidence[self.digit] < _KEPT:
            self.digit = None


def _changed(before: Detection, now: Detection) -> bool:
    """Whether ink appeared or vanished between two frames, wherever the digit moved to."""
    was, is_now = _longest_side(before.box), _longest_side(now.box)
    if not _SHRUNK * was - _JITTER <= is_now <= _GROWN * was + _JITTER:
        return True
    difference = float(np.abs(now.sketch - before.sketch).sum())
    return difference > _CHANGED * max(float(now.sketch.sum()), float(before.sketch.sum()), 1e-3)


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
