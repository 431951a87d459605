"""Why a network misreads a photo: how what it is shown differs from MNIST, and what mending each difference does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.diagnosis.mending import DIFFERENCES, TURNS, Picture, measured, shown
from digitlab.errors import ShapeError, UsageError
from digitlab.network.classifier import DEFAULT_MODEL, Classifier, resolve_model, takes_our_images

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

__all__ = ["Answer", "Diagnosis", "Step", "diagnose"]

_SURE = 0.9  # of a turned digit's probability, mean of the two networks
_GAIN = 0.3  # more than upright
_KINDS_OF_PICTURE = "uint8, bool or floats (H, W), or uint8 (H, W, 3) RGB"


@dataclass(frozen=True, slots=True)
class Answer:
    """A digit and how likely it is, 0…1."""

    digit: int
    confidence: float

    def __str__(self) -> str:
        """As sentences have it.

        >>> str(Answer(5, 0.974))
        '5 (97 %)'
        """
        return f"{self.digit} ({100 * self.confidence:.0f} %)"


@dataclass(frozen=True, slots=True)
class Step:
    """One difference and what mending it does.

    name: one of `DIFFERENCES`
    measured: what was found, in words; None where the picture does not differ in this
    image: uint8 (28, 28): with all differences up to this one mended
    answer: of the model, to that image
    alone: of the model, where only this difference is mended
    without: of the model, where all others are mended and this one is left
    """

    name: str
    measured: str | None
    image: NDArray[np.uint8]
    answer: Answer
    alone: Answer
    without: Answer


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found of one picture.

    shown: uint8 (28, 28), what the model gets of the picture when it is only made grey and 28 × 28
    first: its answer to that
    mended: uint8 (28, 28), with all differences mended
    last: its answer to that
    steps: one for each difference, in the order of `DIFFERENCES`
    cause: the difference that matters most, or None where there is none
    sentence: the outcome
    reader: what the shipped reader says of the picture; None where it finds no digit
    label: what the picture shows, if it was told
    lines: Python that prepares an image for this model
    """

    shown: NDArray[np.uint8]
    first: Answer
    mended: NDArray[np.uint8]
    last: Answer
    steps: tuple[Step, ...]
    cause: str | None
    sentence: str
    reader: Answer | None
    label: int | None
    lines: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain texts and numbers; images as lists of rows."""

        def plain(answer: Answer | None) -> dict[str, Any] | None:
            return None if answer is None else {"digit": answer.digit, "confidence": round(answer.confidence, 4)}

        return {
            "sentence": self.sentence,
            "cause": self.cause,
            "label": self.label,
            "shown": self.shown.tolist(),
            "answer": plain(self.first),
            "mended": self.mended.tolist(),
            "mended_answer": plain(self.last),
            "reader": plain(self.reader),
            "differences": [
                {
                    "name": each.name,
                    "measured": each.measured,
                    "answer": plain(each.answer),
                    "alone": plain(each.alone),
                    "without": plain(each.without),
                }
                for each in self.steps
            ],
            "lines": list(self.lines),
        }


def diagnose(model: str | Path | Classifier, photo: str | Path | NDArray[Any], label: int | None = None) -> Diagnosis:
    """Find out why a model answers wrongly about a picture of one digit.

    Args:
        model: a shipped name, a run folder, a file (of others too: how it wants its images is found), or a loaded one.
        photo: a picture's file, or an array: uint8, bool or floats (H, W), or uint8 (H, W, 3) RGB.
        label: the digit that it shows; None: what the model answers when all is mended.

    Raises:
        ImageError: when the file cannot be read.
        ModelError: when there is no such model.
        ShapeError: for an array of another shape or type.
        UsageError: for a label that is no digit.
    """
    if label is not None and not 0 <= label <= 9:
        raise UsageError(f"label is {label}; expected a digit, 0 to 9")
    classifier = model if isinstance(model, Classifier) else Classifier(_runnable(model))
    own = Classifier(resolve_model(DEFAULT_MODEL))
    picture = Picture.of(_grey(photo))
    found = measured(picture)
    picture, found = _turned(picture, found, (classifier, own), label)
    names = [name for name in DIFFERENCES if name in found]
    mended = shown(picture, names)
    last = _ask(classifier, mended)
    steps = tuple(_step(classifier, picture, name, found, names) for name in DIFFERENCES)
    first_image = shown(picture, ())
    first = _ask(classifier, first_image)
    target = last.digit if label is None else label
    cause = _cause(classifier, picture, names, target)
    reader = _reader_says(picture, photo)
    sentence = _sentence(cause, found, first, last, classifier, picture, target)
    lines = _lines(classifier, photo)
    return Diagnosis(first_image, first, mended, last, steps, cause, sentence, reader, label, lines)


def _runnable(model: str | Path) -> Path:
    """An ONNX file that takes our images, of whatever was named."""
    path = Path(model)
    if path.suffix.lower() in (".keras", ".h5", ".hdf5") and path.is_file():
        from digitlab.models import cached_onnx

        return cached_onnx(path)
    path = resolve_model(model)
    if path.is_file() and not takes_our_images(path.read_bytes()):
        from digitlab.models.conventions import own_onnx

        return own_onnx(path)
    return path


def _grey(photo: str | Path | NDArray[Any]) -> NDArray[Any]:
    """The picture's numbers, (H, W)."""
    if isinstance(photo, str | Path):
        from digitlab.reading.images import load_image

        photo = load_image(photo)
    array = np.asarray(photo)
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8:
        array = array.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "buif" or not np.isfinite(array).all():
        raise ShapeError("photo", expected=_KINDS_OF_PICTURE, received=f"{array.dtype} {array.shape}")
    return array


