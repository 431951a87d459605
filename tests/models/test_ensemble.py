from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from digitlab.errors import ModelError, UsageError
from digitlab.models import (
    build,
    ensemble_card,
    export_model,
    export_onnx,
    load_keras,
    predict_probabilities,
    preparation_of,
    read_card,
    save_keras,
)
from digitlab.models.backend import keras
from digitlab.models.ensemble import ensemble, members_of
from digitlab.network.layers import NetworkLayers
from digitlab.values import ModelCard

pytestmark = pytest.mark.xdist_group("keras")

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 28, 28), np.uint8)


@pytest.fixture(scope="module")
def members() -> list[keras.Model]:
    """A stack of layers twice, and a graph with batch normalisation and branches."""
    keras.utils.set_random_seed(1)
    return [build("slides-cnn"), build("slides-cnn"), build("reader-cnn")]


def card(name: str, **fields: object) -> ModelCard:
    return ModelCard(name, **{"architecture": "slides-cnn", "preparation": "x / 255", **fields})  # type: ignore[arg-type]


@pytest.mark.backends
def test_it_answers_with_the_mean_of_its_members(members: list[keras.Model]) -> None:
    together = ensemble(members)
    expected = np.mean([predict_probabilities(member, IMAGES) for member in members], axis=0)
    found = predict_probabilities(together, IMAGES)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert together.count_params() == sum(member.count_params() for member in members)


def test_its_layers_are_no_models_and_have_names_of_their_own(members: list[keras.Model]) -> None:
    together = ensemble(members)
    assert not any(isinstance(layer, keras.Model) for layer in together.layers)
    names = [layer.name for layer in together.layers]
    assert len(set(names)) == len(names)
    assert {"images", "probabilities", "member-1-prepare", "member-3-probabilities"} <= set(names)
    assert preparation_of(together) == "x / 255"


def test_its_weights_are_copies(members: list[keras.Model]) -> None:
    together = ensemble(members)
    before = predict_probabilities(members[0], IMAGES)
    together.set_weights([np.zeros_like(weight) for weight in together.get_weights()])
    np.testing.assert_array_equal(predict_probabilities(members[0], IMAGES), before)


@pytest.mark.backends
def test_its_file_opens_like_any_other(members: list[keras.Model], tmp_path: Path) -> None:
    together, path = ensemble(members), tmp_path / "three.keras"
    about = ensemble_card("three", [card("a"), card("b"), card("c")])
    save_keras(together, path, about)
    loaded = load_keras(path)
    np.testing.assert_array_equal(predict_probabilities(loaded, IMAGES), predict_probabilities(together, IMAGES))
    assert read_card(path) == about


def test_its_onnx_file_answers_as_keras_does(members: list[keras.Model], tmp_path: Path) -> None:
    together, path = ensemble(members[1:]), tmp_path / "two.onnx"
    export_onnx(together, path, ensemble_card("two", [card("b"), card("c")]))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(["probabilities"], {"images": IMAGES})[0]
    np.testing.assert_allclose(found, predict_probabilities(together, IMAGES), atol=1e-5)


def test_its_onnx_file_is_its_members_side_by_side(members: list[keras.Model], tmp_path: Path) -> None:
    export_onnx(ensemble(members), tmp_path / "three.onnx", ensemble_card("three", [card("a"), card("b"), card("c")]))
    graph = onnx.load(tmp_path / "three.onnx").graph
    assert [node.op_type for node in graph.node if node.op_type in ("Softmax", "Mean")] == ["Softmax"] * 3 + ["Mean"]
    names = [node.name for node in graph.node]
    assert len(set(names)) == len(names)
    assert {name[:9] for name in names} == {"member-1-", "member-2-", "member-3-", "mean"}
    last = NetworkLayers(tmp_path / "three.onnx").layers[-1]
    assert (last.name, last.kind, last.takes) == ("mean", "mean", ("softmax-1", "softmax-2", "softmax-3"))


