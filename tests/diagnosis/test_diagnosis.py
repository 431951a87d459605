"""Ten usual mistakes with a picture: the sentence names the right one, and mended, the network is right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from onnx import helper, numpy_helper
from PIL import Image

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.jobs import diagnose as find_out
from digitlab.errors import ShapeError, UsageError
from digitlab.reading import Classifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEST = load_dataset("mnist").split("test")


def digit(label: int, which: int = 0) -> np.ndarray:
    return TEST.images[TEST.labels == label][which]


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


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a first lesson ends with: a linear network by least squares, which errs as soon as anything differs."""
    train = load_dataset("mnist").split("train")[:6000]
    pixels = train.images.reshape(-1, 784) / 255.0
    times = np.linalg.solve(pixels.T @ pixels + 30 * np.eye(784), pixels.T @ (np.eye(10)[train.labels] - 0.1))
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=1),
        helper.make_node("Reshape", ["numbers", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "times"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    weights = {"shape": np.array([-1, 784]), "times": (times * 10 / 255).astype(np.float32)}
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("images", 2, ["N", 28, 28])],
        [helper.make_tensor_value_info("probabilities", 1, ["N", 10])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    path = tmp_path_factory.mktemp("linear") / "linear.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("name", ["polarity", "background", "transposition", "rotation", "crop"])
def test_a_network_that_errs_is_set_right(linear: Path, name: str) -> None:
    label, spoil, _ = MISTAKES[name]
    images = TEST.images[TEST.labels == label][:20]
    known = Classifier(linear).probabilities(images)[:, label] > 0.4  # a weak network; some it does not know at all
    found = diagnose(linear, spoil(images[known][0]), label)
    assert found.cause == name
    assert found.first.digit != label
    assert found.last.digit == label
    assert f"it answers {label} (" in found.sentence


def test_a_picture_like_mnists_has_nothing_to_mend() -> None:
    found = diagnose("reader", digit(5), 5)
    assert found.cause is None
    assert found.sentence.startswith("Your photo is prepared as MNIST is; your network answers 5")


def test_the_verb_writes_a_page_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(255 - digit(5)).save(tmp_path / "five.png")
    out = tmp_path / "five.html"
    assert run(["diagnose", "reader", str(tmp_path / "five.png"), "--label", "5", "--out", str(out)]) == 0
    assert "dark on light; your network has only seen light on dark. Inverted, it answers 5" in capsys.readouterr().out
    page = out.read_text("utf-8")
    assert 'src="data:image/png' in page
    assert "http" not in page
    content = json.loads(out.with_suffix(".json").read_text("utf-8"))
    assert content["cause"] == "polarity"
    assert len(content["differences"]) == 10
    assert len(content["lines"]) == 3


@pytest.mark.parametrize(
    ("photo", "error"), [(np.zeros((2, 3, 4, 5)), ShapeError), (np.full((28, 28), np.nan), ShapeError)]
)
def test_other_arrays_are_refused(photo: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="photo: expected"):
        diagnose("reader", photo)


def test_other_labels_and_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="label is 12; expected a digit"):
        diagnose("reader", digit(5), 12)
    (tmp_path / "empty.png").write_bytes(b"")
    assert run(["diagnose", "reader", str(tmp_path / "empty.png"), "--out", str(tmp_path / "page.html")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_an_empty_picture_has_no_digit() -> None:
    assert diagnose("reader", np.zeros((28, 28), np.uint8)).reader is None
