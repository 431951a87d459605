"""Exports for others' programs, each fed as that program feeds it."""

from __future__ import annotations

import ctypes
import json
import subprocess
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime
import pytest

from digitlab.errors import ModelError, UsageError
from digitlab.models import ARCHITECTURES, build, predict_probabilities
from digitlab.models.backend import keras
from digitlab.models.ensemble import ensemble
from digitlab.models.export import export_for
from digitlab.models.export.c_source.quantised import _run, answers, quantise
from digitlab.models.export.c_source.steps import steps_of
from digitlab.models.export.c_source.writing import _Text
from digitlab.models.export.verify import checking_images
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.values import Digits

pytestmark = pytest.mark.xdist_group("keras")

CARD = ModelCard("a model", "slides-cnn", "x / 255", versions={"digitlab": "0"})
layers = keras.layers


def trained(name: str, *, epochs: int = 2) -> keras.Model:
    from digitlab.datasets import load_dataset

    keras.utils.set_random_seed(0)
    digits = load_dataset("mnist").split("train")[:6000]
    made = build(name)
    made.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    made.fit(digits.images, digits.labels, batch_size=64, epochs=epochs, verbose=0)
    return made


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return trained("slides-cnn")


@pytest.fixture(scope="module")
def test_digits() -> Digits:
    from digitlab.datasets import load_dataset

    return load_dataset("mnist").split("test")[:1000]


def robotics_academy(path: Path, frame: NDArray[np.uint8]) -> int:
    """What the exercise does with a picture of the camera, uint8 (rows, columns, 3)."""
    session = onnxruntime.InferenceSession(str(path))
    grey = frame.mean(axis=2).astype(np.uint8)
    side = int(0.75 * min(grey.shape))
    top, left = ((extent - side) // 2 for extent in grey.shape)
    square = grey[top : top + side, left : left + side]
    standardised = (square - square.mean()) / square.std()
    tensor = cv2.resize(standardised, (28, 28))[None, None].astype(np.float32)
    output = session.run(None, {session.get_inputs()[0].name: tensor})[0]
    assert output.shape == (1, 10)
    return int(output.argmax(axis=1)[0])


@pytest.mark.parametrize("light", [False, True], ids=["ink on paper", "chalk on slate"])
def test_robotics_academy_reads_a_camera_of_either_polarity(
    model: keras.Model, tmp_path: Path, few_digits: Digits, light: bool
) -> None:
    path = tmp_path / "digits.onnx"
    done = export_for("robotics-academy", model, path, CARD)
    assert done.difference <= done.tolerance == 1e-5
    paper, ink = (40, 220) if light else (190, 50)
    found = []
    for image in few_digits.images:
        large = cv2.resize(image, (360, 360), interpolation=cv2.INTER_AREA) / 255
        frame = np.full((480, 640), paper, np.float64)
        frame[60:420, 140:500] += (ink - paper) * large
        found.append(robotics_academy(path, np.repeat(frame[..., None], 3, axis=2).astype(np.uint8)))
    expected = predict_probabilities(model, few_digits.images).argmax(axis=1)
    assert (np.array(found) == expected).mean() >= 0.9


@pytest.mark.parametrize("largest", [1, 255])
def test_onnx_zoo_is_a_drop_in_for_mnist_12(
    model: keras.Model, tmp_path: Path, few_digits: Digits, largest: int
) -> None:
    path = tmp_path / "mnist-12.onnx"
    export_for("onnx-zoo", model, path, CARD)
    session = onnxruntime.InferenceSession(str(path))
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.type, taken.shape) == ("Input3", "tensor(float)", [1, 1, 28, 28])
    assert (given.name, given.type, given.shape) == ("Plus214_Output_0", "tensor(float)", [1, 10])
    for image, expected in zip(few_digits.images, predict_probabilities(model, few_digits.images), strict=True):
        fed = (image.astype(np.float32) / 255 * largest).reshape(1, 1, 28, 28)
        (scores,) = session.run(["Plus214_Output_0"], {"Input3": fed})
        assert scores.min() < 0  # logits
        powers = np.exp(scores[0] - scores.max())
        np.testing.assert_allclose(powers / powers.sum(), expected, atol=1e-5)


def test_an_ensembles_scores_are_logarithms(model: keras.Model, tmp_path: Path, few_digits: Digits) -> None:
    both = ensemble([model, build("slides-cnn")])
    export_for("onnx-zoo", both, tmp_path / "two.onnx", CARD)
    session = onnxruntime.InferenceSession(str(tmp_path / "two.onnx"))
    fed = (few_digits.images[:1] / 255)[None].astype(np.float32)
    (scores,) = session.run(None, {"Input3": fed})
    np.testing.assert_allclose(np.exp(scores), predict_probabilities(both, few_digits.images[:1]), atol=1e-5)


