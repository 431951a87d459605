"""Ten usual mistakes with a picture: the sentence names the right one, and corrected, the network is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.diagnosis import Diagnosis
from digitlab.errors import ImageError, ShapeError, UsageError
from digitlab.jobs import diagnose as find_out
from digitlab.jobs import load_model
from digitlab.reading import Classifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

TEST = load_dataset("mnist").split("test")
# Digits as they are usually written: the shipped network is sure of them.
_SAID = load_model("reader").probabilities(TEST.images[:300])
USUAL = np.append(
    (_SAID.argmax(axis=1) == TEST.labels[:300]) & (_SAID.max(axis=1) > 0.95), np.zeros(len(TEST) - 300, bool)
)


def diagnose(model: str | Path, photo: Any, label: int | None = None) -> Diagnosis:
    """The only picture's diagnosis."""
    return find_out(model, photo, label=label).photos[0]


def digit(label: int, which: int = 0) -> np.ndarray:
    return TEST.images[(TEST.labels == label) & USUAL][which]


def moved(image: np.ndarray, x: int, y: int, side: int = 28, scale: float = 1.0) -> np.ndarray:
    return cv2.warpAffine(image, np.array([[scale, 0, x], [0, scale, y]], np.float64), (side, side))


def bold(image: np.ndarray) -> np.ndarray:
    large = cv2.resize(image, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    return cv2.dilate(large, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (33, 33)))


