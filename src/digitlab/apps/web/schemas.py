"""What goes over the wire: every request and answer of the API, in version 1.

=======  ==============================  ================================================  ==========================
method   path                            takes                                             answers
=======  ==============================  ================================================  ==========================
POST     /v1/classify                    a picture; ``?model=&threshold=``                 `Classified`
POST     /v1/read                        a picture; ``?model=&threshold=``                 `ReadPage`
POST     /v1/inspect                     a picture; ``?model=&threshold=``                 `Inspected`
POST     /v1/filters                     a picture                                         `FilterBank`
POST     /v1/probabilities               `GlyphQuestion`                                   `Probabilities`
POST     /v1/explain                     `ExplainQuestion`                                 `Explained`
POST     /v1/occlusion                   `OcclusionQuestion`                               `Occluded`
GET      /v1/models                                                                        `Models`
GET      /v1/models/{name}                                                                 `ModelDetail`
GET      /v1/gallery                                                                       `Gallery`
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
  ``multipart/form-data`` with either in the field ``image``. Of several pages the first is read, and ``note`` says so.
- "Bytes" are base64 of plain bytes, row by row. A *glyph* is the digit as the networks take it: base64 of 784 bytes,
  28×28, light ink on dark; `Inspected` gives it, and the questions about a glyph take it back. Nothing is remembered.
- ``model`` is a name of ``/v1/models``, never a path; left out, the server's default.
- Errors are ``application/problem+json`` (`Problem`), with 503 and 429 a ``Retry-After`` in seconds.
- Server-sent events: ``progress`` (`TrainingProgress`), ``epoch`` (`TrainingEpoch`), ``stage`` (``{"text"}``),
  ``state`` (`TrainingState`; the last one is the end, then the stream closes). Those of the past come first.
- On /v1/live the newest frame wins: while one is read, only the last that came meanwhile is kept. ``frame`` counts the
  frames as they came, from 0, so that the sender knows which one an answer is about.
- /v1/live?mode=page reads all digits of a frame, as /v1/read; mode=digit the one digit that it shows, as /v1/classify,
  ten times as fast.
- With a token: ``Authorization: Bearer TOKEN``; a browser opens ``/?token=TOKEN`` once and has a cookie from then on.
"""

# No `from __future__ import annotations`: pydantic reads these annotations while the classes are made.

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "Architecture",
    "Classified",
    "ExplainQuestion",
    "Explained",
    "FilterBank",
    "FilterResult",
    "FoundDigit",
    "Gallery",
    "GallerySet",
    "GlyphQuestion",
    "Health",
    "Inspected",
    "Kernels",
    "LayerDetail",
    "LayerMaps",
    "Lesson",
    "LessonPart",
    "Lessons",
    "LiveAnswer",
    "Mistake",
    "ModelDetail",
    "ModelSummary",
    "Models",
    "Occluded",
    "OcclusionQuestion",
    "Probabilities",
    "Problem",
    "ReadPage",
    "ReceptiveField",
    "TrainingEpoch",
    "TrainingProgress",
    "TrainingQuestion",
    "TrainingState",
    "Trainings",
]

Glyph = Annotated[
    str,
    StringConstraints(min_length=1048, max_length=1048, pattern=r"^[A-Za-z0-9+/]{1046}==$"),
    Field(description="base64 of 784 bytes: 28×28, row by row, light ink on dark"),
]
Bytes = Annotated[str, Field(description="base64 of plain bytes")]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Digit = Annotated[int, Field(ge=0, le=9)]


