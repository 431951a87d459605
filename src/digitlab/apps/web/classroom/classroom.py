"""A class that draws digits together: its pupils, its task and its drawings, without HTTP.

It may be changed only in one thread (the server's event loop).
"""

from __future__ import annotations

import collections
import hmac
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from digitlab.apps.web.classroom.values import (
    Changes,
    ClassLimits,
    Collection,
    Drawing,
    Pupil,
    RefusalError,
    Sketch,
    alike,
    plain_nickname,
)
from digitlab.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.apps.web.classroom.values import Entry

__all__ = ["Classroom"]

_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none that can be mistaken for another on a blackboard
_CODE = 8  # letters per code: 6.6e11 codes
_GRACE = 60.0  # seconds in which a drawing for the previous task is still accepted, since it was begun then
_REMEMBERED = 1000  # removed pupils that are remembered, so that open walls take them off


class _Allowance:
    """A token bucket: ``burst`` requests at once, and ``rate`` per second in the long run."""

    def __init__(self, rate: float, burst: int, now: Callable[[], float]) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._left, self._at = float(burst), now()

    def take(self) -> bool:
        """Take a token; return False if none is left."""
        at = self._now()
        self._left = min(self._burst, self._left + (at - self._at) * self._rate)
        self._at = at
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


@dataclass(slots=True)
class _Place:
    """A pupil's place: the visible state, the secret key, and the remaining allowances."""

    pupil: Pupil
    key: str
    version: int
    sketches: _Allowance
    hand_ins: _Allowance
    sketched: int = 0


