"""The values of a class: pupils, their sketches and drawings, limits and refusals."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from digitlab.errors import DigitlabError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Changes", "ClassLimits", "Collection", "Drawing", "Entry", "Pupil", "RefusalError", "Sketch", "alike",
    "plain_nickname",
]  # fmt: skip

Reason = Literal["code", "key", "closed", "full", "taken", "name", "task", "empty", "missing", "often"]

_BLANK = "\u115f\u1160\u3164\uffa0"  # letters that are invisible
_MARKS = 2  # combining marks on one letter; more of them would overlap their surroundings


class RefusalError(DigitlabError):
    """A request that a class refuses; ``reason`` is the stable part."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ClassLimits:
    """Limits of one class.

    pupils: in the class at once
    drawings: of one pupil
    name: letters of a nickname
    sketches, hand_ins: of one pupil: per second in the long run, and at once
    joins, guesses: of all together, likewise: attempts with the right code, and with a wrong one
    """

    pupils: int = 60
    drawings: int = 200
    name: int = 20
    sketches: tuple[float, int] = (8.0, 16)
    hand_ins: tuple[float, int] = (1.0, 6)
    joins: tuple[float, int] = (5.0, 60)
    guesses: tuple[float, int] = (5.0, 40)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a pupil is drawing now.

    number: from 1, of this pupil's sketches; label: the task's digit
    picture: a small grey PNG file; answer: None if the reader declined, or while ``read`` is False
    """

    number: int
    label: int
    picture: bytes
    read: bool = False
    answer: int | None = None
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that a pupil has handed in.

    number: of this pupil's drawings, from 1; label: the task's digit; picture: a small grey PNG file
    glyph: uint8 (28, 28), light ink on dark; answer: what the reader read, None if it declined
    kept: whether it is in the file as last written, under the pupil's present name
    """

    number: int
    label: int
    picture: bytes
    glyph: NDArray[np.uint8]
    answer: int | None
    confidence: float
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Pupil:
    """A pupil as the teacher sees it; ``number`` counts from 1 and is never reused."""

    number: int
    name: str
    drawings: tuple[Drawing, ...] = ()
    sketch: Sketch | None = None
    handed_in: int = 0  # total, including removed ones: determines the task when each pupil goes through all digits

    @property
    def right(self) -> int:
        """Number of drawings that were read correctly."""
        return sum(drawing.answer == drawing.label for drawing in self.drawings)


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes since a version: pupils as they are now, and the numbers of those that are gone."""

    version: int
    pupils: tuple[Pupil, ...]
    gone: tuple[int, ...]


Entry = tuple[int, str, int]  # a drawing in the file: its writer's number and name, and its number


@dataclass(frozen=True, slots=True)
class Collection:
    """All drawings: uint8 images (N, 28, 28), labels (N,), and of each the writer's name and its entry."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    writers: NDArray[np.str_]
    entries: frozenset[Entry] = field(repr=False)


def plain_nickname(name: str, most: int = 20) -> str:
    r"""Sanitise a nickname for display: one line of visible characters; markup in it is kept as typed.

    Raises:
        RefusalError: for no letter or digit, or more than ``most`` letters.

    >>> plain_nickname("  Ana \n María ")
    'Ana María'
    >>> plain_nickname("a\u202egnp.exe\x1b[31m")
    'agnp.exe[31m'
    """
    letters: list[str] = []
    marks = 0
    for letter in unicodedata.normalize("NFC", name[: 20 * most]):
        kind = unicodedata.category(letter)[0]
        if letter.isspace():
            letters.append(" ")
        elif kind == "C" or letter in _BLANK:  # control, format (directions, joiners), unassigned
            continue
        marks = marks + 1 if kind == "M" else 0
        if marks <= _MARKS and not letter.isspace():
            letters.append(letter)
    nickname = " ".join("".join(letters).split())
    if not any(letter.isalnum() for letter in nickname):
        raise RefusalError("name", "a name needs a letter or a digit")
    if len(nickname) > most:
        raise RefusalError("name", f"the name has {len(nickname)} letters; at most {most} fit on the wall")
    return nickname


def alike(name: str) -> str:
    """Return a key that is the same for names that look alike: other case, other widths."""
    return unicodedata.normalize("NFKC", name).casefold()
