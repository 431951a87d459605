"""Digits followed over frames, and the text that is steady.

Each frame's detections are matched with the earlier tracks by the overlap of their boxes, where they were or moved on
with the page, so that a track keeps its identity while it moves. What stands at a track is the belief of a
`DigitFilter`; the text is steady when every track is decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.live.config import Steadiness
from digitlab.live.digit_filter import OTHER, DigitFilter, Seen, answer_kind
from digitlab.live.ink import FrameInk, InkPatch, compared, cut_patch
from digitlab.live.matching import (
    GROWN,
    JITTER,
    SHRUNK,
    distance,
    is_smaller,
    longest_side,
    moved_on,
    overlapping,
    same_size,
    share_within,
    shift,
)
from digitlab.live.numbers import NumbersTold
from digitlab.live.track import Track

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitlab.live.digit_filter import Belief
    from digitlab.live.frame_reading import Detection
    from digitlab.live.ink import Sight
    from digitlab.live.numbers import Number
    from digitlab.values import Box

    Image = NDArray[np.uint8]

__all__ = ["Track", "Tracker"]

_STRAYS = 0.7  # of the longest side: it moves no further from frame to frame
_INSIDE = 0.6  # of a box: what lies so far within another is a part of that
_SURE = 0.905  # probability from which a digit is answered
_KEPT = 0.5  # probability below which it is withdrawn
_THERE = 0.5  # probability from which a track counts
_LIKELY_NOTHING = 0.4  # the same for a track of which it was never decided what it is
_GONE = 0.97  # probability of nothing from which a track is dropped
_FORGOTTEN = 0.3  # seconds after which a place is dropped where it was never decided what stands
_UNREAD = 3.0  # seconds after which it is dropped where it was decided: its ink is there, and no digit to the reader
_COVERED = 0.4  # seconds for which what is read before a digit is taken for something that covers it
_JOINED = 0.25  # seconds from which what is read as a part of another digit is one; else it is misread
_SMALLER = 0.05  # seconds for which it is read smaller before its patch is cut anew: one frame may be misread
_LEGIBLE = 12  # pixels of a box's longest side: a smaller speck is the beginning of something
_STILL = 1.5  # pixels from frame to frame by which a page that does not move seems to
_BRISK = 0.3  # of the frame's width, a second: so fast, a part of a number may just have left or not yet come
_CLEAR = 0.12  # seconds without a track after which the page is surely empty
_AVERAGED = 0.25  # seconds over which probabilities are averaged to be shown
# What a place shows where the reader found nothing, by what became of its ink.
_MISSED = {
    "same": Seen("unread", False),
    "changed": Seen("covered", None),
    "covered": Seen("covered", None),
    "wiped": Seen("unread", True),
    "erased": Seen("erased", True),
}


class Tracker:
    """Follows the detections of one source in one mode. Not thread-safe.

    steady: the decided text, lines joined by newlines, "?" for a mark that the reader does not classify; "" is surely
        an empty page, None is undecided
    drawing: whether ink is likely coming or going somewhere
    telling: how many texts were told: each time another becomes steady, or the same in ink that was drawn anew
    numbers: that are told in this frame; see `digitlab.live.numbers`
    moved: how far the page moved since the frame before, x and y in pixels
    """

    def __init__(
        self,
        steadiness: Steadiness | None = None,
        *,
        whole: bool = False,
        make_filter: Callable[[Steadiness], DigitFilter] = DigitFilter,
    ) -> None:
        """Nothing is followed yet.

        whole: whether whole frames are looked at; else that shows with the first digit
        """
        self.steady: str | None = None
        self.drawing = False
        self.telling = 0
        self.numbers: tuple[Number, ...] = ()
        self.moved = (0.0, 0.0)
        self._steadiness = steadiness or Steadiness()
        self._make_filter = make_filter
        self._followed: list[_Followed] = []
        self._count = 0
        self._last: float | None = None
        self._clear_since: float | None = None
        self._ink = FrameInk()
        self._told = NumbersTold()
        self._last_told: object = None
        self._whole = whole
        self._fresh_at = -np.inf  # when ink last came where no digit is seen, or was erased: between two frames

    def add(self, detections: Sequence[Detection], at: float, image: Image | None = None) -> tuple[Track, ...]:
        """Add a frame's detections, in reading order; return their tracks, in the same order.

        at: seconds, of any clock that runs with the frames
        image: the frame, uint8 (H, W, 3); else that of the detections
        """
        image = next((each.image for each in detections if each.image is not None), None) if image is None else image
        seconds = 0.0 if self._last is None else at - self._last
        self._last = at
        seen = self._matched(detections, image)
        old = [(each.detection.box, new.box) for each, new in zip(seen, detections, strict=True) if each.frames]
        self.moved = shift([was for was, _ in old], [now for _, now in old])
        found = {id(followed) for followed in seen}
        for followed, detection in zip(seen, detections, strict=True):
            followed.see(detection, seconds, image)
        for followed in self._followed:
            if id(followed) not in found:
                followed.miss(seconds, image, detections)
        erased = [followed.track() for followed in self._followed if followed.erased]
        if erased:
            if float(np.hypot(*self.moved)) <= _STILL:  # else the page moved away below it
                self._told.erased(erased)
            self._fresh_at = at - seconds / 2.0  # of a row that is wiped, what is left for a moment is no answer
        self._followed = [followed for followed in self._followed if not followed.gone]
        if detections:
            self._whole = detections[0].margin > 0
        if image is not None and self._whole:
            watched = [each.patch for each in self._followed if each.patch is not None]
            new = self._ink.new(image, at, self.moved, watched)
            self._fresh_at = at - seconds / 2.0 if new else self._fresh_at
        wide = np.inf if image is None else image.shape[1]
        self._decide(at, brisk=float(np.hypot(*self.moved)) > _BRISK * wide * seconds)
        tracks = tuple(followed.track() for followed in seen)
        size = (0, 0) if image is None else image.shape[:2]
        self.numbers = self._told.add(tracks, size, self.moved, at)
        return tracks

    def _matched(self, detections: Sequence[Detection], image: Image | None) -> list[_Followed]:
        """The track of each detection, old or new: by the best overlaps, where they are or moved on as before."""
        chosen: dict[int, _Followed] = {}
        if detections and self._followed:
            boxes = [detection.box for detection in detections]
            old = [followed.detection.box for followed in self._followed]
            ways = [overlapping(boxes, [moved_on(box, by) for box in old]) for by in ((0.0, 0.0), self.moved)]
            best = max(ways, key=lambda found: sum(overlap for _, _, overlap in found))
            chosen = {row: self._followed[column] for row, column, _ in best}
            if image is not None:
                self._match_by_ink(detections, chosen, image)
        return [chosen.get(row) or self._follow(detection) for row, detection in enumerate(detections)]

    def _match_by_ink(self, detections: Sequence[Detection], chosen: dict[int, _Followed], image: Image) -> None:
        """Match what is left by its ink: from frame to frame a thin digit may move further than it is wide."""
        taken = {id(followed) for followed in chosen.values()}
        left = [followed for followed in self._followed if id(followed) not in taken]
        ways = [
            (distance(followed.detection.box, detection.box), row, column)
            for row, detection in enumerate(detections) if row not in chosen
            for column, followed in enumerate(left) if same_size(followed.detection.box, detection.box)
        ]  # fmt: skip
        for far, row, column in sorted(ways):
            followed, box = left[column], detections[row].box
            near = far <= _STRAYS * longest_side(box) and row not in chosen and id(followed) not in taken
            if near and followed.is_ink_of(box, image):
                chosen[row] = followed
                taken.add(id(followed))

    def _follow(self, detection: Detection) -> _Followed:
        self._count += 1
        followed = _Followed(self._count, detection, self._make_filter(self._steadiness))
        self._followed.append(followed)
        return followed

    def _decide(self, at: float, *, brisk: bool) -> None:
        """The text, where every part of it is decided; of a page that moves briskly, no other than before."""
        there = [each for each in self._followed if each.is_there]
        self.drawing = any(followed.filter.drawing >= _THERE for followed in there)
        rests = at - self._fresh_at >= 2.0 * self._steadiness.pause
        self.drawing |= not rests
        if not rests and not there:
            self._clear_since = self.steady = None
            return
        if there:
            self._clear_since = None
            decided = rests and all(followed.decided for followed in there)
            text = _text_of(there) if decided else None
            self.steady = None if brisk and text != self.steady else text
            if self.steady is not None:
                self._tell(there)
            return
        if self._clear_since is None:
            self._clear_since = at
        self.steady = "" if self.steady == "" or at - self._clear_since >= _CLEAR else None

    def _tell(self, there: Sequence[_Followed]) -> None:
        """Count the text as told, unless it is the one that was told last, in the same ink."""
        ink = self.steady, {(followed.identity, followed.drawing_number) for followed in there}
        if ink != self._last_told:
            self._last_told = ink
            self.telling += 1


class _Followed:
    """A track as it grows."""

    def __init__(self, identity: int, detection: Detection, belief: DigitFilter) -> None:
        self.identity = identity
        self.detection = detection
        self.filter = belief
        self.digit: int | None = None  # OTHER for a mark that is not a digit
        self.frames = 0
        self.drawing_number = 0  # of times that it was decided what stands there after its ink had changed
        self.patch: InkPatch | None = None
        self._settled: InkPatch | None = None  # when it was last decided, and what was believed then
        self._belief: Belief | None = None
        self._unseen = self._covered = 0.0  # seconds
        self._smaller: float | None = None  # seconds for which it was read smaller than its patch
        self._redrawn = True
        self.erased = False  # with the last frame
        self._is_erased = False
        self._evidence = np.zeros(10)
        self._scored = 0.0

    def see(self, detection: Detection, seconds: float, image: Image | None) -> None:
        """Add its detection in a frame, this many seconds after the one before."""
        sight = self._sight(detection, image) if self.frames else "same"
        self._covered = self._covered + seconds if sight == "covered" else 0.0
        if self._covered > _COVERED or (sight == "covered" and self.filter.nothing >= _THERE):
            sight = "changed"  # what covers it has come to stay
        if self._is_smaller(detection.box, seconds):
            sight = "changed"  # what was read with it has gone, as the hand that draws
        changed = sight in ("changed", "wiped", "erased") or longest_side(detection.box) < _LEGIBLE
        if (changed or self._redrawn) and self._belief is not None and self._is_as_before(detection, image):
            self.filter.restore(self._belief)
            self.patch, changed, self._redrawn = self._settled, False, False
        if image is not None and (changed or self.patch is None):
            self.patch = cut_patch(image, detection.box, detection.margin)
        if sight == "covered" and self._belief is not None:
            seen = _MISSED["covered"]  # what is read there is not what stands there
        else:
            answer = answer_kind(detection.digit, detection.score * max(detection.probabilities))
            seen = Seen(answer, changed, detection.probabilities)
        self.filter.step(seconds, seen)
        self.detection = detection
        self._unseen, self.erased, self._is_erased = 0.0, False, False
        self.frames += 1
        self._redrawn |= changed
        self._average(detection, 0.0 if changed else float(np.exp(-seconds / _AVERAGED)))
        self._decide()

    def _is_smaller(self, box: Box, seconds: float) -> bool:
        """Whether it has been read smaller than its patch for some frames, and was not yet decided."""
        if self.patch is None or not self._redrawn or not is_smaller(box, self.patch.box):
            self._smaller = None
            return False
        self._smaller = 0.0 if self._smaller is None else self._smaller + seconds
        return self._smaller > _SMALLER

    def _average(self, detection: Detection, kept: float) -> None:
        self._evidence, self._scored = self._evidence * kept, self._scored * kept
        if detection.digit is not None:
            self._evidence += detection.probabilities
            self._scored += detection.score

    def is_ink_of(self, box: Box, image: Image) -> bool:
        """Whether the ink there is its own."""
        return self.patch is not None and compared(self.patch, image, box)[0] == "same"

    def _is_as_before(self, detection: Detection, image: Image | None) -> bool:
        """Whether it is what it was when it was last decided: what had covered it is gone."""
        if image is None or self._settled is None:
            return False
        return compared(self._settled, image, detection.box)[0] == "same"

    def miss(self, seconds: float, image: Image | None, others: Sequence[Detection]) -> None:
        """Let a frame pass in which it was not found: covered, erased, joined with another, or misread."""
        self._unseen += seconds
        box = self.detection.box
        sight: Sight = "covered"
        if image is not None and self.patch is not None:
            sight = compared(self.patch, image, box)[0]
        within = any(share_within(box, other.box) >= _INSIDE for other in others)
        joined = within and (sight != "same" or self._unseen > _JOINED)  # else one frame was read otherwise
        self.erased = sight == "erased" and not joined and not self._is_erased
        self._is_erased = sight == "erased" or joined
        self._redrawn |= sight == "wiped"
        if self._is_erased:
            self._settled, self._redrawn = None, True
        self.filter.step(seconds, _MISSED["erased" if self._is_erased else sight])
        self._decide()

    def _sight(self, detection: Detection, image: Image | None) -> Sight:
        """What became of the ink in its patch; without a picture, by the size of its box."""
        if image is not None and self.patch is not None:
            sight = compared(self.patch, image, detection.box)[0]
            was, now = longest_side(self.patch.box), longest_side(detection.box)
            return "changed" if sight == "same" and now > GROWN * was + JITTER else sight  # a speck that grows
        was, now = longest_side(self.detection.box), longest_side(detection.box)
        return "same" if SHRUNK * was - JITTER <= now <= GROWN * was + JITTER else "changed"

    @property
    def is_there(self) -> bool:
        """Whether the text must wait for it; what was never decided and is seen now and then does not count."""
        if self._belief is None:
            return self._unseen == 0.0 and self.filter.nothing < _LIKELY_NOTHING
        return self.filter.nothing < _THERE

    @property
    def gone(self) -> bool:
        """Whether it is dropped: surely nothing, or never anything for certain and not seen for a while."""
        longest = _FORGOTTEN if self._belief is None else _UNREAD
        return self.filter.nothing >= _GONE or self._unseen > longest

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
        if finished[best] >= _SURE and not (best == OTHER and self._unseen):
            self.digit = best
            self.drawing_number += self._redrawn
            self._redrawn = False
            self._settled, self._belief = self.patch, self.filter.belief
        elif self.digit is not None and finished[self.digit] < _KEPT:
            self.digit = None
        if self.filter.stood < _KEPT:  # it is another, or the same with more ink: that is to be seen
            self.digit = None


def _text_of(there: Sequence[_Followed]) -> str:
    lines: dict[int, list[tuple[int, str]]] = {}
    for followed in there:
        character = "?" if followed.digit == OTHER else str(followed.digit)
        lines.setdefault(followed.detection.line, []).append((followed.detection.box[0], character))
    return "\n".join("".join(character for _, character in sorted(line)) for _, line in sorted(lines.items()))