def test_the_web_gets_bytes_and_a_card(
    model: keras.Model, tmp_path: Path, few_digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "digits.onnx"
    done = export_for("web", model, path, CARD)
    assert done.beside == tmp_path / "digits.json"
    card = json.loads(done.beside.read_text("utf-8"))
    assert card["bytes"] == path.stat().st_size
    assert card["file"] == "digits.onnx"
    assert {name: card[name] for name in ("name", "classes", "preparation")} == {
        name: json.loads(json.dumps(asdict(CARD)))[name] for name in ("name", "classes", "preparation")
    }
    session = onnxruntime.InferenceSession(str(path))
    assert session.get_inputs()[0].type == "tensor(uint8)"
    assert not session.get_modelmeta().custom_metadata_map
    flat = few_digits.images.tobytes()  # as a page has them: a Uint8Array
    fed = np.frombuffer(flat, np.uint8).reshape(-1, 28, 28)
    (found,) = session.run([card["output"]["name"]], {card["input"]["name"]: fed})
    np.testing.assert_allclose(found, predict_probabilities(model, few_digits.images), atol=1e-5)
    monkeypatch.setattr("digitlab.models.export.interfaces.LARGEST_FOR_THE_WEB", 100_000)
    with pytest.raises(ModelError, match="a page loads at most 100,000"):
        export_for("web", model, tmp_path / "large.onnx", CARD)
    assert not (tmp_path / "large.onnx").exists()


@pytest.fixture
def gcc(needs_program: Callable[..., str]) -> str:
    return needs_program("gcc")


def compiled(source: Path, gcc: str) -> ctypes.CDLL:
    library = source.with_suffix(".so")
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2", "-shared", "-fPIC"]
    subprocess.run([gcc, *flags, str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def run_c(source: Path, images: NDArray[np.uint8], gcc: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The digits and the probabilities that the compiled file gives."""
    classify = getattr(compiled(source, gcc), f"{source.stem.replace('-', '_')}_classify")
    probabilities = np.zeros((len(images), 10), np.float32)
    digits = [
        classify(image.ctypes.data_as(ctypes.c_void_p), row.ctypes.data_as(ctypes.c_void_p))
        for image, row in zip(np.ascontiguousarray(images), probabilities, strict=True)
    ]
    assert digits[0] == classify(np.ascontiguousarray(images[0]).ctypes.data_as(ctypes.c_void_p), None)
    return np.array(digits), probabilities


@pytest.mark.parametrize("name", ["slides-cnn", "tiny-cnn"])
def test_c_reads_as_the_network_does(
    name: str, model: keras.Model, tmp_path: Path, test_digits: Digits, gcc: str
) -> None:
    network = model if name == "slides-cnn" else trained(name)
    source = tmp_path / f"{name}.c"
    done = export_for("c", network, source, CARD)
    assert done.beside == tmp_path / f"{name}.h"
    assert done.accuracy is not None
    assert done.float_accuracy is not None
    assert abs(done.accuracy - done.float_accuracy) < 0.01
    text = source.read_text("ascii")
    assert f"static int8_t memory[{done.ram}];" in text
    assert f"{done.ram:,} bytes of RAM" in " ".join(done.beside.read_text("ascii").split())
    assert "malloc" not in text
    digits, probabilities = run_c(source, test_digits.images, gcc)
    whole = quantise(steps_of(network, name), checking_images())
    scores = answers(whole, test_digits.images)
    np.testing.assert_array_equal(digits, scores.argmax(axis=1))  # number by number what NumPy computes
    powers = np.exp(whole.logit * (scores - scores.max(axis=1, keepdims=True)))
    np.testing.assert_allclose(probabilities, powers / powers.sum(axis=1, keepdims=True), atol=1e-4)
    in_float = predict_probabilities(network, test_digits.images)
    assert (digits != in_float.argmax(axis=1)).mean() <= done.tolerance == 0.02


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "tiny-family"])
def test_every_architecture_can_become_c(name: str, few_digits: Digits) -> None:
    network, images = build(name), few_digits.images[:4]
    (*_, logits) = next(_run(steps_of(network, name), images))
    powers = np.exp(logits.reshape(-1, 10))
    expected = predict_probabilities(network, images)
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), expected, atol=1e-5)


@pytest.mark.parametrize("repeats", [0, 1])
def test_a_block_that_is_used_again_cannot_become_c(repeats: int) -> None:
    with pytest.raises(ModelError, match=r"C export (does not support the layer|supports layers only)"):
        steps_of(build("tiny-family", options={"repeats": repeats}), "tiny-family")


def test_blocks_with_their_own_kernels_can_become_c() -> None:
    network = build("tiny-family", options={"repeats": 0, "shared": False})
    assert len(steps_of(network, "tiny-family").steps) == 11


def test_the_network_for_microcontrollers_fits_into_8_kb(tmp_path: Path) -> None:
    done = export_for("c", trained("microcontroller-cnn"), tmp_path / "digits.c", CARD)
    assert done.flash is not None
    assert done.flash <= 8_000
    assert done.ram is not None
    assert done.ram <= 16_384


def everything() -> keras.Model:
    """A network with every kind of step, and a model within the model."""
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(-1 / 255, 0.5)(images)
    x = layers.Reshape((28, 28, 1))(x)
    x = layers.Conv2D(6, (3, 5), strides=2, padding="same", activation="tanh")(x)
    inner = keras.Sequential([keras.Input((14, 14, 6)), layers.DepthwiseConv2D(3, padding="same"), layers.LeakyReLU()])
    x = inner(x)
    left = layers.AveragePooling2D(3, 2, padding="same")(x)
    right = layers.MaxPooling2D(3, 2, padding="same")(layers.BatchNormalization()(x))
    x = layers.Concatenate()([left, right])
    x = layers.Conv2D(8, 1, activation="relu6")(layers.Dropout(0.2)(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.Flatten()(layers.MaxPooling2D(7)(x))])
    x = layers.BatchNormalization()(layers.ReLU()(layers.Dense(20)(x)))
    return keras.Model(images, layers.Softmax()(layers.Dense(10)(x)), name="everything")


def test_every_kind_of_step_is_right_in_c(tmp_path: Path, test_digits: Digits, gcc: str) -> None:
    keras.utils.set_random_seed(1)
    network = everything()
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([np.linspace(0.5, 1.5, len(part)) for part in layer.get_weights()])
    images = test_digits.images[:100]
    program = steps_of(network, "everything")
    (*_, logits) = (np.concatenate(each) for each in zip(*_run(program, images), strict=True))
    powers = np.exp(logits.reshape(-1, 10))
    expected = predict_probabilities(network, images)
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), expected, atol=1e-5)
    whole = quantise(program, checking_images())
    text = _Text(whole, "everything")
    (tmp_path / "everything.h").write_text(text.header("all"), "ascii")
    (tmp_path / "everything.c").write_text(text.source("all", "everything.h"), "ascii")
    digits, probabilities = run_c(tmp_path / "everything.c", images, gcc)
    np.testing.assert_array_equal(digits, answers(whole, images).argmax(axis=1))
    np.testing.assert_allclose(probabilities, expected, atol=0.03)


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        (layers.Conv2DTranspose(2, 3, name="odd"), r"'odd' \(Conv2DTranspose\); supported: Rescaling"),
        (layers.Conv2D(2, 3, dilation_rate=2, name="odd"), r"'odd' \(Conv2D with .*dilation"),
        (layers.DepthwiseConv2D(3, depth_multiplier=2, name="odd"), r"'odd' \(DepthwiseConv2D with depth multiplier 2"),
        (layers.Activation("softmax", name="odd"), "does not support the layer 'flatten"),
    ],
)
def test_a_layer_that_c_does_not_know_is_named(layer: Any, what: str, tmp_path: Path) -> None:
    network = keras.Sequential(
        [
            keras.Input((28, 28), dtype="uint8"), layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1)), layer,
            layers.Flatten(name="flatten"), layers.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip
    with pytest.raises(ModelError, match=what):
        export_for("c", network, tmp_path / "net.c", CARD)
    assert not list(tmp_path.iterdir())


def test_sobel_ensembles_and_operations_are_refused_in_c(model: keras.Model, tmp_path: Path) -> None:
    sobel = ModelCard("a model", "slides-cnn", "Sobel image, x / 255", form="sobel")
    with pytest.raises(ModelError, match=r"'sobel' \(SobelImage\)"):
        export_for("c", model, tmp_path / "net.c", sobel)
    with pytest.raises(ModelError, match="does not support the layer"):
        export_for("c", ensemble([model, build("slides-cnn")]), tmp_path / "net.c", CARD)
    images = keras.Input((28, 28), dtype="uint8")
    added = keras.Model(images, layers.Dense(10)(layers.Flatten()(keras.ops.cast(images, "float32") + 1.0)))
    with pytest.raises(ModelError, match="C export supports layers only"):
        export_for("c", added, tmp_path / "net.c", CARD)


def test_the_command_tells_size_and_memory(
    model: keras.Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from digitlab.apps.cli.conversion import export

    model.save(tmp_path / "in.keras")
    out = tmp_path / "7-segmente-für-山.c"
    assert export(tmp_path / "in.keras", out, target="c") == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out}\n{out.with_suffix('.h')}\n"
    assert "bytes of RAM" in printed.err
    assert "get another digit than in float32" in printed.err
    header = out.with_suffix(".h").read_text("ascii")  # compilers for small boards take no other letters in names
    assert "int _7_segmente_f_r___classify(" in header
    with pytest.raises(UsageError, match=r"for c; expected a name that ends in \.c"):
        export(tmp_path / "in.keras", tmp_path / "out.onnx", target="c")
    with pytest.raises(UsageError, match="expected one of: robotics-academy, onnx-zoo, c, web"):
        export(tmp_path / "in.keras", tmp_path / "out.onnx", target="toaster")
    with pytest.raises(UsageError, match="--int8 and --for exclude each other"):
        export(tmp_path / "in.keras", out, target="c", int8=True)
