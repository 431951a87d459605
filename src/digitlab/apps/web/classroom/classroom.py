"""A class that draws digits together: who is in it, what the task is, what was drawn. A value, without HTTP.

Changed in one thread alone (the server's event loop).
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Classroom"]

_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none that is taken for another one, on a blackboard
_CODE = 8  # of them: 6.6e11 codes
_GRACE = 60.0  # seconds in which a drawing for the task before is still taken: it was begun then
_REMEMBERED = 1000  # pupils that were removed, so that a wall which looks on takes them off


class _Allowance:
    """A token bucket: how many requests at once, and how many per second in the long run."""

    def __init__(self, rate: float, burst: int, now: Callable[[], float]) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._left, self._at = float(burst), now()

    def take(self) -> bool:
        """Take one; False where none is left."""
        at = self._now()
        self._left = min(self._burst, self._left + (at - self._at) * self._rate)
        self._at = at
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


@dataclass(slots=True)
class _Place:
    """A pupil's place: what is seen of it, the key, and what this one may still ask."""

    pupil: Pupil
    key: str
    version: int
    sketches: _Allowance
    hand_ins: _Allowance
    sketched: int = 0


class Classroom:
    """One class. All changes count up ``version``, and ``changed`` is told of them.

    code: what pupils join with, as letters in two groups
    task: the digit to draw; None: each pupil goes through all ten
    open: whether more may join
    """

    def __init__(self, limits: ClassLimits | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        self.limits, self._now = limits or ClassLimits(), now
        self.code = _new_code()
        self.open, self.task, self.round = True, None, 1
        self.version = 1
        self._before: tuple[int | None, float] = (None, -_GRACE)  # the task before, and until when it was that
        self._places: dict[int, _Place] = {}
        self._keys: dict[str, int] = {}
        self._gone: collections.deque[tuple[int, int]] = collections.deque(maxlen=_REMEMBERED)
        self._count = 0
        self._joins, self._guesses = (_Allowance(*each, now) for each in (self.limits.joins, self.limits.guesses))
        self.changed: Callable[[], None] = lambda: None

    task: int | None

    @property
    def pupils(self) -> tuple[Pupil, ...]:
        """All, in the order in which they came."""
        return tuple(each.pupil for each in self._places.values())

    # Pupils: with the code, then with their key --------------------------------------------------------------------

    def join(self, code: str, name: str) -> tuple[str, Pupil]:
        """A new pupil, and the key that opens this one's drawings.

        Raises:
            RefusalError: a wrong code, a name that is taken or none, or no more may join.
        """
        given = "".join(letter for letter in code.upper()[:40] if letter.isalnum())
        if not hmac.compare_digest(given.encode(), self.code.replace("-", "").encode()):
            if not self._guesses.take():
                raise RefusalError("often", "too many wrong codes were tried; wait a moment")
            raise RefusalError("code", "this is not the class's code; it stands on the wall")
        if not self._joins.take():
            raise RefusalError("often", "too many join at once; try again in a moment")
        if not self.open:
            raise RefusalError("closed", "the teacher lets nobody else join now")
        if len(self._places) >= self.limits.pupils:
            raise RefusalError("full", f"the class has {self.limits.pupils} pupils already")
        nickname = plain_nickname(name, self.limits.name)
        self._expect_free(nickname)
        self._count += 1
        key, limits = secrets.token_urlsafe(18), self.limits
        sketches, hand_ins = (_Allowance(*each, self._now) for each in (limits.sketches, limits.hand_ins))
        self._places[self._count] = _Place(Pupil(self._count, nickname), key, 0, sketches, hand_ins)
        self._keys[key] = self._count
        self._note(self._count)
        return key, self._places[self._count].pupil

    def of_key(self, key: str) -> Pupil:
        """The pupil of a key.

        Raises:
            RefusalError: there is none, or no more.
        """
        return self._of(key).pupil

    def label_for(self, pupil: Pupil) -> int:
        """The digit that this pupil is to draw now."""
        return pupil.handed_in % 10 if self.task is None else self.task

    def may_sketch(self, key: str) -> None:
        """Count one more sketch of this pupil, before anything is made of it.

        Raises:
            RefusalError: no such key, or too many.
        """
        if not self._of(key).sketches.take():
            raise RefusalError("often", "too many pictures in a moment")

    def may_hand_in(self, key: str, label: int) -> None:
        """Count one more drawing of this pupil, before anything is made of it.

        Raises:
            RefusalError: no such key, too many, or ``label`` is not the task, nor was it a moment ago.
        """
        place = self._of(key)
        pupil = place.pupil
        before, until = self._before
        late = self._now() - until < _GRACE
        if label != self.label_for(pupil) and not (
            late and label == (pupil.handed_in % 10 if before is None else before)
        ):
            raise RefusalError("task", f"the task is now: draw a {self.label_for(pupil)}")
        if len(pupil.drawings) >= self.limits.drawings:
            raise RefusalError("full", f"{self.limits.drawings} drawings of yours are on the wall already")
        if not place.hand_ins.take():
            raise RefusalError("often", "too many drawings in a moment")

    def show(self, key: str, picture: bytes) -> Sketch:
        """A pupil draws; the picture (a PNG file of ours) stands on the wall.

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
        """The pupil has cleared the pad.

        Raises:
            RefusalError: no such key.
        """
        place = self._of(key)
        place.pupil = replace(place.pupil, sketch=None)
        self._note(place.pupil.number)

    def note_reading(self, pupil: int, number: int, answer: int | None, confidence: float) -> None:
        """What was read in a sketch, where it is still that one."""
        place = self._places.get(pupil)
        if place is None or place.pupil.sketch is None or place.pupil.sketch.number != number:
            return
        read = replace(place.pupil.sketch, read=True, answer=answer, confidence=confidence)
        place.pupil = replace(place.pupil, sketch=read)
        self._note(pupil)

    def hand_in(
        self, key: str, label: int, picture: bytes, glyph: NDArray[np.uint8], answer: int | None, confidence: float
    ) -> Drawing:
        """A drawing is ready; `may_hand_in` was asked before.

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
        """A pupil takes one of the own drawings back.

        Raises:
            RefusalError: no such key or drawing.
        """
        self.remove_drawing(self._of(key).pupil.number, number)

    # The teacher ---------------------------------------------------------------------------------------------------

    def pupil(self, number: int) -> Pupil:
        """One pupil.

        Raises:
            RefusalError: there is none of this number.
        """
        if number not in self._places:
            raise RefusalError("missing", f"there is no pupil {number} in the class")
        return self._places[number].pupil

    def set_task(self, digit: int | None) -> None:
        """What is to be drawn from now on; None: each goes through all ten."""
        if digit != self.task:
            self._before, self.task = (self.task, self._now()), digit
            self._note()

    def let_join(self, allowed: bool) -> None:
        """Whether more may join."""
        self.open = allowed
        self._note()

    def rename(self, number: int) -> Pupil:
        """Take a pupil's nickname away: in its place stands "Pupil" and the number.

        Raises:
            RefusalError: there is no such pupil.
        """
        name = f"Pupil {self.pupil(number).number}"
        while any(each.pupil.name.casefold() == name.casefold() for each in self._places.values()):
            name += "*"
        place = self._places[number]
        place.pupil = replace(place.pupil, name=name)
        self._note(number)
        return place.pupil

    def remove_pupil(self, number: int) -> None:
        """Take a pupil out of the class, with all that was drawn; the key opens nothing from then on.

        Raises:
            RefusalError: there is no such pupil.
        """
        self.pupil(number)
        del self._keys[self._places.pop(number).key]
        self.version += 1
        self._gone.append((self.version, number))
        self.changed()

    def remove_drawing(self, pupil: int, number: int) -> None:
        """Take a drawing away.

        Raises:
            RefusalError: there is no such pupil or drawing.
        """
        found = self.pupil(pupil)
        left = tuple(each for each in found.drawings if each.number != number)
        if len(left) == len(found.drawings):
            raise RefusalError("missing", f"there is no drawing {number} of pupil {pupil}")
        self._places[pupil].pupil = replace(found, drawings=left)
        self._note(pupil)

    def begin_again(self) -> None:
        """Forget all pupils and drawings; there is a new code from then on."""
        for number in list(self._places):
            self.remove_pupil(number)
        self.code, self.open, self.round = _new_code(), True, self.round + 1
        self._note()

    def collection(self) -> Collection:
        """All drawings that stand there now, with their writers.

        Raises:
            RefusalError: there are none.
        """
        all_ = [(pupil, drawing) for pupil in self.pupils for drawing in pupil.drawings]
        if not all_:
            raise RefusalError("empty", "no drawing was handed in yet")
        return Collection(
            np.array([drawing.glyph for _, drawing in all_], np.uint8),
            np.array([drawing.label for _, drawing in all_], np.uint8),
            np.array([pupil.name for pupil, _ in all_]),
            frozenset((pupil.number, drawing.number) for pupil, drawing in all_),
        )

    def note_kept(self, collection: Collection) -> None:
        """These drawings are in the file now, and no others."""
        for number, place in self._places.items():
            drawings = tuple(
                replace(each, kept=(number, each.number) in collection.places) for each in place.pupil.drawings
            )
            place.pupil = replace(place.pupil, drawings=drawings)
            self._note(number)

    def changes(self, since: int) -> Changes:
        """What is not as it was at a version; 0: all."""
        changed = tuple(each.pupil for each in self._places.values() if each.version > since)
        gone = tuple(number for version, number in self._gone if version > since) if since else ()
        return Changes(self.version, changed, gone)

    # ---------------------------------------------------------------------------------------------------------------

    def _of(self, key: str) -> _Place:
        number = self._keys.get(key)
        if number is None:
            raise RefusalError("key", "you are not in the class, or no more; join it again with its code")
        return self._places[number]

    def _expect_free(self, name: str) -> None:
        wanted = alike(name)
        if any(alike(each.pupil.name) == wanted for each in self._places.values()):
            raise RefusalError("taken", "somebody in the class has this name already; choose another one")

    def _note(self, pupil: int | None = None) -> None:
        self.version += 1
        if pupil is not None:
            self._places[pupil].version = self.version
        self.changed()


def _new_code() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_CODE))
    return f"{letters[: _CODE // 2]}-{letters[_CODE // 2 :]}"
