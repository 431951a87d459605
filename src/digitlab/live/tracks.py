"""Digits followed over frames: a digit must win over several of them, and its ink must have come to rest.

Each frame's marks are matched with the tracks of before by the overlap of their boxes, so that a track keeps its
identity while it moves. A track gathers the probabilities of its frames and forgets old ones; frames in which its ink
still changes count for nothing, so a digit that is being drawn, or pushed into view, is not answered early.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.live.steady import Steady

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.live.frame_reading import Mark
    from digitlab.values import Box

__all__ = ["Pace", "Track", "Tracker"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things must last to be believed.

    rest: seconds over which ink must not have changed
    rest_frames: and at least so many frames
    needed, window: of the last `window` settled frames, `needed` must give the same text
    """

    rest: float = 0.45
    rest_frames: int = 3
    needed: int = 4
    window: int = 6


_OVERLAP = 0.4  # of the smaller box: a digit that is drawn on keeps its track while its box grows
_CHANGED = 0.45  # of a sketch's ink: below it lie hands that shake, grain, and the light's flicker
_GROWN = 1.08  # of a box's longest side: a stroke that takes two seconds grows by more while we look
_SHRUNK = 0.8
_RAGGED = 2  # pixels by which a box's edge jumps from frame to frame
_FORGET = 0.85  # of what was gathered stays with each frame: a memory of about 7 frames
_ENOUGH = 2.2  # of gathered evidence until a digit is answered: three sure frames give 2.6
_KEPT = 0.8  # an answer stays while it still has so much
_SHARE = 0.7  # of all evidence, that the answer needs
_NONE = 10  # the eleventh kind of evidence: the reader declined
_MISSING = 6  # frames in which a track may hide, e.g. behind a finger
_LONGEST_HOLD = 20  # frames for which a text stays steady while a part of it is unsure


@dataclass(frozen=True, slots=True)
class Track:
    """One digit followed over frames.

    identity: 1, 2, 3 …, never used twice by a tracker
    box: in pixels of the frame it was last seen in
    digit: the digit that won over several frames; None while none has
    probabilities: ten, class 0 first, gathered over frames; they sum to 1
    line: 0 for the first line of the page
    frames: in how many frames it was seen
    changing: whether its ink still changes
    """

    identity: int
    box: Box
    digit: int | None
    probabilities: tuple[float, ...]
    line: int
    frames: int
    changing: bool

    @property
    def confidence(self) -> float:
        """The largest of the probabilities."""
        return max(self.probabilities)


