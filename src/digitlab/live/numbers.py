"""Numbers on a page that moves: each is reported ("told") once.

Neighbouring digits of a line form a number. It is told when all of its digits are decided and it does not touch the
frame's edge, where a part of it may be cut off. Its place is remembered in page coordinates, which follow from how far
the page moved from frame to frame; so it is not told again when it comes back into view, or when a hand that covered it
is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.live.track import Track
    from digitlab.values import Box

__all__ = ["Number", "NumbersTold"]

_GAP = 0.9  # in heights of the digits: a larger gap separates two numbers
_ROOM = 0.75  # in heights: closer to the frame's edge, the next digit may be cut off so far that it is not found
_LEVEL = 0.5  # in heights: a larger vertical offset means another line
_EDGE = 0.02  # fraction of the frame's height
_SAME_PLACE = 1.0  # in heights: this close to where an equal number was told, it is the same one
_DRIFT = 0.25  # fraction of the distance moved since then: the error allowed for the measured motion
_WITHIN = 0.35  # seconds for which it must be whole before it is told: its last digit may be just coming into view
_MOST_TOLD = 1000  # of a belt that runs for weeks, no more numbers are remembered: those that were seen last


@dataclass(frozen=True, slots=True)
class Number:
    """A number that has been reported.

    identity: 1, 2, 3 …; text: its digits
    box: in pixels of the frame; confidence: of its least confident digit
    """

    identity: int
    text: str
    box: Box
    confidence: float

    def as_json(self) -> dict[str, Any]:
        """Return the object that is published."""
        return {
            "number": self.identity,
            "text": self.text,
            "box": list(self.box),
            "confidence": round(self.confidence, 4),
        }


@dataclass(slots=True)
class _Told:
    """A number's position in page coordinates (pixels), how far the page has moved since it was seen there.

    seen: when that was, in seconds
    """

    text: str
    x: float
    y: float
    travelled: float
    seen: float


class NumbersTold:
    """Keeps track of the numbers of a page that have been reported. Not thread-safe."""

    def __init__(self) -> None:
        self._count = 0
        self._told: list[_Told] = []
        self._offset = np.zeros(2)  # of the page from its first position
        self._waiting: dict[tuple[int, ...], float] = {}

    def add(
        self, tracks: Sequence[Track], size: tuple[int, int], moved: tuple[float, float], at: float
    ) -> tuple[Number, ...]:
        """Return the numbers to be reported in this frame.

        size: height and width of the frame; moved: how far the page moved since the previous frame; at: seconds
        """
        self._offset += moved
        way = float(np.hypot(*moved))
        for told in self._told:
            told.travelled += way
        whole = [row for row in _numbers(tracks) if _is_whole(row, size)]
        waiting = {tuple(each.identity for each in row): row for row in whole}
        self._waiting = {key: self._waiting.get(key, at) for key in waiting}
        new = []
        for key, row in waiting.items():
            text, box = "".join(str(each.digit) for each in row), _box_of(row)
            middle = np.array(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)) - self._offset
            known = self._known(text, middle, box[3] - box[1])
            if known is not None:
                known.x, known.y, known.travelled, known.seen = float(middle[0]), float(middle[1]), 0.0, at
            elif at - self._waiting[key] >= _WITHIN:
                self._count += 1
                self._told.append(_Told(text, float(middle[0]), float(middle[1]), 0.0, at))
                new.append(Number(self._count, text, box, min(each.confidence for each in row)))
        if len(self._told) > _MOST_TOLD:
            self._told = sorted(self._told, key=lambda told: told.seen)[-_MOST_TOLD:]
        return tuple(new)

    def _known(self, text: str, middle: NDArray[np.float64], height: float) -> _Told | None:
        near = [
            (float(np.hypot(told.x - middle[0], told.y - middle[1])), order)
            for order, told in enumerate(self._told)
            if told.text == text
        ]
        if not near:
            return None
        distance, order = min(near)
        told = self._told[order]
        return told if distance <= _SAME_PLACE * height + _DRIFT * told.travelled else None

    def erased(self, tracks: Sequence[Track]) -> None:
        """Forget the numbers reported at the places of these tracks, whose ink was erased."""
        for track in tracks:
            x, y = (track.box[0] + track.box[2]) / 2, (track.box[1] + track.box[3]) / 2
            height = track.box[3] - track.box[1]
            here = np.array((x, y)) - self._offset
            self._told = [
                told for told in self._told if np.hypot(told.x - here[0], told.y - here[1]) > 2 * height
            ]  # fmt: skip


def _numbers(tracks: Sequence[Track]) -> list[list[Track]]:
    """Group neighbouring digits of a line, from left to right."""
    rows: list[list[Track]] = []
    for track in sorted(tracks, key=lambda each: each.box[0]):
        for row in rows:
            last = row[-1]
            height = max(last.box[3] - last.box[1], track.box[3] - track.box[1])
            level = abs((last.box[1] + last.box[3]) - (track.box[1] + track.box[3])) / 2
            if track.box[0] - last.box[2] <= _GAP * height and level <= _LEVEL * height:
                row.append(track)
                break
        else:
            rows.append([track])
    return rows


def _is_whole(row: list[Track], size: tuple[int, int]) -> bool:
    """Return whether all of its digits are decided, and nothing is cut off by the frame's edge."""
    x0, y0, x1, y1 = _box_of(row)
    height, width = size
    room = _ROOM * (y1 - y0)
    inside = x0 > room and x1 < width - room and y0 > _EDGE * height and y1 < (1 - _EDGE) * height
    return inside and all(each.digit is not None and not each.changing for each in row)


def _box_of(row: list[Track]) -> Box:
    boxes = np.array([each.box for each in row])
    return (int(boxes[:, 0].min()), int(boxes[:, 1].min()), int(boxes[:, 2].max()), int(boxes[:, 3].max()))