class Message(BaseModel):
    """What all have in common: no field beyond those named, no number that JSON cannot write."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Problem(Message):
    """An error, as RFC 9457 has it."""

    type: str = Field(description="urn:digitlab:problem:WORD, for programs; the words are stable")
    title: str
    status: int
    detail: str = Field(description="what was given, what was expected, what to do")


# Reading ---------------------------------------------------------------------------------------------------------


class Classified(Message):
    """The one digit of a picture."""

    digit: int | None = Field(description="null where no digit was found, or the answer is below the threshold")
    confidence: float = Field(description="how likely the likeliest digit stands there, also where digit is null")
    probabilities: list[float] = Field(description="which digit, if it is one: ten, class 0 first; all 0: none found")
    model: str
    ms: float
    note: str | None = Field(None, description="such as that the picture holds several digits, which /v1/read reads")


class FoundDigit(Message):
    """One digit of a page; null where it was found but not answered, which is ? in the text."""

    model_config = ConfigDict(extra="ignore")

    digit: int | None
    confidence: float
    box: list[int] = Field(description="x0, y0, x1, y1 in pixels of the upright picture, x1 and y1 exclusive")
    line: int


class ReadPage(Message):
    """All digits of a picture, in reading order, as ``digitlab read --json`` says them."""

    text: str = Field(description="the lines; a character a digit, ? for one that was found but not answered")
    lines: list[str]
    digits: list[FoundDigit]
    note: str | None = Field(None, description="such as that the page lies upside down, and was turned and read")
    turned: int = Field(0, description="quarter turns, clockwise, by which it was turned; boxes are as it was sent")
    ms: float
    width: int = Field(description="of the upright picture, in pixels")
    height: int
    model: str


class LiveAnswer(Message):
    """The answer to one frame of /v1/live; ``error`` stands alone with ``frame`` where the frame was no picture."""

    frame: int
    text: str = ""
    steady: str | None = Field(None, description="what most of the last frames agree on")
    digits: list[FoundDigit] = Field([], description="with mode=digit one at most, its box the whole frame")
    probabilities: list[float] = Field([], description="with mode=digit: ten, class 0 first; all 0: none found")
    turned: int = Field(0, description="quarter turns, clockwise, by which it was turned; boxes are as it was sent")
    width: int = 0
    height: int = 0
    ms: float = Field(0.0, description="of reading")
    latency_ms: float = Field(0.0, description="from the frame's arrival to this answer")
    skipped: int = Field(0, description="frames so far that newer ones overtook")
    error: str | None = None


# Models and what goes on in them ---------------------------------------------------------------------------------


class ModelSummary(Message):
    """A model that the server has loaded."""

    name: str
    architecture: str
    parameters: int
    source: Literal["shipped", "given", "trained"]
    accuracy: float | None = Field(description="on test images, as the model's own card says; null where it does not")
    layers: bool = Field(description="whether its layers can be looked into")


class Models(Message):
    """All models; ``default`` is the one that answers where none is asked for."""

    default: str
    models: list[ModelSummary]


class ReceptiveField(Message):
    """Which pixels of the glyph one unit of a layer sees.

    Unit (row, column) sees ``size`` pixels down and across, around ``middle + step × (row, column)``; parts may lie
    outside the glyph (padding).
    """

    size: list[int] = Field(description="down, across")
    step: list[int] = Field(description="between neighbours' fields")
    middle: list[float] = Field(description="of the first unit's field, in pixel indices")


class Kernels(Message):
    """A layer's weights, for pictures: value = int8 / 127 × scale. Exact numbers come from /v1/explain."""

    shape: list[int] = Field(description="filters, input maps, rows, columns; a dense layer: outputs, inputs, 1, 1")
    scale: float = Field(description="the largest absolute weight")
    data: Bytes = Field(description="int8 in the order of shape")
    bias: list[float] | None = Field(description="one a filter, or null where the layer has none")


class LayerDetail(Message):
    """One layer, as it stands in the network. Layers are in the order in which they are computed."""

    name: str = Field(description="unique in the model, e.g. conv-1, relu-1, pool-1, dense-1, softmax")
    kind: Literal[
        "preparation", "convolution", "activation", "normalisation", "pooling", "addition", "mean", "concatenation",
        "flatten", "dense", "softmax", "other",
    ]  # fmt: skip
    operator: str = Field(description="what it computes, e.g. Conv 3×3, Relu, MaxPool 2×2")
    shape: list[int] = Field(description="rows, columns, maps; or one number for a row of units")
    parameters: int
    takes: list[str] = Field(description="the layers it computes from; none for the first")
    field: ReceptiveField | None = Field(description="null where every unit sees the whole glyph")
    explainable: bool = Field(description="whether /v1/explain can take one of its units apart")
    kernels: Kernels | None = Field(description="of convolutions and small dense layers")


class ModelDetail(Message):
    """A model and its layers. Fetched once a model; the maps of each glyph come from /v1/inspect."""

    name: str
    architecture: str
    parameters: int
    preparation: str = Field(description="what happens to the pixels first, in words")
    training: dict[str, str | int | float | bool | None] = Field(description="what the model's card says of it")
    layers: list[LayerDetail]


class LayerMaps(Message):
    """All activation maps of one layer: value = low + byte / 255 × (high − low), the same for all maps of the layer."""

    name: str
    shape: list[int] = Field(description="maps, rows, columns; a row of units: units, 1, 1")
    low: float
    high: float
    data: Bytes = Field(description="uint8 in the order of shape: map by map")


class Inspected(Message):
    """What a network makes of the prepared image of a picture's digit, in one pass.

    That network's own answer, which /v1/classify joins with what the page reader saw in the picture itself.
    """

    digit: int | None
    confidence: float = Field(description="the largest of the probabilities")
    probabilities: list[float] = Field(description="of the network's softmax, class 0 first; all 0 without ink")
    model: str
    glyph: Glyph | None = Field(description="what the network took; null where there is no ink, and then no layers")
    layers: list[LayerMaps]
    ms: float


class GlyphQuestion(Message):
    """What models say of these glyphs, just as they are: two models side by side, parts rubbed out."""

    glyphs: list[Glyph] = Field(min_length=1, max_length=64)
    models: list[ModelName] = Field(default=[], max_length=4, description="none: the server's default")


class Probabilities(Message):
    """For each model (outer, in the order asked) and each glyph: ten probabilities."""

    models: list[str]
    probabilities: list[list[list[float]]]


class ExplainQuestion(Message):
    """How one number of a convolution, pooling, activation or dense layer came about."""

    glyph: Glyph
    model: ModelName | None = None
    layer: ModelName
    channel: int = Field(ge=0, le=100_000, description="which map; of a row of units: which unit")
    row: int = Field(0, ge=0, le=1000)
    column: int = Field(0, ge=0, le=1000)


