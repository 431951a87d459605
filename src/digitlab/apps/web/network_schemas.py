"""Messages of the API about networks: their layers, what happens in them, and small trainings.

`schemas` lists which request takes and answers which message.
"""

# No `from __future__ import annotations`: pydantic reads these annotations while the classes are made.

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from digitlab.apps.web.schemas import Bytes, Message

__all__ = [
    "Answered", "Architecture", "Diagnosed", "Difference", "ExplainQuestion", "Explained", "GlyphQuestion",
    "Inspected", "Kernels", "LayerDetail", "LayerMaps", "Mistake", "MistakeCost", "ModelDetail", "ModelMistakes",
    "ModelSummary", "Models", "Occluded", "OcclusionQuestion", "Probabilities", "ReceptiveField", "TrainingEpoch",
    "TrainingProgress", "TrainingQuestion", "TrainingState", "Trainings",
]  # fmt: skip

Glyph = Annotated[
    str,
    StringConstraints(min_length=1048, max_length=1048, pattern=r"^[A-Za-z0-9+/]{1046}==$"),
    Field(description="base64 of 784 bytes: 28×28, row by row, light ink on dark"),
]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Digit = Annotated[int, Field(ge=0, le=9)]


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
    """All models; ``default`` is the one that is used if a request names none."""

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
    """One layer of the network. Layers are in the order in which they are computed."""

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
    """A model and its layers. Fetched once per model; the maps of each glyph come from /v1/inspect."""

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
    """What a network computes for the prepared image of a picture's digit, in one pass.

    It is that network's own answer, which /v1/classify combines with what the page reader saw in the picture itself.
    """

    digit: int | None
    confidence: float = Field(description="the largest of the probabilities")
    probabilities: list[float] = Field(description="of the network's softmax, class 0 first; all 0 without ink")
    model: str
    glyph: Glyph | None = Field(description="what the network took; null where there is no ink, and then no layers")
    layers: list[LayerMaps]
    ms: float


class GlyphQuestion(Message):
    """A question for the probabilities of glyphs, taken as they are: to compare models, or with parts erased."""

    glyphs: list[Glyph] = Field(min_length=1, max_length=64)
    models: list[ModelName] = Field(default=[], max_length=4, description="none: the server's default")


class Probabilities(Message):
    """For each model (outer, in the order asked) and each glyph: ten probabilities."""

    models: list[str]
    probabilities: list[list[list[float]]]


class ExplainQuestion(Message):
    """A question for how one value of a convolution, pooling, activation or dense layer was computed."""

    glyph: Glyph
    model: ModelName | None = None
    layer: ModelName
    channel: int = Field(ge=0, le=100_000, description="which map; of a row of units: which unit")
    row: int = Field(0, ge=0, le=1000)
    column: int = Field(0, ge=0, le=1000)


class Explained(Message):
    """The terms of one unit: sum(products) + bias = before, activation(before) = after.

    ``patch``, ``kernel`` and ``products`` are [input map][row][column]; for a dense layer, and a window with more than
    4,096 numbers, only the 64 input maps (units) with the largest products are given, ``inputs`` lists them and
    ``rest`` is the sum of the others' products. Pooling and activations have no kernel: patch is their input.
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
    """A question for an occlusion map: a square of background is laid on every place in turn."""

    glyph: Glyph
    model: ModelName | None = None
    digit: Digit | None = Field(None, description="why this digit …; null: the most likely")
    against: Digit | None = Field(None, description="… and not that one; null: the next most likely")
    size: int = Field(5, ge=1, le=14, description="of the square, in pixels")
    stride: int = Field(2, ge=1, le=7, description="from place to place; 1 takes four times as long as 2")


class Occluded(Message):
    """Maps [row][column], the square's middle at ``stride × (row, column)``.

    ``fall``: probability of ``digit`` before minus after: large where the digit depends on what is there. ``towards``:
    how much log p(digit) − log p(against) falls: large where erasing turns it into the other digit.
    """

    model: str
    digit: int
    against: int
    before: list[float] = Field(description="the ten probabilities without a square")
    size: int
    stride: int
    fall: list[list[float]]
    towards: list[list[float]]


class Answered(Message):
    """The answer of a network."""

    digit: int
    confidence: float = Field(description="the probability of that digit")


class Difference(Message):
    """One difference of a picture from a model's training images, and the effect of correcting it."""

    name: Literal[
        "scale", "polarity", "background", "grey level", "transposition", "rotation", "crop", "box", "centre",
        "stroke width",
    ]  # fmt: skip
    measured: str | None = Field(description="in words; null where the picture does not differ in this")
    image: Glyph = Field(description="with all differences corrected up to this one, as the network is given it")
    answer: Answered = Field(description="to that image")
    alone: Answered = Field(description="where this one alone is corrected")
    without: Answered = Field(description="where all are corrected but this one")


