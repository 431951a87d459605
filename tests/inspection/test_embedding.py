"""The whole set: what the map is made of, who is near whom."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.errors import UsageError
from digitlab.inspection import embed, lay_open, nearest, penultimate, projections, prototypes, unusual
from digitlab.values import Digits

pytestmark = pytest.mark.xdist_group("keras")


@pytest.fixture
def clouds() -> tuple[np.ndarray, np.ndarray]:
    """Ten clouds of twelve points in eight dimensions."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 12).astype(np.uint8)
    centres = rng.normal(0, 10, (10, 8))
    return (centres[labels] + rng.normal(0, 0.5, (120, 8))).astype(np.float32), labels


def test_the_penultimate_layer_is_what_the_last_weights_take(make: Callable[[str], Any]) -> None:
    images = load_dataset("mnist").split("test").images[:20]
    model = make("sequential")
    network = lay_open(model)
    steps = penultimate(network)
    assert [step.kind for step in steps] == ["Activation"]  # the relu of the dense layer before the answer
    seen = embed(network, images, steps)
    assert seen.features.shape == (20, 32)
    kernel, bias = model.layers[-1].get_weights()
    logits = seen.features @ kernel + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(seen.probabilities, powers / powers.sum(axis=1, keepdims=True), atol=1e-5)


def test_dropout_before_the_answer_is_passed_by(make: Callable[[str], Any]) -> None:
    (step,) = penultimate(lay_open(make("residual")))
    assert step.kind == "Flatten"


def test_an_ensemble_has_a_penultimate_layer_in_each_network(make: Callable[[str], Any]) -> None:
    from digitlab.models.ensemble import ensemble

    network = lay_open(ensemble([make("sequential"), make("normalised")], "both"))
    steps = penultimate(network)
    assert len(steps) == 2
    wide = sum(int(np.prod(step.shape)) for step in steps)
    assert embed(network, np.zeros((3, 28, 28), np.uint8), steps).features.shape == (3, wide)


def test_maps_keep_clouds_apart_and_lie_in_the_square(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = clouds
    found = projections(features, seed=3)
    assert next(iter(found)) == "t-SNE"
    assert list(found)[-1] == "PCA"
    for places in found.values():
        assert places.shape == (120, 2)
        assert places.min() >= -1e-6
        assert places.max() <= 1 + 1e-6
    near = nearest(found["t-SNE"], found["t-SNE"], 2)[:, 1]
    assert (labels[near] == labels).mean() > 0.95
    np.testing.assert_array_equal(projections(features, seed=3)["t-SNE"], found["t-SNE"])


def test_umap_is_used_where_it_is_installed(
    clouds: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Umap:
        def __init__(self, n_neighbors: int, random_state: int) -> None:
            assert (n_neighbors, random_state) == (15, 0)

        def fit_transform(self, few: np.ndarray) -> np.ndarray:
            return few[:, :2]

    module = types.ModuleType("umap")
    module.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    module.UMAP = Umap  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "umap", module)
    assert list(projections(clouds[0])) == ["t-SNE", "UMAP", "PCA"]


@pytest.mark.parametrize("features", [np.ones((40, 6)), np.arange(6.0).reshape(3, 2), np.arange(9.0)[:, None] * 0])
def test_images_that_are_all_the_same_or_few_have_a_map_all_the_same(features: np.ndarray) -> None:
    told: list[str] = []
    found = projections(features.astype(np.float32), on_note=told.append)
    assert list(found) == ["PCA"]
    assert np.isfinite(found["PCA"]).all()
    assert len(told) == 1


def test_nearest_are_those_of_least_distance() -> None:
    rng = np.random.default_rng(5)
    features, asked = rng.normal(size=(50, 4)).astype(np.float32), rng.normal(size=(7, 4)).astype(np.float32)
    by_hand = np.argsort(((asked[:, None] - features[None]) ** 2).sum(axis=2), axis=1)[:, :6]
    np.testing.assert_array_equal(nearest(features, asked, 6), by_hand)
    assert nearest(features, asked[:0], 6).shape == (0, 6)
    assert nearest(features, asked, 99).shape == (7, 50)


def test_prototypes_are_central_and_of_their_class(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = clouds
    features[0] += 8  # an outlier stands for nobody
    found = prototypes(features, labels, 1)
    for digit, rows in enumerate(found):
        assert len(rows) == 1
        assert labels[rows[0]] == digit
    assert found[0][0] != 0
    assert [len(rows) for rows in prototypes(features[:5], labels[:5], 99)] == [5, *[0] * 9]


def test_unusual_images_come_first_that_are_far_from_their_class(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = clouds
    features[30] = features[100]  # a 2 among the 8s
    found = unusual(features, labels, 3)
    assert found[2][0] == 30
    assert all((labels[rows] == digit).all() and len(rows) == 3 for digit, rows in enumerate(found))
    assert [len(rows) for rows in unusual(features[:1], labels[:1], 3)] == [1, *[0] * 9]


def test_the_page_holds_all_mistakes_and_the_neighbours_are_training_images(
    make: Callable[[str], Any], tmp_path: Path
) -> None:
    from digitlab.inspection.look import Part, look_at_set, open_album
    from digitlab.inspection.look.whole_set import explore

    mnist = load_dataset("mnist")
    shown, learned = (
        Part("test", mnist.split("test")[:400]),
        Part("train", Digits(mnist.split("train").images[:300], mnist.split("train").labels[:300])),
    )
    album = open_album(make("sequential"), tmp_path)
    found = explore(album, shown, learned, data="mnist", images=200)
    said = found.points.probabilities.argmax(axis=1)
    assert found.confusion.sum() == 400
    assert (said[:100] != found.points.digits.labels[:100]).all()  # random weights: half of the map are mistakes
    assert set(found.neighbours) == {row for row in range(200) if said[row] != found.points.digits.labels[row]}
    assert all(len(rows) == 8 for rows in found.neighbours.values())
    point, rows = next(iter(found.neighbours.items()))
    layers = penultimate(album.network)
    far = embed(album.network, learned.digits.images, layers).features
    own = embed(album.network, found.points.digits.images[point][None], layers).features
    expected = np.argsort(((far - own) ** 2).sum(axis=1))[:8]
    np.testing.assert_array_equal(found.others.numbers[rows], expected)
    told = look_at_set(album, shown, None, data="mnist", images=200)
    assert told["images"] == 400
    assert told["bytes"] == (tmp_path / "explorer.html").stat().st_size
    with pytest.raises(UsageError, match="expected 100 to 6000"):
        look_at_set(album, shown, learned, data="mnist", images=99)