class Explained(Message):
    """One unit, taken apart: sum(products) + bias = before, activation(before) = after.

    ``patch``, ``kernel`` and ``products`` are [input map][row][column]; of a dense layer, and of a window with more
    than 4,096 numbers, only the 64 input maps (units) with the largest products are given, ``inputs`` names them and
    ``rest`` is the sum of the others' products. Pooling and activations have no kernel: patch is what they took.
    """

    layer: str
    kind: str
    channel: int
    row: int
    column: int
    field: list[int] | None = Field(description="x0, y0, x1, y1 of the receptive field in the glyph, cut to 0 … 28")
    inputs: list[int] = Field(description="which input maps or units the lists are about")
    patch: list[list[list[float]]]
    kernel: list[list[list[float]]] | None
    products: list[list[list[float]]] | None
    sums: list[float] | None = Field(description="of the products, one an input map")
    rest: float
    bias: float
    before: float = Field(description="the sum of all products and the bias")
    activation: str | None = Field(description="the function that follows, e.g. Relu; null for none")
    after: float = Field(description="activation(before), or before where there is none")
    network: float = Field(description="the same number (before) as the network itself computed it")


class OcclusionQuestion(Message):
    """Where does it hurt. A square of background is laid on every place in turn."""

    glyph: Glyph
    model: ModelName | None = None
    digit: Digit | None = Field(None, description="why this digit …; null: the likeliest")
    against: Digit | None = Field(None, description="… and not that one; null: the next likeliest")
    size: int = Field(5, ge=1, le=14, description="of the square, in pixels")
    stride: int = Field(2, ge=1, le=7, description="from place to place; 1 takes four times as long as 2")


class Occluded(Message):
    """Maps [row][column], the square's middle at ``stride × (row, column)``.

    ``fall``: probability of ``digit`` before minus after: large where the digit needs what is there. ``towards``: how
    much log p(digit) − log p(against) falls: large where erasing makes it the other digit.
    """

    model: str
    digit: int
    against: int
    before: list[float] = Field(description="the ten probabilities without a square")
    size: int
    stride: int
    fall: list[list[float]]
    towards: list[list[float]]


# Teaching --------------------------------------------------------------------------------------------------------


class FilterResult(Message):
    """One classical filter on the picture: value = low + grey / 255 × (high − low)."""

    name: str = Field(description="lines-horizontal, sobel-vertical, laplacian-4, mean … (S2)")
    kernel: list[list[float]]
    low: float
    high: float
    png: Bytes = Field(description="a grey PNG file")


class FilterBank(Message):
    """S2's bank of filters on a picture, made small: at most 320 pixels a side."""

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


# Training live ---------------------------------------------------------------------------------------------------


class Architecture(StrEnum):
    """The networks small enough to be trained while one watches."""

    TINY = "tiny-cnn"
    FIRST = "first-cnn"
    SLIDES = "slides-cnn"
    FAST = "fast-cnn"
    THESIS = "thesis-2conv"
    EXERCISE = "exercise-cnn"
    DENSE = "ann-397"


class TrainingQuestion(Message):
    """A small training: some of MNIST's images, a few epochs."""

    architecture: Architecture = Architecture.TINY
    images: int = Field(10_000, ge=500, le=60_000)
    epochs: int = Field(3, ge=1, le=20)
    learning_rate: float | None = Field(None, gt=0, le=10, description="null: the optimiser's usual one")
    seed: int = Field(1, ge=0, le=2**31 - 1)


class Mistake(Message):
    """A test image that the network has wrong after an epoch."""

    glyph: Glyph
    label: int
    answer: int
    confidence: float


class TrainingProgress(Message):
    """Within an epoch, after some batches more."""

    epoch: int
    batch: int = Field(description="the last one that was trained on; from 1")
    batches: int = Field(description="of an epoch")
    losses: list[float] = Field(description="of each batch since the last event; the last one is that of `batch`")
    accuracies: list[float] = Field(description="the same")


class TrainingEpoch(Message):
    """After an epoch."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None = Field(description="on 1,000 test images that are not trained on")
    seconds: float
    filters: Kernels | None = Field(description="of the first convolution, or null where the network has none")
    mistakes: list[Mistake] = Field(description="at most 24, the surest first")


class TrainingState(Message):
    """A training. ``model`` names the result among /v1/models once ``state`` is done or stopped."""

    id: str
    state: Literal["starting", "running", "stopping", "done", "stopped", "failed"]
    question: TrainingQuestion
    epochs: list[TrainingEpoch]
    model: str | None
    error: str | None


class Trainings(Message):
    """All trainings since the server began, the newest first; ``allowed`` says whether one can be begun now."""

    allowed: bool
    reason: str | None = Field(description="why not")
    refused: Literal["untrusted", "missing", "busy"] | None = Field(description="the same in a word")
    trainings: list[TrainingState]


class Health(Message):
    """The server is there."""

    status: Literal["ok"]
    version: str
    models: int
    uptime_seconds: float
