"""The messages of a class, in addition to those in `schemas`.

=======  ==========================================  ================================  ============================
method   path                                        takes                             answers
=======  ==========================================  ================================  ============================
POST     /v1/pupil                                   `Joining`                         `Joined` (201)
GET      /v1/pupil                                                                     `OwnState`
POST     /v1/pupil/sketch                            a PNG file, or nothing: wiped     `Sketched`
POST     /v1/pupil/drawings?label=7                  a PNG file                        `OwnState` (201)
DELETE   /v1/pupil/drawings/{number}                                                   `OwnState`
GET      /v1/pupil/events                                                              events: state, read, gone
GET      /v1/class                                                                     `ClassState`
POST     /v1/class                                   `ClassSettings`                   `ClassState`
DELETE   /v1/class                                                                     `ClassState`: forgotten
GET      /v1/class/events                                                              events: room, tiles, gone
GET      /v1/class/pupils/{number}                                                     `PupilDrawings`
DELETE   /v1/class/pupils/{number}                                                     `ClassState`
DELETE   /v1/class/pupils/{number}/name                                                `PupilDrawings`
DELETE   /v1/class/pupils/{number}/drawings/{of}                                       `PupilDrawings`
POST     /v1/class/keep                                                                `ClassState`
POST     /v1/class/training                                                            `TrainingState` (201)
=======  ==========================================  ================================  ============================

All of /v1/pupil but joining needs ``Authorization: Pupil KEY``; /v1/class needs the server's token, as all else does.
"""

# No `from __future__ import annotations`: pydantic reads these annotations while the classes are made.

from typing import Annotated, Literal

from pydantic import Field

from digitlab.apps.web.schemas import Bytes, Message

__all__ = [
    "ClassLink", "ClassSettings", "ClassState", "HandedIn", "Joined", "Joining", "OwnDrawing", "OwnState",
    "PupilDrawings", "SketchRead", "Sketched", "Tile", "TileSketch",
]  # fmt: skip

Digit = Annotated[int, Field(ge=0, le=9)]


class Joining(Message):
    """A pupil asks to join."""

    code: str = Field(max_length=40, description="the class's code, as it stands on the wall")
    name: str = Field(max_length=200, description="a nickname")


class OwnDrawing(Message):
    """One of the pupil's own drawings."""

    number: int
    label: Digit = Field(description="what was to be drawn")
    answer: Digit | None = Field(description="what was read; null: the reader is not sure")


class OwnState(Message):
    """Everything that a pupil is told."""

    name: str
    label: Digit = Field(description="the digit to draw now")
    drawings: list[OwnDrawing]


class Joined(Message):
    """A pupil is in the class."""

    key: str = Field(description="opens this pupil's drawings, and nothing else")
    state: OwnState


class Sketched(Message):
    """A sketch is on the wall."""

    number: int = Field(description="of this pupil's sketches, from 1; 0: the pad was wiped")


class SketchRead(Message):
    """What was read in a sketch."""

    number: int
    answer: Digit | None
    confidence: float


class TileSketch(Message):
    """What a pupil is drawing now, or drew last."""

    number: int = Field(description="of this pupil's sketches, or of the drawings where it is handed in")
    handed_in: bool
    label: Digit
    picture: Bytes = Field(description="a small grey PNG file")
    read: bool
    answer: Digit | None
    confidence: float


class Tile(Message):
    """A pupil on the wall."""

    number: int
    name: str
    shown: TileSketch | None
    drawings: int
    right: int = Field(description="of the drawings, read as what they were meant to be")


class HandedIn(Message):
    """A drawing, as the teacher sees it."""

    number: int
    label: Digit
    picture: Bytes
    answer: Digit | None
    confidence: float
    kept: bool


class PupilDrawings(Message):
    """A pupil and all drawings."""

    number: int
    name: str
    drawings: list[HandedIn]


class ClassLink(Message):
    """Where pupils join, also as a QR code: ``dark`` are its ``side`` by ``side`` modules, one byte each, 1 if dark."""

    address: str = Field(description="without the code")
    link: str = Field(description="with the code, behind #, which browsers send to nobody")
    side: int
    dark: Bytes


class ClassSettings(Message):
    """The teacher's changes; fields that are left out stay as they are."""

    task: Digit | Literal["round"] | None = Field(None, description="a digit for all; round: each goes through all ten")
    open: bool | None = Field(None, description="whether more may join")


class ClassState(Message):
    """The class without its pupils."""

    code: str
    open: bool
    task: Digit | None = Field(description="null: each goes through all ten")
    pupils: int
    drawings: int
    unkept: int = Field(description="drawings that are not in the file")
    removed: int = Field(description="drawings in the file that were removed since, or whose writer's name was")
    file: str | None = Field(description="the name of the file with what was kept last")
    links: list[ClassLink]
    local: bool = Field(description="whether only this machine can reach the server")
    training: bool = Field(description="whether the server can train")