class Diagnosed(Message):
    """Why a network misreads a picture of one digit, as ``digitlab diagnose`` finds it."""

    model: str
    sentence: str = Field(description="the outcome")
    causes: list[str] = Field(description="names of the differences that have to be corrected for the right answer")
    truth: int = Field(description="what the picture shows, as far as is known")
    known_by: Literal["label", "reader", "mended"] = Field(
        description="how: the label asked with, the shipped reader, or this model when all is corrected"
    )
    shown: Glyph = Field(description="the picture only made grey and 28×28")
    first: Answered = Field(description="to that")
    mended: Glyph = Field(description="with all differences corrected")
    last: Answered = Field(description="to that")
    prepared: Answered | None = Field(description="to the image that `lines` prepare; null where they find no ink")
    reader: Answered | None = Field(description="of the shipped reader; null where it finds no digit")
    trained: list[Glyph] = Field(description="some of the training images of that digit, as the network wants them")
    differences: list[Difference] = Field(description="all ten, in the order in which they are corrected")
    lines: list[str] = Field(description="Python that prepares an image for this model")
    ms: float


class MistakeCost(Message):
    """What a usual mistake with images costs a model."""

    name: str
    words: str
    accuracy: float
    example: Glyph


class ModelMistakes(Message):
    """The accuracy of a model on MNIST's test images, prepared correctly and with usual mistakes made on purpose."""

    model: str
    images: int
    accuracy: float = Field(description="without a mistake")
    example: Glyph = Field(description="an image without a mistake")
    mistakes: list[MistakeCost]


# Training live ---------------------------------------------------------------------------------------------------


class Architecture(StrEnum):
    """The networks that are small enough to be trained while one watches."""

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
    """A test image that the network misclassifies after an epoch."""

    glyph: Glyph
    label: int
    answer: int
    confidence: float


class TrainingProgress(Message):
    """Progress within an epoch, after some more batches."""

    epoch: int
    batch: int = Field(description="the last one that was trained on; from 1")
    batches: int = Field(description="of an epoch")
    losses: list[float] = Field(description="of each batch since the last event; the last one is that of `batch`")
    accuracies: list[float] = Field(description="the same")


class TrainingEpoch(Message):
    """The result of an epoch."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None = Field(description="on 1,000 test images that are not trained on")
    seconds: float
    filters: Kernels | None = Field(description="of the first convolution, or null where the network has none")
    mistakes: list[Mistake] = Field(description="at most 24, the surest first")


class OwnResult(Message):
    """The result of a network that was trained with a class's digits, on the drawings that were held out."""

    pupils: int = Field(description="who were left out; 0: a part of the one pupil's drawings")
    images: int
    right: int
    reader_right: int = Field(description="how many of them the shipped reader's classifier has right")


class TrainingState(Message):
    """A training. ``model`` names the result among /v1/models once ``state`` is done or stopped."""

    id: str
    state: Literal["starting", "running", "stopping", "done", "stopped", "failed"]
    question: TrainingQuestion
    epochs: list[TrainingEpoch]
    model: str | None
    error: str | None
    own: OwnResult | None = Field(None, description="where a class's digits were trained on")


class Trainings(Message):
    """All trainings since the server started, the newest first; ``allowed``: whether one can be started now."""

    allowed: bool
    reason: str | None = Field(description="why not")
    refused: Literal["untrusted", "missing", "busy"] | None = Field(description="the same in a word")
    trainings: list[TrainingState]