MISTAKES: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray], str]] = {
    "scale": (5, lambda image: image.astype(np.float32) / 255, "another scale: its numbers go from 0 to 1"),
    "polarity": (5, lambda image: 255 - image, "dark on light"),
    "background": (3, lambda image: (110 + image * 0.55).astype(np.uint8), "background is not black"),
    "grey level": (2, lambda image: (image * 0.15).astype(np.uint8), "is faint"),
    "transposition": (4, lambda image: np.ascontiguousarray(image.T), "rows and columns are interchanged"),
    "rotation": (7, lambda image: np.ascontiguousarray(np.rot90(image)), "does not stand upright"),
    "crop": (2, lambda image: moved(image, 24, 22, side=84), "is small in its picture"),
    "box": (4, lambda image: moved(image, -7, -7, scale=1.45), "has another size"),
    "centre": (3, lambda image: moved(image, -4, 3), "is off the centre"),
    "stroke width": (2, bold, "have another width"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_sentence_names_the_cause(name: str) -> None:
    label, spoil, words = MISTAKES[name]
    found = diagnose("reader", spoil(digit(label)), label)
    assert found.cause == name, (found.sentence, [(each.name, each.measured) for each in found.steps if each.measured])
    assert words in found.sentence
    assert found.last.digit == label


@pytest.mark.parametrize("name", ["scale", "polarity", "background", "crop", "box", "stroke width"])
def test_of_other_digits_as_well(name: str) -> None:
    _, spoil, _ = MISTAKES[name]
    for label in (3, 4, 5):
        assert diagnose("reader", spoil(digit(label, 3)), label).cause == name


@pytest.mark.parametrize("name", ["polarity", "background", "transposition", "rotation", "crop"])
def test_a_network_that_errs_is_set_right(linear: Path, name: str) -> None:
    label, spoil, _ = MISTAKES[name]
    images = TEST.images[TEST.labels == label][:20]
    known = Classifier(linear).probabilities(images)[:, label] > 0.4  # a weak network; some it does not know at all
    found = diagnose(linear, spoil(images[known][0]), label)
    assert found.cause == name
    assert found.first.digit != label
    assert found.last.digit == label
    assert f" answers {label} (" in found.sentence


def test_a_picture_like_mnists_has_nothing_to_mend() -> None:
    found = diagnose("reader", digit(5), 5)
    assert found.cause is None
    assert found.sentence.startswith("Your photo is prepared as MNIST is; your network answers 5")


@pytest.mark.parametrize(
    ("photo", "error"), [(np.zeros((2, 3, 4, 5)), ShapeError), (np.full((28, 28), np.nan), ShapeError)]
)
def test_other_arrays_are_refused(photo: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="photo: expected"):
        diagnose("reader", photo)


def test_other_labels_are_refused() -> None:
    with pytest.raises(UsageError, match="label is 12; expected 0 to 9"):
        diagnose("reader", digit(5), 12)


def test_a_picture_without_ink_is_refused() -> None:
    with pytest.raises(ImageError, match="shows no digit: nothing stands out from the background"):
        diagnose("reader", np.zeros((28, 28), np.uint8))


def test_two_mistakes_are_both_named(plain: Path) -> None:
    """Where either alone is enough to mislead, and so both have to be corrected."""
    wanted = {"polarity", "crop"}
    photo = 255 - moved(digit(2), 28, 28, side=84)
    found = diagnose(plain, photo, 2)
    assert {*found.causes} == wanted
    assert found.sentence.startswith(
        "Two things are wrong with your photo: it is dark on light, and the digit is small"
    )
    assert found.first.digit != 2
    assert found.last.digit == 2


def test_a_picture_squeezed_into_a_square_is_told(plain: Path) -> None:
    """As every beginner's resize((28, 28)) does with a picture that is none."""
    large = cv2.resize(digit(9, 3), (56, 56))
    photo = np.pad(large, ((0, 0), (60, 60)))
    found = diagnose(plain, photo, 9)
    (step,) = (each for each in found.steps if each.name in ("crop", "box") and each.measured)
    assert step.answer.digit == 9
    upright = diagnose("reader", cv2.resize(digit(9, 3), (84, 56)), 9)
    assert {each.name: each.measured for each in upright.steps}["box"] == "squeezed into a square, across, by 33 %"
    assert "Your photo is squeezed into a square" in upright.sentence


def test_what_is_right_as_given_is_called_so() -> None:
    found = diagnose("reader", digit(5), 5)
    assert found.sentence.endswith("which is right.")
    assert found.causes == ()
    unlabelled = diagnose("reader", digit(5))
    assert unlabelled.sentence.endswith("as the shipped reader does.")
    assert (unlabelled.truth, unlabelled.known_by) == (5, "reader")


def test_an_error_that_nothing_explains_is_the_networks_own(plain: Path) -> None:
    answers = load_model(plain).probabilities(TEST.images[:300])
    row = int(np.flatnonzero((answers.argmax(axis=1) != TEST.labels[:300]) & USUAL[:300])[0])
    found = diagnose(plain, TEST.images[row], int(TEST.labels[row]))
    assert found.causes == ()
    assert "the error is the network's own: of MNIST's test images it has" in found.sentence


def test_a_wrong_label_is_doubted(plain: Path) -> None:
    assert "the label is wrong, or this 3 is written unlike most" in diagnose(plain, digit(0), 3).sentence


def test_numbers_of_another_scale_than_the_networks(networks: Write) -> None:
    """Floats are the numbers that the network was given: 0…255 where it knows standardised ones."""
    image, standardised = digit(4), networks("standardised", scale="standardised")
    right = (image / 255 - 0.1307) / 0.3081
    assert diagnose(standardised, right, 4).steps[0].measured is None
    found = diagnose(standardised, image.astype(np.float32), 4)
    assert found.steps[0].measured == "its numbers go from 0 to 255"


@pytest.mark.parametrize("own", [False, True], ids=["foreign", "ours"])
def test_a_network_that_knows_dark_on_light_only(networks: Write, own: bool) -> None:
    """Then light on dark is the mistake, and a photo of paper is right in this."""
    network = networks(f"inverted-{own}", inverted=True, own=own)
    image = digit(2, 1)
    found = diagnose(network, image, 2)
    assert found.causes == ("polarity",), found.sentence
    assert "Your photo is light on dark; your network has only seen dark on light" in found.sentence
    assert diagnose(network, 255 - image, 2).cause is None


@pytest.mark.parametrize("own", [False, True], ids=["foreign", "ours"])
def test_a_network_that_knows_transposed_images_only(networks: Write, own: bool) -> None:
    found = diagnose(networks(f"transposed-{own}", transposed=True, own=own), digit(4), 4)
    assert found.causes == ("transposition",), found.sentence
    assert "rows and columns are not interchanged, as they are in all that your network has seen" in found.sentence
