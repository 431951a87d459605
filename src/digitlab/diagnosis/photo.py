"""Find out why a network misreads a photo: how its input differs from MNIST, and what correcting it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from digitlab.diagnosis.answers import Answer
from digitlab.diagnosis.asking import OURS, Network
from digitlab.diagnosis.causes import smallest_set, weightiest
from digitlab.diagnosis.lines import preparing_lines
from digitlab.diagnosis.mending import DIFFERENCES, TURNS, Picture, measured, shown
from digitlab.diagnosis.wording import sentence_of
from digitlab.errors import ImageError, ShapeError, UsageError
from digitlab.network.scales import SCALES
from digitlab.shown import Drawn

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from digitlab.diagnosis.mistakes import Costs
    from digitlab.reading import Reader

__all__ = [
    "Diagnosis",
    "Examined",
    "Step",
    "diagnose_photo",
    "examined",
    "grey_of_rgb",
    "levels_of",
    "turned_where_surer",
]

KnownBy = Literal["label", "reader", "mended"]

_SURE = 0.9  # minimum probability of a turned digit
_GAIN = 0.3  # by which that must exceed the probability of the upright digit
_ALIKE = 0.005  # difference between probabilities that counts as none
_NO_DIGIT = 0.1  # the reader's confidence below which there is no digit, unless the picture's label says so
_TINY = 64  # pixels per side: a picture of one digit, whatever else the reader sees in it
_KINDS_OF_PICTURE = "uint8, bool or floats (H, W), or uint8 (H, W, 3) RGB"


@dataclass(frozen=True, slots=True)
class Step:
    """One difference and what correcting it does.

    name: one of `DIFFERENCES`
    measured: what was found, in words; None if the picture does not differ in this
    image: uint8 (28, 28), as the network is given it: with all differences up to this one corrected
    answer: the model's answer to that image
    alone: the model's answer if only this difference is corrected
    without: the model's answer if all others are corrected and this one is left
    """

    name: str
    measured: str | None
    image: NDArray[np.uint8]
    answer: Answer
    alone: Answer
    without: Answer


@dataclass(frozen=True, slots=True)
class Diagnosis(Drawn):
    """The findings about one picture.

    photo: its name
    picture: uint8 (H, W), the picture in grey, at most 224 pixels per side
    shown: uint8 (28, 28), what the model gets when the picture is only made grey and 28 × 28
    first: its answer to that
    corrected: uint8 (28, 28), with all differences corrected
    last: its answer to that
    steps: one for each difference, in the order of `DIFFERENCES`
    cause: the difference that matters most, or None if there is none
    causes: those that have to be corrected for the right answer; empty if it is right or nothing explains the error
    sentence: the outcome
    prepared: the model's answer if the picture is prepared by the lines of Python; None if they find no ink
    reader: the shipped reader's answer for the picture; None if it finds no digit
    label: what the picture shows, if it was given
    truth: what it shows, as far as is known
    known_by: the source of `truth`: the "label", else the "reader", else the model's answer when all is "mended"
    lines: Python that prepares an image for this model
    """

    photo: str
    picture: NDArray[np.uint8]
    shown: NDArray[np.uint8]
    first: Answer
    mended: NDArray[np.uint8]
    last: Answer
    steps: tuple[Step, ...]
    cause: str | None
    causes: tuple[str, ...]
    sentence: str
    prepared: Answer | None
    reader: Answer | None
    label: int | None
    truth: int
    known_by: KnownBy
    lines: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain texts and numbers; images as lists of rows."""
        differences = [
            {
                "name": each.name,
                "measured": each.measured,
                "answer": each.answer.as_json(),
                "alone": each.alone.as_json(),
                "without": each.without.as_json(),
            }
            for each in self.steps
        ]
        return {
            "photo": self.photo,
            "sentence": self.sentence,
            "cause": self.cause,
            "causes": list(self.causes),
            "label": self.label,
            "truth": self.truth,
            "known_by": self.known_by,
            "shown": self.shown.tolist(),
            "answer": self.first.as_json(),
            "mended": self.mended.tolist(),
            "mended_answer": self.last.as_json(),
            "prepared_answer": None if self.prepared is None else self.prepared.as_json(),
            "reader": None if self.reader is None else self.reader.as_json(),
            "differences": differences,
            "lines": list(self.lines),
        }


