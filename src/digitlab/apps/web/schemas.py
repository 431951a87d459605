"""The messages of the API, version 1: every request and answer.

=======  ==============================  ================================================  ==========================
method   path                            takes                                             answers
=======  ==============================  ================================================  ==========================
POST     /v1/classify                    a picture; ``?model=&threshold=&page=``           `Classified`
POST     /v1/read                        a picture; ``?model=&threshold=&page=``           `ReadPage`
POST     /v1/picture                     a picture; ``?page=``                             a JPEG that browsers show
POST     /v1/inspect                     a picture; ``?model=&threshold=&page=``           `Inspected`
POST     /v1/filters                     a picture; ``?page=``                             `FilterBank`
POST     /v1/probabilities               `GlyphQuestion`                                   `Probabilities`
POST     /v1/explain                     `ExplainQuestion`                                 `Explained`
POST     /v1/occlusion                   `OcclusionQuestion`                               `Occluded`
POST     /v1/diagnose                    a picture; ``?model=&label=``                     `Diagnosed`
GET      /v1/models                                                                        `Models`
GET      /v1/models/{name}                                                                 `ModelDetail`
GET      /v1/models/{name}/mistakes                                                        `ModelMistakes`
GET      /v1/gallery                                                                       `Gallery`
GET      /v1/learning-digits                                                               `LearningDigits`
GET      /v1/lessons                                                                       `Lessons`
GET      /v1/trainings                                                                     `Trainings`
POST     /v1/trainings                   `TrainingQuestion`                                `TrainingState` (201)
GET      /v1/trainings/{id}                                                                `TrainingState`
GET      /v1/trainings/{id}/events                                                         server-sent events, below
DELETE   /v1/trainings/{id}                                                                `TrainingState`
WS       /v1/live                        binary frames (JPEG, PNG …); ``?model=&mode=``    `LiveAnswer` as text, each
GET      /healthz                                                                          `Health`
GET      /metrics                                                                          Prometheus' text
GET      /v1/openapi.json                                                                  this, as OpenAPI
GET      / and /static/…                                                                   the page
=======  ==============================  ================================================  ==========================

- A picture is the request's body: the file itself (any or no Content-Type; JPEG, PNG, WebP, BMP, TIFF, GIF, PPM,
  JPEG 2000, AVIF, and HEIC and PDF where the server has those extras), a data URL of it as text, or
  ``multipart/form-data`` with either in the field ``image``. Of several pages (PDF, TIFF) ``?page=2`` is the second;
  without it, the first is read. ``note`` says which one was read, `ReadPage` has its number, /v1/picture the header
  ``Digitlab-Pages``.
- "Bytes" are base64 of plain bytes, row by row. A *glyph* is the digit as the networks take it: base64 of 784 bytes,
  28×28, light ink on dark; `Inspected` contains it, and the questions about a glyph send it back. None is stored.
- ``model`` is a name of ``/v1/models``, never a path; if it is left out, the server's default is used.
- Errors are ``application/problem+json`` (`Problem`); 503 and 429 come with a ``Retry-After`` in seconds.
- Server-sent events: ``progress`` (`TrainingProgress`), ``epoch`` (`TrainingEpoch`), ``stage`` (``{"text"}``),
  ``state`` (`TrainingState`; after the last one the stream closes). Past events come first.
- On /v1/live the newest frame wins: while one is read, only the last that arrives meanwhile is kept. ``frame`` counts
  the frames as they arrive, from 0, so that the sender knows which one an answer is about.
- /v1/live?mode=page reads all digits of a frame, like /v1/read; mode=digit the one digit that it shows, like
  /v1/classify, ten times as fast.
- With a token: ``Authorization: Bearer TOKEN``; a browser opens ``/?token=TOKEN`` once and has a cookie from then on.
"""

# No `from __future__ import annotations`: pydantic reads these annotations while the classes are made.

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Classified", "FilterBank", "FilterResult", "FoundDigit", "Gallery", "GallerySet", "Health",
    "LabelledGlyphs", "LearningDigits", "Lesson", "LessonPart", "Lessons", "LiveAnswer", "Problem", "ReadPage",
]  # fmt: skip

Bytes = Annotated[str, Field(description="base64 of plain bytes")]


