from __future__ import annotations

import builtins
import importlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitlab.errors import MissingExtraError, ModelError, UsageError
from digitlab.models import build, load_keras, predict_probabilities, read_card
from digitlab.models.backend import keras
from digitlab.models.export import cached_onnx, export_model
from digitlab.network.graph import read_graph
from digitlab.reading import Classifier
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("keras")

CARD = ModelCard("a model", "slides-cnn", "x / 255", versions={"digitlab": "0"})


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Trained for two seconds: int8 is no use on weights that know nothing."""
    from digitlab.datasets import load_dataset

    keras.utils.set_random_seed(0)
    digits = load_dataset("mnist").split("train")[:6000]
    made = build("slides-cnn")
    made.compile("adam", "sparse_categorical_crossentropy")
    made.fit(digits.images, digits.labels, batch_size=64, epochs=2, verbose=0)
    return made


def answers_of(path: Path, images: Any) -> Any:
    if path.suffix == ".keras":
        return predict_probabilities(load_keras(path), images)
    if path.suffix == ".onnx":
        return Classifier(path).probabilities(images)
    if path.suffix == ".xml":
        openvino = pytest.importorskip("openvino")
        graph = openvino.Core().read_model(path)
        assert json.loads(graph.get_rt_info(["digitlab"]).astype(str))["name"] == "a model"
        compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return compiled({"images": images})["probabilities"]
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(str(path))
    answers = []
    for image in images:
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.array(answers)


@pytest.mark.parametrize("ending", [".onnx", ".xml", ".tflite", ".keras"])
def test_every_format_answers_as_keras_does(model: keras.Model, tmp_path: Path, few_digits: Any, ending: str) -> None:
    if ending in (".xml", ".tflite"):
        pytest.importorskip("openvino" if ending == ".xml" else "ai_edge_litert")
    path = tmp_path / f"model{ending}"
    done = export_model(model, path, CARD)
    assert done.images == 1000
    assert done.difference <= done.tolerance == 1e-5
    expected = predict_probabilities(model, few_digits.images)
    np.testing.assert_allclose(answers_of(path, few_digits.images), expected, atol=1e-5)
    if ending == ".keras":
        assert read_card(path) == CARD


def test_int8_is_small_and_nearly_as_good(model: keras.Model, tmp_path: Path) -> None:
    small, large = tmp_path / "int8.onnx", tmp_path / "float.onnx"
    done = export_model(model, small, CARD, int8=True)
    export_model(model, large, CARD)
    assert small.stat().st_size < 0.5 * large.stat().st_size
    assert done.accuracy is not None
    assert done.float_accuracy is not None
    assert done.float_accuracy > 0.9
    assert abs(done.accuracy - done.float_accuracy) < 0.005
    assert Classifier(small).card == replace(CARD, training={**CARD.training, "int8_accuracy": done.accuracy})
    constants = read_graph(small.read_bytes()).constants
    (first,) = (each for each in constants.values() if each.shape[1:] == (1, 3, 3))
    (last,) = (each for each in constants.values() if each.ndim == 2 and 10 in each.shape)
    assert first.dtype == last.dtype == np.float32
    assert sum(each.dtype == np.int8 and each.ndim > 1 for each in constants.values()) == 2  # those between


def test_a_network_for_sobel_images_is_exported_with_the_step_to_them(
    model: keras.Model, tmp_path: Path, few_digits: Any
) -> None:
    from digitlab.datasets.transforms import sobel_images

    path = tmp_path / "model.onnx"
    export_model(model, path, ModelCard("a model", "slides-cnn", "Sobel image, x / 255", form="sobel"))
    expected = predict_probabilities(model, sobel_images(few_digits.images))
    np.testing.assert_allclose(Classifier(path).probabilities(few_digits.images), expected, atol=1e-5)


def test_what_cannot_be_written_is_said(model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"ends in \.onnx, \.xml, \.tflite, \.keras"):
        export_model(model, tmp_path / "model.pb", CARD)
    with pytest.raises(UsageError, match=r"int8 is supported for \.onnx only"):
        export_model(model, tmp_path / "model.tflite", CARD, int8=True)

    def missing(name: str, *_: object) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    for name in ("model.xml", "model.tflite"):
        with pytest.raises(MissingExtraError, match=r"\[export\]"):
            export_model(model, tmp_path / name, CARD)
    assert not list(tmp_path.iterdir())


def test_a_file_that_answers_otherwise_is_not_kept(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "digitlab.models.export.onnx.run_onnx", lambda _, images: np.zeros((len(images), 10), np.float32)
    )
    with pytest.raises(ModelError, match="differs from Keras' by"):
        export_model(model, tmp_path / "model.onnx", CARD)
    assert not list(tmp_path.iterdir())


def test_a_keras_file_is_exported_once_for_reading(
    model: keras.Model, tmp_path: Path, fresh_cache: Path, few_digits: Any
) -> None:
    path = tmp_path / "model.keras"
    export_model(model, path, CARD)
    found = cached_onnx(path)
    assert found.is_relative_to(fresh_cache)
    stamp = found.stat().st_mtime_ns
    assert cached_onnx(path) == found
    assert found.stat().st_mtime_ns == stamp
    expected = predict_probabilities(model, few_digits.images)
    np.testing.assert_allclose(Classifier(found).probabilities(few_digits.images), expected, atol=1e-5)
    with pytest.raises(ModelError, match="no such model file"):
        cached_onnx(tmp_path / "none.keras")


@pytest.mark.parametrize("verb", ["export", "import_"])
def test_the_commands_say_what_they_did(
    verb: str, model: keras.Model, tmp_path: Path, capsys: pytest.CaptureFixture[str], write_old: Any
) -> None:
    run = getattr(importlib.import_module("digitlab.apps.cli.conversion"), verb)
    out = tmp_path / "out.keras"
    if verb == "export":
        model.save(tmp_path / "in.keras")
        assert run(tmp_path / "in.keras", out) == 0
        said = "checked on 1,000 images: probabilities differ from Keras' by at most"
    else:
        arrays = [("f", []), ("d", [("k", np.eye(784, 10, dtype=np.float32)), ("b", np.zeros(10, np.float32))])]
        layers = [
            {"class_name": "Flatten", "config": {"name": "f", "batch_input_shape": [None, 28, 28, 1]}},
            {"class_name": "Dense", "config": {"name": "d", "output_dim": 10, "activation": "softmax"}},
        ]
        write_old(tmp_path / "in.h5", arrays, {"class_name": "Sequential", "config": layers}, backend="theano")
        assert run(tmp_path / "in.h5", out, preparation="x / 255") == 0
        said = "output_dim → units"
        assert read_card(out) is not None
    printed = capsys.readouterr()
    assert printed.out == f"{out}\n"
    assert said in printed.err
    with pytest.raises(UsageError, match="expected a name that ends in"):
        run(tmp_path / "in.keras", tmp_path / "out.txt")
    assert builtins.list(load_keras(out).input_shape) == [None, 28, 28]
