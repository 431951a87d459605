"""Track digits over frames, and decide which text is steady.

Each frame's detections are matched with the earlier tracks by the overlap of their boxes, in place or moved along with
the page, so that a track keeps its identity while it moves. A `DigitFilter` holds the belief about which digit a track
is; the text is steady when every track is decided.
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

_STRAYS = 0.7  # fraction of the longest side: it moves no further from frame to frame
_INSIDE = 0.6  # fraction of a box: if this much of it lies within another, it is a part of that
_SURE = 0.905  # probability from which a digit is answered
_KEPT = 0.5  # probability below which the answer is withdrawn
_THERE = 0.5  # probability from which a track counts
_LIKELY_NOTHING = 0.4  # probability of nothing below which a track that was never decided counts
_GONE = 0.97  # probability of nothing from which a track is dropped
_FORGOTTEN = 0.3  # seconds unseen after which a track is dropped that was never decided
_UNREAD = 3.0  # the same for a track that was decided: its ink is there, but the reader finds no digit
_COVERED = 0.4  # seconds for which something read in front of a digit is taken to be covering it
_JOINED = 0.25  # seconds from which a digit read as a part of another is one; before, it is misread
_SMALLER = 0.05  # seconds for which it is read smaller before its patch is cut again: one frame may be misread
_LEGIBLE = 12  # pixels of a box's longest side: a smaller speck is the beginning of something
_STILL = 1.5  # pixels from frame to frame by which a page at rest seems to move
_BRISK = 0.3  # frame widths per second: at this speed, part of a number may have just left or not yet entered
_CLEAR = 0.12  # seconds without a track after which the page is certainly empty
_AVERAGED = 0.25  # seconds over which probabilities are averaged for display
# The observation of a place where the reader found nothing, by what became of its ink.
_MISSED = {
    "same": Seen("unread", False),
    "changed": Seen("covered", None),
    "covered": Seen("covered", None),
    "wiped": Seen("unread", True),
    "erased": Seen("erased", True),
}


class Tracker:
    """Tracks the detections of one source in one mode. Not thread-safe.

    steady: the decided text, lines joined by newlines, "?" for a mark that the reader does not classify; "": certainly
        an empty page; None: undecided
    drawing: whether ink is probably being added or removed somewhere
    telling: number of texts reported so far: another text became steady, or the same text in newly drawn ink
    numbers: the numbers reported in this frame; see `digitlab.live.numbers`
    moved: how far the page moved since the previous frame, x and y in pixels
    """

    def __init__(
        self,
        steadiness: Steadiness | None = None,
        *,
        whole: bool = False,
        make_filter: Callable[[Steadiness], DigitFilter] = DigitFilter,
    ) -> None:
        """Start without tracks.

        whole: whether whole frames are read; otherwise this is determined from the first detection
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
        self._fresh_at = -np.inf  # when ink last appeared outside the tracks, or was erased: between two frames

    def add(self, detections: Sequence[Detection], at: float, image: Image | None = None) -> tuple[Track, ...]:
        """Add a frame's detections, in reading order; return their tracks, in the same order.

        at: seconds, of any clock that runs with the frames
        image: the frame, uint8 (H, W, 3); default: that of the detections
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
            if float(np.hypot(*self.moved)) <= _STILL:  # else the page moved away from under the track
                self._told.erased(erased)
            self._fresh_at = at - seconds / 2.0  # while a row is being wiped, what is left for a moment is no answer
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
        """Return the track of each detection, old or new, by the best overlaps: in place, or moved on as before."""
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
        """Match the remaining detections by their ink: a thin digit may move by more than its width between frames."""
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
        """Update the steady text if every part is decided; while the page moves fast, no new text becomes steady."""
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
        """Count the text as reported, unless it is the last one reported, in the same ink."""
        ink = self.steady, {(followed.identity, followed.drawing_number) for followed in there}
        if ink != self._last_told:
            self._last_told = ink
            self.telling += 1


class _Followed:
    """The internal, mutable state of a track."""

    def __init__(self, identity: int, detection: Detection, belief: DigitFilter) -> None:
        self.identity = identity
        self.detection = detection
        self.filter = belief
        self.digit: int | None = None  # OTHER for a mark that is not a digit
        self.frames = 0
        self.drawing_number = 0  # number of decisions after its ink had changed
        self.patch: InkPatch | None = None
        self._settled: InkPatch | None = None  # the patch when it was last decided, and the belief then
        self._belief: Belief | None = None
        self._unseen = self._covered = 0.0  # seconds
        self._smaller: float | None = None  # seconds for which it was read smaller than its patch
        self._redrawn = True
        self.erased = False  # in the last frame
        self._is_erased = False
        self._evidence = np.zeros(10)
        self._scored = 0.0

    def see(self, detection: Detection, seconds: float, image: Image | None) -> None:
        """Add its detection in a frame, this many seconds after the previous one."""
        sight = self._sight(detection, image) if self.frames else "same"
        self._covered = self._covered + seconds if sight == "covered" else 0.0
        if self._covered > _COVERED or (sight == "covered" and self.filter.nothing >= _THERE):
            sight = "changed"  # what covers it is there to stay
        if self._is_smaller(detection.box, seconds):
            sight = "changed"  # something that was read with it is gone, e.g. the drawing hand
        changed = sight in ("changed", "wiped", "erased") or longest_side(detection.box) < _LEGIBLE
        if (changed or self._redrawn) and self._belief is not None and self._is_as_before(detection, image):
            self.filter.restore(self._belief)
            self.patch, changed, self._redrawn = self._settled, False, False
        if image is not None and (changed or self.patch is None):
            self.patch = cut_patch(image, detection.box, detection.margin)
        if sight == "covered" and self._belief is not None:
            seen = _MISSED["covered"]  # what is read there is not the digit itself
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
        """Return whether it has been read smaller than its patch for some frames, and is not yet decided."""
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
        """Return whether the ink in this box is its own."""
        return self.patch is not None and compared(self.patch, image, box)[0] == "same"

    def _is_as_before(self, detection: Detection, image: Image | None) -> bool:
        """Return whether its ink is the same as when it was last decided: whatever had covered it is gone."""
        if image is None or self._settled is None:
            return False
        return compared(self._settled, image, detection.box)[0] == "same"

    def miss(self, seconds: float, image: Image | None, others: Sequence[Detection]) -> None:
        """Add a frame in which it was not found: it is covered, erased, joined with another, or misread."""
        self._unseen += seconds
        box = self.detection.box
        sight: Sight = "covered"
        if image is not None and self.patch is not None:
            sight = compared(self.patch, image, box)[0]
        within = any(share_within(box, other.box) >= _INSIDE for other in others)
        joined = within and (sight != "same" or self._unseen > _JOINED)  # else a single frame was misread
        self.erased = sight == "erased" and not joined and not self._is_erased
        self._is_erased = sight == "erased" or joined
        self._redrawn |= sight == "wiped"
        if self._is_erased:
            self._settled, self._redrawn = None, True
        self.filter.step(seconds, _MISSED["erased" if self._is_erased else sight])
        self._decide()

    def _sight(self, detection: Detection, image: Image | None) -> Sight:
        """Return what became of the ink in its patch; without an image, judged by the size of its box."""
        if image is not None and self.patch is not None:
            sight = compared(self.patch, image, detection.box)[0]
            was, now = longest_side(self.patch.box), longest_side(detection.box)
            return "changed" if sight == "same" and now > GROWN * was + JITTER else sight  # a speck that grows
        was, now = longest_side(self.detection.box), longest_side(detection.box)
        return "same" if SHRUNK * was - JITTER <= now <= GROWN * was + JITTER else "changed"

    @property
    def is_there(self) -> bool:
        """Whether the text must wait for it; a track never decided and seen only now and then does not count."""
        if self._belief is None:
            return self._unseen == 0.0 and self.filter.nothing < _LIKELY_NOTHING
        return self.filter.nothing < _THERE

    @property
    def gone(self) -> bool:
        """Whether it is to be dropped: almost certainly nothing, or not seen for a while (longer if it was decided)."""
        longest = _FORGOTTEN if self._belief is None else _UNREAD
        return self.filter.nothing >= _GONE or self._unseen > longest

    @property
    def decided(self) -> bool:
        """Whether its class is decided."""
        return self.digit is not None

    def track(self) -> Track:
        """Return its public view, as it is now."""
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
        if self.filter.stood < _KEPT:  # it is another digit, or the same with more ink: to be decided again
            self.digit = None


def _text_of(there: Sequence[_Followed]) -> str:
    lines: dict[int, list[tuple[int, str]]] = {}
    for followed in there:
        character = "?" if followed.digit == OTHER else str(followed.digit)
        lines.setdefault(followed.detection.line, []).append((followed.detection.box[0], character))
    return "\n".join("".join(character for _, character in sorted(line)) for _, line in sorted(lines.items()))