def _probabilities(classifier: Classifier, picture: Picture, mended: Collection[str]) -> NDArray[np.float32]:
    answers: NDArray[np.float32] = classifier.probabilities(shown(picture, mended)[None])[0]
    return answers


def _ask(classifier: Classifier, image: NDArray[np.uint8]) -> Answer:
    shares = classifier.probabilities(image[None])[0]
    return Answer(int(shares.argmax()), float(shares.max()))


def _step(classifier: Classifier, picture: Picture, name: str, found: dict[str, str], names: list[str]) -> Step:
    order = list(DIFFERENCES)
    until = [each for each in names if order.index(each) <= order.index(name)]
    image = shown(picture, until)
    alone = _ask(classifier, shown(picture, [name] if name in names else []))
    without = _ask(classifier, shown(picture, [each for each in names if each != name]))
    return Step(name, found.get(name), image, _ask(classifier, image), alone, without)


def _turned(
    picture: Picture, found: dict[str, str], networks: tuple[Classifier, ...], label: int | None
) -> tuple[Picture, dict[str, str]]:
    """Whether the digit lies, or its rows are columns: where both networks are much surer of it another way."""

    def sureness(turned: Picture, also: Collection[str]) -> float:
        shares = np.mean([_probabilities(network, turned, [*found, *also]) for network in networks], axis=0)
        return float(shares.max() if label is None else shares[label])

    upright = sureness(picture, ())
    ways = [("transposition", picture, "its rows are columns; transposed back, both networks know it")]
    ways += [
        ("rotation", picture.turned_by(angle), f"it is turned {_words_of(angle)}; MNIST's digits stand upright")
        for angle in TURNS
    ]
    best = max(ways, key=lambda way: sureness(way[1], [way[0]]))
    sure = sureness(best[1], [best[0]])
    if sure < _SURE or sure < upright + _GAIN:
        return picture, found
    return best[1], found | {best[0]: best[2]}


