"""Networks of Keras of every form: 32 pixels, three channels, eleven classes; and the whole table of conventions."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.errors import ModelError
from digitlab.models import load_keras, open_model, predict_probabilities
from digitlab.models.backend import keras
from digitlab.models.conventions import Convention, Form, find_convention, import_model, own_keras, own_onnx
from digitlab.models.conventions.convention import FIRST, FLAT, LAST, ROWS
from digitlab.models.conventions.keras_files import predictor
from digitlab.models.conventions.keras_network import with_convention
from digitlab.reading import Classifier

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning")
TEST = load_dataset("mnist").split("test")
SCALES = ("0…1", "0…255", "−1…1", "standardised")


def accuracy(answers: Any) -> float:
    return float((np.asarray(answers).argmax(axis=1) == TEST.labels).mean())


def as_keras(net: Any, made: Convention, *, none: int | None = None, softmax_apart: bool = False) -> keras.Model:
    """The network as somebody would write it in Keras; ``none``: the place of an eleventh class, never answered."""
    first, bias = net.for_convention(made)
    if made.form.channels == 3:  # each channel gives a third
        places = 0 if made.form.layout == FIRST else 1
        first = np.stack([first / 3] * 3, axis=places).reshape(-1, first.shape[1])
    second, last = net.second, np.zeros(10, np.float32)
    if none is not None:
        second, last = np.insert(second, none, 0, axis=1), np.insert(last, none, -30)
    softmax = "softmax" if made.answers == "probabilities" and not softmax_apart else None
    ends = [keras.layers.Softmax()] if softmax_apart else []
    layers = [keras.layers.Flatten(), keras.layers.Dense(96, "relu"), keras.layers.Dense(len(last), softmax), *ends]
    model = keras.Sequential([keras.Input(made.form.shape(), dtype=made.form.dtype), *layers])
    model.layers[1].set_weights([first, bias])
    model.layers[2].set_weights([second, last])
    return model


@pytest.mark.parametrize("answers", ["logits", "probabilities"])
@pytest.mark.parametrize("layout", [ROWS, FIRST, LAST])
def test_polarities_scales_and_layouts(net: Any, layout: str, answers: str) -> None:
    plain = accuracy(net.logits(TEST.images))
    for inverted, scale in itertools.product((False, True), SCALES):
        made = Convention(Form(layout), scale, inverted, answers=answers)
        theirs = as_keras(net, made)
        found = find_convention(predictor(theirs), [made.form], 10)
        assert found.best.convention == made
        ours, _ = with_convention(theirs, made)
        assert abs(accuracy(ours(TEST.images, training=False)) - plain) <= 1e-4


RARER: dict[str, tuple[Convention, dict[str, Any]]] = {
    "32 pixels": (Convention(Form(LAST, 32), "−1…1", answers="logits"), {}),
    "32 pixels, flat": (Convention(Form(FLAT, 32), inverted=True), {}),
    "3 channels": (Convention(Form(LAST, channels=3), "−0.5…0.5"), {}),
    "3 channels first": (Convention(Form(FIRST, 32, 3), answers="logits"), {}),
    "bytes": (Convention(Form(ROWS, dtype="uint8"), "0…255", inverted=True, answers="logits"), {}),
    "11 classes": (Convention(Form(LAST), "0…255", classes=11), {"none": 10}),
    "11 classes, none first": (Convention(Form(ROWS, 32), classes=11, zero=1, answers="logits"), {"none": 0}),
    "11 classes, a softmax layer": (Convention(Form(ROWS), classes=11), {"none": 10, "softmax_apart": True}),
}


@pytest.mark.parametrize("name", RARER)
def test_rarer_forms(net: Any, tmp_path: Path, name: str) -> None:
    made, more = RARER[name]
    theirs = tmp_path / ("theirs.h5" if name in ("32 pixels", "11 classes") else "theirs.keras")
    as_keras(net, made, **more).save(theirs)
    done = import_model(theirs, tmp_path / "ours.keras")
    assert done.search.best.convention == made
    ours = np.asarray(load_keras(tmp_path / "ours.keras")(TEST.images, training=False))
    np.testing.assert_allclose(ours.sum(axis=1), 1, atol=1e-5)
    assert abs(accuracy(ours) - accuracy(net.logits(TEST.images))) <= 1e-4
    if name in ("3 channels first", "11 classes, none first"):
        done = import_model(theirs, tmp_path / "ours.onnx")
        np.testing.assert_allclose(Classifier(done.path).probabilities(TEST.images[:100]), ours[:100], atol=1e-5)


def test_a_network_that_scales_its_floats_itself_becomes_one_of_bytes(net: Any, tmp_path: Path) -> None:
    """Else its ONNX file would take floats, which no other part gives it."""
    made = Convention(Form(ROWS), "0…255")
    as_keras(net, made).save(tmp_path / "theirs.keras")
    for ending in (".keras", ".onnx"):
        assert import_model(tmp_path / "theirs.keras", tmp_path / f"ours{ending}").search.best.convention == made
    ours = load_keras(tmp_path / "ours.keras")
    assert ours.inputs[0].dtype == "uint8"
    found = Classifier(tmp_path / "ours.onnx").probabilities(TEST.images[:100])
    np.testing.assert_allclose(found, predict_probabilities(ours, TEST.images[:100]), atol=1e-5)
    assert abs(accuracy(predict_probabilities(ours, TEST.images)) - accuracy(net.logits(TEST.images))) <= 1e-4


@pytest.mark.parametrize("functional", [False, True])
def test_the_size_of_the_first_batch_is_no_part_of_a_network(net: Any, tmp_path: Path, functional: bool) -> None:
    """Keras writes it for a Sequential whose input nobody has named."""
    made = Convention(Form(ROWS))
    whole = as_keras(net, made)
    pixels = keras.Input((28, 28), batch_size=50)
    theirs = keras.Model(pixels, whole(pixels)) if functional else keras.Sequential(whole.layers)
    theirs(np.zeros((50, 28, 28), np.float32))
    theirs.save(tmp_path / "theirs.keras")
    assert import_model(tmp_path / "theirs.keras", tmp_path / "ours.keras").search.best.convention == made
    ours = predict_probabilities(load_keras(tmp_path / "ours.keras"), TEST.images)
    assert abs(accuracy(ours) - accuracy(net.logits(TEST.images))) <= 1e-4


def test_pictures_made_larger_for_a_network_of_32_pixels(net: Any) -> None:
    """Resized and not padded: the 28 × 28 of the network's first layer are asked through the inverse."""
    made = Convention(Form(ROWS, 32), fitted="resized")
    matrix = np.linalg.pinv(made.enlarging().astype(np.float64))  # (28, 32)
    first, bias = net.for_convention(Convention(Form(ROWS)))
    first = np.einsum("iy,jx,ijh->yxh", matrix, matrix, first.reshape(28, 28, -1)).reshape(1024, -1)
    theirs = keras.Sequential([keras.Input((32, 32)), keras.layers.Flatten(), keras.layers.Dense(96, "relu"),
                               keras.layers.Dense(10, "softmax", use_bias=False)])  # fmt: skip
    theirs.set_weights([first, bias, net.second])
    assert find_convention(predictor(theirs), [made.form], 10).best.convention == made
    ours, _ = with_convention(theirs, made)
    reached = accuracy(ours(TEST.images, training=False))
    assert abs(reached - accuracy(net.logits(TEST.images))) <= 1e-3  # the inverse is rounded to float32