class Classroom:
    """One class. Every change increments ``version`` and calls ``changed``.

    code: the code to join with, as two groups of letters
    task: the digit to draw; None: each pupil goes through all ten
    open: whether more pupils may join
    """

    def __init__(self, limits: ClassLimits | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        self.limits, self._now = limits or ClassLimits(), now
        self.code = _new_code()
        self.open, self.task, self.round = True, None, 1
        self.version = 1
        self._before: tuple[int | None, float] = (None, -_GRACE)  # the previous task, and the time when it ended
        self._places: dict[int, _Place] = {}
        self._keys: dict[str, int] = {}
        self._gone: collections.deque[tuple[int, int]] = collections.deque(maxlen=_REMEMBERED)
        self._count = 0
        self._in_file: frozenset[Entry] = frozenset()  # the drawings in the file as it was last written
        self._joins, self._guesses = (_Allowance(*limit, now) for limit in (self.limits.joins, self.limits.guesses))
        self.changed: Callable[[], None] = lambda: None

    task: int | None

    @property
    def pupils(self) -> tuple[Pupil, ...]:
        """All pupils, in the order in which they joined."""
        return tuple(place.pupil for place in self._places.values())

    @property
    def only_in_file(self) -> int:
        """Number of drawings in the file that were removed since, or whose writer's name was."""
        return len(self._in_file - self.collected())

    # Pupils: with the code, then with their key --------------------------------------------------------------------

    def join(self, code: str, name: str) -> tuple[str, Pupil]:
        """Add a pupil; return the key that opens this pupil's drawings, and the pupil.

        Raises:
            RefusalError: for a wrong code, an invalid name or one that is taken, or if no more may join.
        """
        letters = "".join(letter for letter in code.upper()[:40] if letter.isalnum())
        if not hmac.compare_digest(letters.encode(), self.code.replace("-", "").encode()):
            if not self._guesses.take():
                raise RefusalError("often", "too many wrong codes were tried; wait a moment")
            raise RefusalError("code", "this is not the class's code; the wall shows it")
        if not self._joins.take():
            raise RefusalError("often", "too many join at once; try again in a moment")
        if not self.open:
            raise RefusalError("closed", "the teacher has closed the class: nobody else can join now")
        if len(self._places) >= self.limits.pupils:
            raise RefusalError("full", f"the class has {counted(self.limits.pupils, 'pupil')} already")
        nickname = plain_nickname(name, self.limits.name)
        self._expect_free(nickname)
        self._count += 1
        key, limits = secrets.token_urlsafe(18), self.limits
        sketches, hand_ins = (_Allowance(*limit, self._now) for limit in (limits.sketches, limits.hand_ins))
        self._places[self._count] = _Place(Pupil(self._count, nickname), key, 0, sketches, hand_ins)
        self._keys[key] = self._count
        self._note(self._count)
        return key, self._places[self._count].pupil

    def of_key(self, key: str) -> Pupil:
        """Return the pupil of a key.

        Raises:
            RefusalError: if there is none, or none any more.
        """
        return self._of(key).pupil

    def label_for(self, pupil: Pupil) -> int:
        """Return the digit that this pupil is to draw now."""
        return pupil.handed_in % 10 if self.task is None else self.task

    def may_sketch(self, key: str) -> None:
        """Count one more sketch of this pupil, before it is processed.

        Raises:
            RefusalError: no such key, or too many.
        """
        if not self._of(key).sketches.take():
            raise RefusalError("often", "too many pictures at once; wait a moment")

    def may_hand_in(self, key: str, label: int) -> None:
        """Count one more drawing of this pupil, before it is processed.

        Raises:
            RefusalError: no such key, too many, or ``label`` is not the task, nor was it a moment ago.
        """
        place = self._of(key)
        pupil = place.pupil
        previous, until = self._before
        late = self._now() - until < _GRACE
        if label != self.label_for(pupil) and not (
            late and label == (pupil.handed_in % 10 if previous is None else previous)
        ):
            raise RefusalError("task", f"the task is now: draw a {self.label_for(pupil)}")
        if len(pupil.drawings) >= self.limits.drawings:
            raise RefusalError("full", f"you have {counted(self.limits.drawings, 'drawing')} on the wall already")
        if not place.hand_ins.take():
            raise RefusalError("often", "too many drawings at once; wait a moment")

    def show(self, key: str, picture: bytes) -> Sketch:
        """Show a pupil's sketch on the wall; the picture is a PNG file that we have encoded.

        Raises:
            RefusalError: no such key.
        """
        place = self._of(key)
        place.sketched += 1
        sketch = Sketch(place.sketched, self.label_for(place.pupil), picture)
        place.pupil = replace(place.pupil, sketch=sketch)
        self._note(place.pupil.number)
        return sketch

    def wipe(self, key: str) -> None:
        """Remove the sketch of a pupil who has cleared the pad.

        Raises:
            RefusalError: no such key.
        """
        place = self._of(key)
        place.pupil = replace(place.pupil, sketch=None)
        self._note(place.pupil.number)

    def note_reading(self, pupil: int, number: int, answer: int | None, confidence: float) -> None:
        """Store what was read in a sketch, if it is still the current one."""
        place = self._places.get(pupil)
        if place is None or place.pupil.sketch is None or place.pupil.sketch.number != number:
            return
        read = replace(place.pupil.sketch, read=True, answer=answer, confidence=confidence)
        place.pupil = replace(place.pupil, sketch=read)
        self._note(pupil)

    def hand_in(
        self, key: str, label: int, picture: bytes, glyph: NDArray[np.uint8], answer: int | None, confidence: float
    ) -> Drawing:
        """Add a finished drawing; `may_hand_in` must have been called before.

        Raises:
            RefusalError: no such key.
        """
        place = self._of(key)
        pupil = place.pupil
        number = pupil.handed_in + 1
        drawing = Drawing(number, label, picture, glyph, answer, confidence)
        drawings = (*pupil.drawings, drawing)
        place.pupil = replace(pupil, drawings=drawings, sketch=None, handed_in=pupil.handed_in + 1)
        self._note(pupil.number)
        return drawing

    def withdraw(self, key: str, number: int) -> None:
        """Remove one of the pupil's own drawings.

        Raises:
            RefusalError: no such key or drawing.
        """
        self.remove_drawing(self._of(key).pupil.number, number)

    # The teacher ---------------------------------------------------------------------------------------------------

    def pupil(self, number: int) -> Pupil:
        """Return one pupil.

        Raises:
            RefusalError: if there is none of this number.
        """
        if number not in self._places:
            raise RefusalError("missing", f"there is no pupil {number} in the class")
        return self._places[number].pupil

    def set_task(self, digit: int | None) -> None:
        """Set the digit to be drawn from now on; None: each pupil goes through all ten."""
        if digit != self.task:
            self._before, self.task = (self.task, self._now()), digit
            self._note()

    def let_join(self, allowed: bool) -> None:
        """Set whether more pupils may join."""
        self.open = allowed
        self._note()

    def rename(self, number: int) -> Pupil:
        """Replace a pupil's nickname by "Pupil" and the number.

        Raises:
            RefusalError: there is no such pupil.
        """
        name = f"Pupil {self.pupil(number).number}"
        while any(alike(pupil.name) == alike(name) for pupil in self.pupils if pupil.number != number):
            name += "*"
        place = self._places[number]
        place.pupil = self._marked(replace(place.pupil, name=name))
        self._note(number)
        return place.pupil

    def remove_pupil(self, number: int) -> None:
        """Remove a pupil with all drawings; from then on the key is invalid.

        Raises:
            RefusalError: there is no such pupil.
        """
        self.pupil(number)
        del self._keys[self._places.pop(number).key]
        self.version += 1
        self._gone.append((self.version, number))
        self.changed()

    def remove_drawing(self, pupil: int, number: int) -> None:
        """Remove a drawing.

        Raises:
            RefusalError: there is no such pupil or drawing.
        """
        owner = self.pupil(pupil)
        remaining = tuple(drawing for drawing in owner.drawings if drawing.number != number)
        if len(remaining) == len(owner.drawings):
            raise RefusalError("missing", f"there is no drawing {number} of pupil {pupil}")
        self._places[pupil].pupil = replace(owner, drawings=remaining)
        self._note(pupil)

    def begin_again(self) -> None:
        """Remove all pupils and drawings, and make a new code."""
        for number in list(self._places):
            self.remove_pupil(number)
        self._in_file = frozenset()
        self.code, self.open, self.round = _new_code(), True, self.round + 1
        self._note()

    def collection(self) -> Collection:
        """Return all present drawings with their writers.

        Raises:
            RefusalError: there are none.
        """
        entries = [(pupil, drawing) for pupil in self.pupils for drawing in pupil.drawings]
        if not entries:
            raise RefusalError("empty", "no drawing has been handed in yet")
        return Collection(
            np.array([drawing.glyph for _, drawing in entries], np.uint8),
            np.array([drawing.label for _, drawing in entries], np.uint8),
            np.array([pupil.name for pupil, _ in entries]),
            self.collected(),
        )

    def collected(self) -> frozenset[Entry]:
        """Return the entries of all present drawings."""
        return frozenset(
            (pupil.number, pupil.name, drawing.number) for pupil in self.pupils for drawing in pupil.drawings
        )

    def note_kept(self, collection: Collection | None) -> None:
        """Mark these drawings, and no others, as being in the file; None: there is no file any more."""
        self._in_file = frozenset() if collection is None else collection.entries
        for number, place in self._places.items():
            place.pupil = self._marked(place.pupil)
            self._note(number)

    def changes(self, since: int) -> Changes:
        """Return what has changed since a version; 0: everything."""
        changed = tuple(place.pupil for place in self._places.values() if place.version > since)
        gone = tuple(number for version, number in self._gone if version > since) if since else ()
        return Changes(self.version, changed, gone)

    # ---------------------------------------------------------------------------------------------------------------

    def _marked(self, pupil: Pupil) -> Pupil:
        """Mark which drawings of a pupil are in the file, under the pupil's present name."""
        drawings = tuple(
            replace(drawing, kept=(pupil.number, pupil.name, drawing.number) in self._in_file)
            for drawing in pupil.drawings
        )
        return replace(pupil, drawings=drawings)

    def _of(self, key: str) -> _Place:
        number = self._keys.get(key)
        if number is None:
            raise RefusalError("key", "you are not in the class, or no longer; join it again with its code")
        return self._places[number]

    def _expect_free(self, name: str) -> None:
        key = alike(name)
        if any(alike(place.pupil.name) == key for place in self._places.values()):
            raise RefusalError("taken", "somebody in the class has this name already; choose another one")

    def _note(self, pupil: int | None = None) -> None:
        self.version += 1
        if pupil is not None:
            self._places[pupil].version = self.version
        self.changed()


def _new_code() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_CODE))
    return f"{letters[: _CODE // 2]}-{letters[_CODE // 2 :]}"