def test_its_members_are_found_again(members: list[keras.Model]) -> None:
    found = members_of(ensemble(members))
    assert len(found) == 3
    for member, original in zip(found, members, strict=True):
        np.testing.assert_allclose(
            predict_probabilities(member, IMAGES), predict_probabilities(original, IMAGES), atol=1e-6
        )
    assert members_of(members[0]) == []
    layers = keras.layers
    images = keras.Input((28, 28))
    halves = [layers.Dense(10)(layers.Flatten()(images)) for _ in range(2)]
    assert members_of(keras.Model(images, layers.Softmax()(layers.Average()(halves)))) == []


def test_a_large_ensemble_answers_fewer_images_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that as much memory holds the maps of its many layers."""
    asked: list[Any] = []
    predict = keras.Model.predict

    def noted(model: keras.Model, images: object, **settings: object) -> object:
        asked.append(settings["batch_size"])
        return predict(model, images, **settings)

    monkeypatch.setattr(keras.Model, "predict", noted)
    one = build("good-cnn")
    for model in (one, ensemble([one] * 8)):
        predict_probabilities(model, IMAGES)
    assert asked[0] == 250
    assert 20 < asked[1] < 100


def test_an_ensemble_can_be_a_member(members: list[keras.Model], tmp_path: Path) -> None:
    pair = ensemble(members[:2])
    done = export_model(ensemble([pair, members[0]]), tmp_path / "nested.keras", card("nested"))
    assert done.difference <= 1e-6
    loaded = load_keras(tmp_path / "nested.keras")
    expected = (predict_probabilities(pair, IMAGES) + predict_probabilities(members[0], IMAGES)) / 2
    np.testing.assert_allclose(predict_probabilities(loaded, IMAGES), expected, atol=1e-6)


def test_a_model_in_a_model_is_a_member_too(members: list[keras.Model]) -> None:
    images = keras.Input((28, 28), dtype="uint8")
    nested = keras.Model(images, members[0](images))
    found = predict_probabilities(ensemble([nested, members[0]]), IMAGES)
    np.testing.assert_allclose(found, predict_probabilities(members[0], IMAGES), atol=1e-6)


def test_a_member_of_someone_else_with_a_shared_layer_and_a_float_input() -> None:
    layers = keras.layers
    images = keras.Input((28, 28))
    twice = layers.Dense(28, "relu", name="twice")
    pixels = twice(twice(layers.Rescaling(1 / 255)(images)))
    theirs = keras.Model(images, layers.Dense(10, "softmax")(layers.Flatten()(pixels)))
    together = ensemble([theirs, theirs])
    assert together.count_params() == 2 * theirs.count_params()
    np.testing.assert_allclose(
        predict_probabilities(together, IMAGES), predict_probabilities(theirs, IMAGES), atol=1e-6
    )


def test_the_card_tells_the_members() -> None:
    told = {"dataset": "mnist", "seed": 4, "test_accuracy": 0.99, "batch_size": 128}
    found = ensemble_card("pair", [card("a", training=told), card("b", preparation="x / 255 - 0.5")])
    assert (found.name, found.architecture, found.form) == ("pair", "ensemble of 2", "grey")
    assert found.preparation == "x / 255; x / 255 - 0.5"
    assert found.training["members"] == [
        {"name": "a", "architecture": "slides-cnn", "dataset": "mnist", "seed": 4, "test_accuracy": 0.99},
        {"name": "b", "architecture": "slides-cnn"},
    ]


def test_what_does_not_fit_together_is_refused(members: list[keras.Model]) -> None:
    with pytest.raises(ModelError, match=r"same form; these take: a grey, b sobel"):
        ensemble_card("pair", [card("a"), card("b", form="sobel")])
    with pytest.raises(UsageError, match="two or more models"):
        ensemble(members[:1])
    other = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(ModelError, match="expected \\(N, 28, 28\\)"):
        ensemble([members[0], other])