def test_what_answers_eleven_numbers_of_another_kind_is_refused(net: Any) -> None:
    theirs = as_keras(net, Convention(Form(ROWS), answers="logits"), none=10)
    theirs.layers[-1].activation = keras.activations.sigmoid
    with pytest.raises(ModelError, match="answers eleven numbers by sigmoid; expected ten, or eleven that a softmax"):
        with_convention(theirs, Convention(Form(ROWS), classes=11))


def test_verbs_take_such_a_file_as_it_is_and_find_its_convention_once(
    net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITLAB_CACHE", str(tmp_path / "cache"))
    theirs = tmp_path / "theirs.keras"
    as_keras(net, Convention(Form(LAST), "0…255", inverted=True)).save(theirs)
    told: list[str] = []
    for own in (own_onnx, own_keras):
        kept = own(theirs, on_note=told.append)
        assert own(theirs, on_note=told.append) == kept
    assert [line for line in told if "0…255, dark on light" in line] == told[::2]
    plain = accuracy(net.logits(TEST.images))
    assert abs(accuracy(Classifier(own_onnx(theirs)).probabilities(TEST.images)) - plain) <= 1e-4
    assert abs(accuracy(predict_probabilities(open_model(own_keras(theirs)), TEST.images)) - plain) <= 1e-4


def test_a_network_that_knows_no_digits_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Untrained networks are looked at as well; ``import`` alone refuses them."""
    monkeypatch.setenv("DIGITLAB_CACHE", str(tmp_path / "cache"))
    theirs = tmp_path / "theirs.keras"
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    keras.Sequential([keras.Input((28, 28)), *layers]).save(theirs)
    told: list[str] = []
    assert own_keras(theirs, on_note=told.append) == theirs
    assert "in any of the 20 conventions" in told[0]
    assert told[0].endswith("It is used as it is, with pixels 0…1")
    with pytest.raises(ModelError, match="in any of the 20 conventions"):
        import_model(theirs, tmp_path / "ours.keras")


@pytest.mark.parametrize(
    ("shape", "classes"), [((28, 28), 26), ((28, 28), 3), ((224, 224, 3), 10), ((28, 28, 4), 10), ((28, 30), 10)]
)
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_letters_three_classes_and_large_pictures_are_refused(
    tmp_path: Path, shape: tuple[int, ...], classes: int, ending: str
) -> None:
    theirs = tmp_path / f"theirs{ending}"
    layers = [keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")]
    keras.Sequential([keras.Input(shape), *layers]).save(theirs)
    with pytest.raises(ModelError, match=r"theirs\..*: (maps|it takes images of the shape|its output is)") as refused:
        import_model(theirs, tmp_path / "ours.keras")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_two_inputs_are_refused(tmp_path: Path, ending: str) -> None:
    images, mask = keras.Input((28, 28)), keras.Input((10,))
    answers = keras.layers.Multiply()([keras.layers.Dense(10)(keras.layers.Flatten()(images)), mask])
    keras.Model([images, mask], answers).save(tmp_path / f"theirs{ending}")
    with pytest.raises(ModelError, match=r"theirs\..*: .*(2 input layers|expected exactly one input)"):
        import_model(tmp_path / f"theirs{ending}", tmp_path / "ours.keras")
