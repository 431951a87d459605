from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest

from digitlab.errors import ModelError
from digitlab.models import (
    build,
    card_of,
    export_onnx,
    load_keras,
    predict_probabilities,
    read_card,
    save_keras,
    versions,
)
from digitlab.models.backend import keras
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("keras")


def card(name: str = "a model") -> ModelCard:
    return ModelCard(name, "slides-cnn", "x / 255", training={"epochs": 3, "test_accuracy": 0.98}, versions=versions())


@pytest.mark.backends
def test_a_saved_model_answers_as_before_and_knows_its_card(tmp_path: Path) -> None:
    model, path = build("slides-cnn"), tmp_path / "model.keras"
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    save_keras(model, path, card())
    loaded = load_keras(path)
    np.testing.assert_array_equal(predict_probabilities(model, images), predict_probabilities(loaded, images))
    assert read_card(path) == card()
    assert card_of(loaded, path) == card()


def test_a_model_of_someone_else_gets_a_card_of_what_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "theirs.keras"
    build("ann-397").save(path)
    found = card_of(load_keras(path), path)
    assert (found.name, found.preparation) == ("theirs", "x / 255 - 0.5")


@pytest.mark.parametrize("name", ["thesis-4conv", "final-cnn", "reader-cnn", "ann-397"])
def test_onnx_answers_as_keras_does_for_any_batch(name: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    model, path = build(name), tmp_path / "model.onnx"
    export_onnx(model, path, card())
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).integers(0, 256, (1000, 28, 28), np.uint8)
    expected = predict_probabilities(model, images)
    for size in (1, 7, 1000):
        found = session.run(["probabilities"], {"images": images[:size]})[0]
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected[:size], atol=1e-5)
    assert session.get_modelmeta().custom_metadata_map["preparation"] == "x / 255"
    assert not any(tensor.external_data for tensor in onnx.load(path).graph.initializer)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with pytest.raises(ModelError, match="no such model file"):
        load_keras(path)
    path.write_text("weights")
    with pytest.raises(ModelError, match=r"not a \.keras file"):
        load_keras(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "x")
    with pytest.raises(ModelError, match=r"its zip contains 'other\.txt'"):
        load_keras(path)


def test_models_with_other_inputs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10)]).save(path)
    with pytest.raises(ModelError, match=r"expected \(N, 28, 28\) images"):
        load_keras(path)