class Tracker:
    """Follows the marks of one source in one mode. Not for several threads.

    steady: the text that is sure, with lines joined by newlines, "?" for a digit that the reader does not answer; ""
        says that surely nothing is there, None that nothing is sure
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self.steady: str | None = None
        self._pace = pace or Pace()
        self._followed: list[_Followed] = []
        self._count = 0
        self._votes = Steady(self._pace.needed, self._pace.window)
        self._held = 0

    def add(self, marks: Sequence[Mark], at: float) -> tuple[Track, ...]:
        """Take a frame's marks, in reading order; the tracks that it shows, in the same order.

        at: seconds, of any clock that runs with the frames
        """
        seen = self._matched(marks)
        for followed in self._followed:
            followed.forget()
        for followed, mark in zip(seen, marks, strict=True):
            followed.add(mark, at, self._pace)
        self._followed = [followed for followed in self._followed if not followed.gone]
        self._settle(seen)
        return tuple(followed.track() for followed in seen)

    def _matched(self, marks: Sequence[Mark]) -> list[_Followed]:
        """The track of each mark, old or new."""
        chosen: dict[int, _Followed] = {}
        if marks and self._followed:
            scores = _scores([mark.box for mark in marks], [followed.mark.box for followed in self._followed])
            taken: set[int] = set()
            for flat in np.argsort(-scores, axis=None, kind="stable"):
                row, column = divmod(int(flat), len(self._followed))
                if scores[row, column] <= 0.0:
                    break
                if row not in chosen and column not in taken:
                    chosen[row] = self._followed[column]
                    taken.add(column)
        return [chosen.get(row) or self._follow(mark) for row, mark in enumerate(marks)]

    def _follow(self, mark: Mark) -> _Followed:
        self._count += 1
        followed = _Followed(self._count, mark)
        self._followed.append(followed)
        return followed

    def _settle(self, seen: Sequence[_Followed]) -> None:
        """Vote for the text where every part of it is sure; else hold what was said, for a while."""
        if any(followed.unsettled for followed in self._followed):
            self._held += 1
            if self._held > _LONGEST_HOLD:
                self.steady = None
            return
        self._held = 0
        lines: dict[int, str] = {}
        for followed in seen:
            if followed.digit is not None or followed.declined:
                sign = "?" if followed.digit is None else str(followed.digit)
                lines[followed.mark.line] = lines.get(followed.mark.line, "") + sign
        self.steady = self._votes.add("\n".join(text for _, text in sorted(lines.items())))


class _Followed:
    """A track as it grows."""

    def __init__(self, identity: int, mark: Mark) -> None:
        self.identity = identity
        self.mark = mark
        self.digit: int | None = None
        self.frames = 0
        self.changing = True
        self._missing = 0
        self._evidence = np.zeros(11)
        self._before: deque[tuple[float, Mark]] = deque()

    def forget(self) -> None:
        """Let a frame pass; `add` says that it was seen in it."""
        self._evidence *= _FORGET
        self._missing += 1
        self._decide()

    def add(self, mark: Mark, at: float, pace: Pace) -> None:
        """Take what a frame shows of it."""
        self.mark = mark
        self.frames += 1
        self._missing = 0
        self._before.append((at, mark))
        # Of the older ones only the youngest that is old enough is compared with.
        while len(self._before) > pace.rest_frames + 1 and at - self._before[1][0] >= pace.rest:
            self._before.popleft()
        then, old = self._before[0]
        rested = len(self._before) > pace.rest_frames and at - then >= pace.rest - 1e-6
        self.changing = not rested or _changed(old, mark)
        if not self.changing:
            if mark.digit is None:
                self._evidence[_NONE] += 1.0
            else:
                self._evidence[:10] += mark.probabilities
        self._decide()

    @property
    def gone(self) -> bool:
        """Whether it was not seen for so long that it is no more."""
        return self._missing > (_MISSING if self.digit is not None or self.frames > _MISSING else 1)

    @property
    def unsettled(self) -> bool:
        """Whether the text must wait for it: it is likely a digit, and not yet or no longer sure which."""
        if self._missing:
            return self.digit is not None
        if self.digit is None:
            return self.mark.digit is not None and self._evidence[_NONE] < _ENOUGH
        return self.changing or self._evidence[self.digit] < _SHARE * self._evidence.sum()

    @property
    def declined(self) -> bool:
        """Whether it is surely a digit that the reader does not answer."""
        return self.digit is None and bool(self._evidence[_NONE] >= _ENOUGH)

    def track(self) -> Track:
        """As it is now."""
        gathered = self._evidence[:10]
        total = float(gathered.sum())
        # Before anything was gathered, the frame's own answer is the best that is known.
        shares = gathered / total if total > 1e-3 else np.asarray(self.mark.probabilities)
        return Track(
            self.identity,
            self.mark.box,
            self.digit,
            tuple(shares.tolist()),
            self.mark.line,
            self.frames,
            self.changing,
        )

    def _decide(self) -> None:
        best = int(self._evidence.argmax())
        enough = self._evidence[best] >= _ENOUGH and self._evidence[best] >= _SHARE * self._evidence.sum()
        if enough:
            self.digit = None if best == _NONE else best
        elif self.digit is not None and self._evidence[self.digit] < _KEPT:
            self.digit = None


def _changed(before: Mark, now: Mark) -> bool:
    """Whether ink came or went between two frames, wherever the digit moved to."""
    was, is_now = _longest(before.box), _longest(now.box)
    if not _SHRUNK * was - _RAGGED <= is_now <= _GROWN * was + _RAGGED:
        return True
    difference = float(np.abs(now.sketch - before.sketch).sum())
    return difference > _CHANGED * max(float(now.sketch.sum()), float(before.sketch.sum()), 1e-3)


def _longest(box: Box) -> int:
    return max(box[2] - box[0], box[3] - box[1])


def _scores(new: Sequence[Box], old: Sequence[Box]) -> NDArray[np.float64]:
    """How well boxes match, float64 (new, old); 0 where they do not.

    The share of the smaller box that both have decides whether, the share of both together which.
    """
    first, second = np.asarray(new, np.float64)[:, None], np.asarray(old, np.float64)[None]  # (N, 1, 4), (1, M, 4)
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    common = np.clip(sides, 0.0, None).prod(-1)
    areas = (first[..., 2:] - first[..., :2]).prod(-1), (second[..., 2:] - second[..., :2]).prod(-1)
    smaller = np.maximum(np.minimum(*areas), 1.0)
    both = np.maximum(areas[0] + areas[1] - common, 1.0)
    return np.where(common >= _OVERLAP * smaller, common / both, 0.0)