def _words_of(angle: int) -> str:
    """How a digit is rotated that ``angle`` degrees anticlockwise bring upright."""
    if angle == 180:
        return "upside down"
    return f"{360 - angle}° anticlockwise" if angle > 180 else f"{abs(angle)}° {'anti' * (angle < 0)}clockwise"


def _cause(classifier: Classifier, picture: Picture, names: list[str], target: int) -> str | None:
    """The difference without whose mending the right answer is least likely; of equals, the one that helps alone."""
    if not names:
        return None

    def matters(name: str) -> tuple[float, float]:
        without = _probabilities(classifier, picture, [each for each in names if each != name])[target]
        alone = _probabilities(classifier, picture, [name])[target]
        return round(float(without), 3), -float(alone)

    return min(names, key=matters)


_SENTENCES = {
    "scale": ("Your picture's numbers have another scale: {measured}", "Brought to 0…255"),
    "polarity": ("Your photo is dark on light; your network has only seen light on dark", "Inverted"),
    "background": ("Your photo's background is not black: {measured}", "Taken away"),
    "grey level": ("Your photo is faint: {measured}", "With full contrast"),
    "transposition": ("Your picture's rows and columns are interchanged", "Transposed"),
    "rotation": ("Your digit does not stand upright: {measured}", "Turned upright"),
    "crop": ("Your digit is small in its picture: {measured}", "Cropped to the digit"),
    "box": ("Your digit has another size than your network has seen: {measured}", "Scaled to 20 pixels"),
    "centre": ("Your digit is off the centre: {measured}", "With its centre of mass in the middle"),
    "stroke width": ("Your strokes have another width than your network has seen: {measured}", "Evened"),
}


def _sentence(
    cause: str | None,
    found: dict[str, str],
    first: Answer,
    last: Answer,
    classifier: Classifier,
    picture: Picture,
    target: int,
) -> str:
    if cause is None:
        return f"Your photo is prepared as MNIST is; your network answers {first}" + (
            "." if first.digit == target else f", and {target} is right: its training is what is to be mended."
        )
    what, done = _SENTENCES[cause]
    alone = _ask(classifier, shown(picture, [cause]))
    others = [DIFFERENCES[name] for name in found if name != cause]
    text = what.format(measured=found[cause]) + ". "
    if alone.digit == target or not others:
        text += f"{done}, it answers {alone}"
    else:
        text += f"{done}, and with {', '.join(others)} mended too, it answers {last}"
    text += f"; as given, {first}."
    if last.digit != target:
        text += f" It shows {target}: what is left is the network's own error."
    return text


def _reader_says(picture: Picture, photo: str | Path | NDArray[Any]) -> Answer | None:
    from digitlab.reading import Reader

    if isinstance(photo, str | Path):
        given: Any = photo
    else:
        given = np.clip(picture.grey * picture.factor + picture.plus, 0, 255).astype(np.uint8)
    found = Reader().classify(given)
    return None if found.digit is None else Answer(found.digit, found.confidence)


def _lines(classifier: Classifier, photo: str | Path | NDArray[Any]) -> tuple[str, ...]:
    """Python that prepares an image for this model: for the file as it is now, or as it was before it was imported."""
    name = Path(photo).name if isinstance(photo, str | Path) else "photo.jpg"
    first = "from digitlab.reading import Classifier, digit_image"
    image = f'image = digit_image("{name}")  # uint8 (28, 28): light on dark, 20×20 box, centre of mass in the middle'
    card = classifier.card
    shape = card.training.get("shape") if card is not None else None
    if card is None or not shape:
        return first, image, f'Classifier("{classifier.path.name}").probabilities(image[None])'
    formula = card.preparation.removesuffix(", transposed").replace("x", "image.astype('float32')")
    turned = ".T" if card.preparation.endswith(", transposed") else ""
    sizes = ", ".join(map(str, (1, *shape)))
    return first, image, f"x = ({formula}){turned}.reshape({sizes})  # as {card.training['imported_from']} takes it"
