"""What a class is made of: pupils, what they draw, and what is refused."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from digitlab.errors import DigitlabError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Changes", "ClassLimits", "Collection", "Drawing", "Pupil", "RefusalError", "Sketch", "alike", "plain_nickname",
]  # fmt: skip

Reason = Literal["code", "key", "closed", "full", "taken", "name", "task", "empty", "missing", "often"]

_BLANK = "\u115f\u1160\u3164\uffa0"  # letters that nobody sees
_MARKS = 2  # signs above or below one letter; more of them would run over what stands around


class RefusalError(DigitlabError):
    """Something that a class does not take; ``reason`` is the stable part."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ClassLimits:
    """Limits of one class.

    pupils: that are in it at once
    drawings: of one pupil
    name: letters of a nickname
    sketches, hand_ins: of one pupil, per second in the long run and at once
    joins, guesses: of all together: with the right code, and with a wrong one
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
    """What a pupil draws at the moment.

    number: from 1, of this pupil's sketches; label: the task's digit
    picture: a grey PNG file, small; answer: None where it is declined, or while ``read`` is False
    """

    number: int
    label: int
    picture: bytes
    read: bool = False
    answer: int | None = None
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a pupil has handed in.

    number: of this pupil's drawings, from 1; label: what the task was; picture: a small grey PNG file
    glyph: uint8 (28, 28), light ink on dark; answer: what the reader read, None where it declined
    kept: whether it is in the file that was written last
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
    """A pupil as the teacher sees one; ``number`` from 1, never given twice."""

    number: int
    name: str
    drawings: tuple[Drawing, ...] = ()
    sketch: Sketch | None = None
    handed_in: int = 0  # in all, removed ones too: by it the tasks go round

    @property
    def right(self) -> int:
        """How many drawings were read as what they were meant to be."""
        return sum(each.answer == each.label for each in self.drawings)


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed since a version: pupils as they are now, and the numbers of those that are gone."""

    version: int
    pupils: tuple[Pupil, ...]
    gone: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """All drawings: uint8 images (N, 28, 28), labels (N,), and of each its writer's name and its place in the class."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    writers: NDArray[np.str_]
    places: frozenset[tuple[int, int]] = field(repr=False)


def plain_nickname(name: str, most: int = 20) -> str:
    r"""A nickname as it is shown: one line of visible letters and signs; what it says as markup stays what was typed.

    Raises:
        RefusalError: nothing that could be seen, or more than ``most`` letters.

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
    found = " ".join("".join(letters).split())
    if not any(letter.isalnum() for letter in found):
        raise RefusalError("name", "a name needs a letter or a digit")
    if len(found) > most:
        raise RefusalError("name", f"the name has {len(found)} letters; at most {most} fit on the wall")
    return found


def alike(name: str) -> str:
    """The same for names that look alike: other case, other widths."""
    return unicodedata.normalize("NFKC", name).casefold()