class Message(BaseModel):
    """Base class of all messages: no fields beyond those declared, no numbers that JSON cannot represent."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Problem(Message):
    """An error, in the format of RFC 9457."""

    type: str = Field(description="urn:digitlab:problem:WORD, for programs; the words are stable")
    title: str
    status: int
    detail: str = Field(description="what was given, what was expected, what to do")


# Reading ---------------------------------------------------------------------------------------------------------


class Classified(Message):
    """The one digit of a picture."""

    digit: int | None = Field(description="null where no digit was found, or the answer is below the threshold")
    confidence: float = Field(description="how likely the most likely digit stands there, also where digit is null")
    probabilities: list[float] = Field(description="which digit, if it is one: ten, class 0 first; all 0: none found")
    model: str
    ms: float
    note: str | None = Field(None, description="such as that the picture holds several digits, which /v1/read reads")


class FoundDigit(Message):
    """One digit of a page; ``digit`` is null if it was found but not answered, which is ? in the text."""

    model_config = ConfigDict(extra="ignore")

    digit: int | None
    confidence: float
    box: list[int] = Field(description="x0, y0, x1, y1 in pixels of the upright picture, x1 and y1 exclusive")
    line: int


class FoundNumber(Message):
    """Digits of one line that belong together, with the signs between them."""

    model_config = ConfigDict(extra="ignore")

    text: str = Field(description="digits, , . - / : and spaces as they stand; ? for a digit that was not answered")
    confidence: float = Field(description="how likely all of it is right")
    box: list[int] = Field(description="x0, y0, x1, y1 in pixels of the upright picture, x1 and y1 exclusive")
    digits: list[int] = Field(description="indices of its digits in the page's digits")


class ReadPage(Message):
    """All digits of a picture, in reading order, as in the output of ``digitlab read --json``."""

    text: str = Field(description="the lines; a character a digit, ? for one that was found but not answered")
    lines: list[str]
    written: list[str] = Field([], description="the same lines with the signs that stand between digits, as in 12,50")
    digits: list[FoundDigit]
    numbers: list[FoundNumber] = Field([], description="the digits in groups that belong together")
    note: str | None = Field(None, description="such as that the page was upside down and was rotated first")
    turned: int = Field(0, description="quarter turns, clockwise, by which it was turned; boxes are as it was sent")
    page: int = Field(1, description="which page of the file this is, from 1")
    pages: int = Field(1, description="how many pages the file has")
    ms: float
    width: int = Field(description="of the upright picture, in pixels")
    height: int
    model: str


class LiveAnswer(Message):
    """The answer to one frame of /v1/live; if the frame was not a picture, it has only ``error`` and ``frame``."""

    frame: int
    text: str = ""
    steady: str | None = Field(None, description="what surely stands there, over the frames so far; null: not sure")
    drawing: bool = Field(False, description="whether ink is likely coming or going")
    digits: list[FoundDigit] = Field([], description="with mode=digit one at most, its box the whole frame")
    probabilities: list[float] = Field([], description="with mode=digit: ten, class 0 first; all 0: none found")
    turned: int = Field(0, description="quarter turns, clockwise, by which it was turned; boxes are as it was sent")
    width: int = 0
    height: int = 0
    ms: float = Field(0.0, description="of reading")
    latency_ms: float = Field(0.0, description="from the frame's arrival to this answer")
    skipped: int = Field(0, description="frames so far that newer ones overtook")
    error: str | None = None


# Teaching --------------------------------------------------------------------------------------------------------


class FilterResult(Message):
    """The picture after one classical filter: value = low + grey / 255 × (high − low)."""

    name: str = Field(description="lines-horizontal, sobel-vertical, laplacian-4, mean … (S2)")
    kernel: list[list[float]]
    low: float
    high: float
    png: Bytes = Field(description="a grey PNG file")


class FilterBank(Message):
    """S2's bank of filters applied to a picture, reduced to at most 320 pixels a side."""

    width: int
    height: int
    grey: Bytes = Field(description="a PNG file: what the filters took")
    results: list[FilterResult]


class GallerySet(Message):
    """Glyphs to try, as one strip: uint8 (count, 28, 28)."""

    name: str = Field(description="mnist, hard-…, or strangers: out-of-distribution images")
    count: int
    labels: list[int | None] = Field(description="the true labels; null for out-of-distribution images")
    data: Bytes


class Gallery(Message):
    """Test digits, hard cases, and out-of-distribution images."""

    sets: list[GallerySet]


class LabelledGlyphs(Message):
    """Digits with their labels, as one strip: uint8 (N, 28, 28)."""

    labels: list[int]
    data: Bytes
    packed: bool = Field(description="whether the bytes are in zlib's form")


class LearningDigits(Message):
    """Training and test images for a network in the browser."""

    train: LabelledGlyphs = Field(description="of MNIST's training images, as many of each digit")
    test: LabelledGlyphs = Field(description="of MNIST's test images")


class LessonPart(Message):
    """One part of a lesson: words, and where the page goes with them."""

    text: dict[str, str] = Field(description="by language, e.g. en; a blank line parts paragraphs")
    link: str = Field(description="the fragment of the page's address")


class Lesson(Message):
    """A list of links with a few words each."""

    name: str
    title: dict[str, str] = Field(description="by language")
    parts: list[LessonPart]
    model: str | None = Field(None, description="that the page must have for it")


class Lessons(Message):
    """All lessons, in the order of the menu."""

    lessons: list[Lesson]


class Health(Message):
    """The server is running."""

    status: Literal["ok"]
    version: str
    models: int
    uptime_seconds: float