@dataclass(frozen=True, slots=True)
class Examined:
    """A picture's differences from MNIST, and the network's answers with any of them corrected.

    differences: those that the picture has, by name, each with its measurement
    scale: the scale of its numbers, if it is not the network's
    """

    network: Network
    picture: Picture
    differences: dict[str, str]
    scale: str | None = None

    @property
    def names(self) -> list[str]:
        """The differences in the order of `DIFFERENCES`."""
        return [name for name in DIFFERENCES if name in self.differences]

    @property
    def sets(self) -> list[list[str]]:
        """Three sets of `names` for each of `DIFFERENCES`: those up to it, it alone, and all but it."""
        names, order = self.names, list(DIFFERENCES)
        sets: list[list[str]] = []
        for name in DIFFERENCES:
            sets.append([each for each in names if order.index(each) <= order.index(name)])
            sets.append([name] if name in names else [])
            sets.append([each for each in names if each != name])
        return sets

    def image(self, mended: Collection[str]) -> NDArray[np.uint8]:
        """Return the network's input, uint8 (28, 28), with these corrected: in its own polarity and order of rows."""
        return np.asarray(self.network.in_own_form(shown(self.picture, mended)), np.uint8)

    def probabilities(self, sets: Sequence[Collection[str]]) -> NDArray[np.float32]:
        """Return the network's probabilities with each of these sets of differences corrected: float32 (N, 10)."""
        images = np.stack([shown(self.picture, each) for each in sets])
        if self.scale is None:
            return self.network.probabilities(images)
        rescaled = np.array(["scale" in each for each in sets])
        answers = np.empty((len(sets), 10), np.float32)
        if rescaled.any():
            answers[rescaled] = self.network.probabilities(images[rescaled])
        if not rescaled.all():
            answers[~rescaled] = self.network.of_numbers(images[~rescaled], self.scale)
        return answers

    def answer(self, mended: Collection[str]) -> Answer:
        """Return the answer with these corrected."""
        return Answer.of(self.probabilities([mended])[0])


def diagnose_photo(
    network: Network,
    photo: str | Path | NDArray[Any],
    label: int | None = None,
    *,
    reader: Reader,
    costs: Costs | None = None,
    model: str = "the model",
) -> Diagnosis:
    """Find out why a network answers wrongly about a picture of one digit.

    Args:
        network: the network, with what is known of its images.
        photo: a picture's file; or an array: uint8, bool (H, W), uint8 (H, W, 3) RGB, or floats (H, W), which are taken
            for the numbers that the network was given.
        label: the digit that it shows; None: what the reader or, if it is not sure, the corrected network answers.
        reader: the shipped reader.
        costs: of common mistakes, for a sentence if nothing else explains the error.
        model: what the model is called in the lines of Python.

    Raises:
        ImageError: when the file cannot be read, shows no digit or several.
        ShapeError: for an array of another shape or type.
        UsageError: for a label that is not a digit.
    """
    if label is not None and not 0 <= label <= 9:
        raise UsageError(f"label is {label}; expected a digit, 0 to 9")
    path = str(photo) if isinstance(photo, str | Path) else None
    name, source = ("photo.jpg", "the picture") if path is None else (Path(path).name, path)
    pixels, levels, given_scale = levels_of(photo, network.scale)
    reader_answer = _read(reader, pixels, source, label)
    examination = examined(network, levels, given_scale)
    if examination.picture.ink is None:
        raise ImageError(
            f"{source}: shows no digit: nothing stands out from the background, or it is too faint; expected one digit"
        )
    examination = turned_where_surer(examination, reader, label)
    names = examination.names
    last = examination.answer(names)
    truth = _truth(label, reader_answer, last, examination)
    as_given = examination.answer(())
    causes = () if as_given.digit == truth[0] else smallest_set(names, truth[0], examination.probabilities)
    cause = None if causes is None else weightiest(names, causes or names, truth[0], examination.probabilities)
    prepared = _prepared(network, pixels)
    answers = {
        "as given": as_given,
        "causes": examination.answer(causes or ([cause] if cause else ())),
        "all": last,
        **({} if reader_answer is None else {"reader": reader_answer}),
        **({} if prepared is None else {"prepared": prepared}),
    }
    sentence = sentence_of(network, examination.differences, causes, answers, truth, costs)
    return Diagnosis(
        name, _picture(examination), examination.image(()), as_given, examination.image(names), last,
        _steps(examination), cause, causes or (), sentence, prepared, reader_answer, label, *truth,
        preparing_lines(network, path or name, model),
    )  # fmt: skip


def examined(network: Network, levels: NDArray[np.float32], scale: str | None = None) -> Examined:
    """Measure a picture, levels 0…255 (H, W), against the images that this network was trained on."""
    times, plus = SCALES[scale] if scale is not None else (1.0, 0.0)
    numbers = (float(levels.min() * times + plus), float(levels.max() * times + plus)) if scale is not None else None
    picture = Picture.of(network.in_own_form(levels), numbers, large=max(levels.shape) > _TINY)
    return Examined(network, picture, measured(picture, inverted=network.inverted), scale)


def levels_of(
    photo: str | Path | NDArray[Any], expected: str | None
) -> tuple[NDArray[np.uint8], NDArray[np.float32], str | None]:
    """Return a picture's pixels, uint8 (H, W, 3) or (H, W); its grey levels, float32 (H, W), 0…255; and its scale.

    The scale is that of its numbers if it is not the expected one, else None.

    Raises:
        ImageError: when the file cannot be read.
        ShapeError: for an array of another shape or type.
    """
    if isinstance(photo, str | Path):
        from digitlab.reading.images import load_image

        photo = load_image(photo)
    array = np.asarray(photo)
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8:
        return array, grey_of_rgb(array), None
    if array.ndim != 2 or not array.size or array.dtype.kind not in "buif" or not np.isfinite(array).all():
        raise ShapeError("photo", expected=_KINDS_OF_PICTURE, received=f"{array.dtype} {array.shape}")
    numbers: NDArray[np.float32] = np.asarray(array, np.float32)
    scale = None
    if array.dtype.kind == "f":
        scale = _scale_of(numbers, expected)
        times, plus = SCALES[scale]
        numbers = (numbers - np.float32(plus)) / np.float32(times)
    levels: NDArray[np.float32] = np.clip(numbers * 255 if array.dtype.kind == "b" else numbers, 0, 255)
    return np.rint(levels).astype(np.uint8), levels, None if scale == expected else scale


def grey_of_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert (H, W, 3) to levels (H, W), as picture libraries convert to grey; of (H, W) only the type is changed."""
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    return np.asarray(pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def _scale_of(numbers: NDArray[np.float32], expected: str | None) -> str:
    """Return the scale whose range fits these numbers; the expected one is tried first."""
    least, most = float(numbers.min()), float(numbers.max())
    names = dict.fromkeys((expected or OURS, "0…1", "−1…1", "standardised", "0…255"))
    for name in names:
        times, plus = (float(np.mean(each)) for each in SCALES[name])
        slack = 0.01 * 255 * times
        fits = plus - slack <= least and most <= 255 * times + plus + slack
        if fits and (most - least > 0.15 * 255 * times or most > 0.5 * (255 * times + plus)):
            return name
    return OURS


def _read(reader: Reader, pixels: NDArray[np.uint8], source: str, label: int | None) -> Answer | None:
    """Return the shipped reader's answer.

    Raises:
        ImageError: when it sees no digit, or several.
    """
    result, longest = reader.classify(pixels), max(pixels.shape)
    if result.note is not None and longest > _TINY:
        raise ImageError(f"{source}: shows several digits; expected one. Crop it; `digitlab read` reads them all")
    if result.confidence < _NO_DIGIT and label is None and longest > _TINY:
        raise ImageError(f"{source}: the shipped reader finds no digit in it; if there is one, give it as the label")
    return None if result.digit is None else Answer(result.digit, result.confidence)


def _picture(examination: Examined) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(examination.network.in_own_form(examination.picture.grey)), 0, 255), np.uint8)


def _prepared(network: Network, pixels: NDArray[np.uint8]) -> Answer | None:
    """Return the answer to the picture as `digit_image` prepares it."""
    from digitlab.reading import digit_image

    image = digit_image(pixels)
    return None if image is None else Answer.of(network.probabilities(image[None])[0])


def _truth(label: int | None, reader_answer: Answer | None, last: Answer, examination: Examined) -> tuple[int, KnownBy]:
    """Return the digit that the picture shows, and how that is known."""
    if label is not None:
        return label, "label"
    turned = "rotation" in examination.differences or (
        "transposition" in examination.differences and not examination.network.transposed
    )
    if reader_answer is None or turned:
        return last.digit, "mended"
    return reader_answer.digit, "reader"


def _steps(examination: Examined) -> tuple[Step, ...]:
    sets = examination.sets
    answers = [Answer.of(each) for each in examination.probabilities(sets)]
    return tuple(
        Step(
            name,
            examination.differences.get(name),
            examination.image(sets[3 * index]),
            *answers[3 * index : 3 * index + 3],
        )
        for index, name in enumerate(DIFFERENCES)
    )


def turned_where_surer(examination: Examined, reader: Reader, label: int | None) -> Examined:
    """Add rotation or transposition to the differences, if the shipped network is much surer of the digit that way."""
    picture = examination.picture
    candidates: list[tuple[str, Picture, str]] = [("", picture, "")]
    candidates.append(("transposition", picture, "its rows are columns; transposed back, the shipped reader knows it"))
    if not examination.network.transposed:
        candidates += [("rotation", picture.turned_by(angle), _words_of(angle)) for angle in TURNS]
    images = np.stack(
        [shown(turned, [*examination.differences, *([name] if name else [])]) for name, turned, _ in candidates]
    )
    shares = reader.classifier.probabilities(images)
    sure = shares.max(axis=1) if label is None else shares[:, label]
    # A 1 or an 8 on its side looks like a transposed one; in photos it is rotation, in arrays transposition.
    usual = [candidate[0] != ("rotation" if picture.large else "transposition") for candidate in candidates]
    best = min(
        range(len(candidates)), key=lambda index: (sure[index] < sure.max() - _ALIKE, usual[index], -sure[index])
    )
    if sure[0] >= sure.max() - _ALIKE or best == 0 or sure[best] < _SURE or sure[best] < sure[0] + _GAIN:
        return examination
    name, turned, words = candidates[best]
    return Examined(examination.network, turned, examination.differences | {name: words}, examination.scale)


def _words_of(angle: int) -> str:
    """Describe the rotation of a digit that ``angle`` degrees anticlockwise bring upright."""
    if angle == 180:
        return "upside down"
    return f"{360 - angle}° anticlockwise" if angle > 180 else f"{abs(angle)}° {'anti' * (angle < 0)}clockwise"
