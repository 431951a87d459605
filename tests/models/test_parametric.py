from __future__ import annotations

from typing import Any

import pytest

from digitlab.errors import UsageError
from digitlab.models import build
from digitlab.models.backend import keras

pytestmark = pytest.mark.xdist_group("keras")


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def weights(model: keras.Model) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in model.weights]


@pytest.mark.parametrize(
    ("family", "options", "document"),
    [
        ("conv-family", {"kernel": 5, "pooling": "average"}, "first-cnn"),
        ("conv-family", {"filters": [16, 32], "units": [32]}, "slides-cnn"),
        ("dense-family", {}, "ann-397"),
    ],
)
def test_families_hold_the_networks_of_the_documents(family: str, options: dict[str, Any], document: str) -> None:
    assert weights(build(family, options=options)) == weights(build(document))


def test_what_is_asked_for_is_built() -> None:
    options = {"filters": (4, 8), "batch_norm": True, "spatial_dropout": 0.1, "units": [16, 16]}
    found = kinds(build("conv-family", options=options))
    assert found.count("BatchNormalization") == 4
    assert found.count("SpatialDropout2D") == 2
    assert found.index("BatchNormalization") < found.index("Activation") < found.index("MaxPooling2D")
    assert kinds(build("dense-family", options={"hidden": 4})).count("Dense") == 5


def test_the_final_network_has_its_rate_and_slope() -> None:
    layers = build("final-cnn", options={"rate": 0.4, "slope": 0}).layers
    assert {layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)} == {0.4}
    assert {layer.negative_slope for layer in layers if isinstance(layer, keras.layers.LeakyReLU)} == {0}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("conv-family", {"kernal": 3}, "Did you mean 'kernel'"),
        ("conv-family", {"kernel": "3"}, "expected one like 3"),
        ("conv-family", {"kernel": True}, "expected one like 3"),
        ("conv-family", {"kernel": 0}, "expected fewer pairs or smaller kernels"),
        ("conv-family", {"kernel": 3, "filters": [1, 2, 3, 4]}, "leave no image"),
        ("conv-family", {"filters": [1, "2"]}, r"expected one like \(32,\)"),
        ("conv-family", {"units": [0]}, "expected numbers from 1"),
        ("conv-family", {"pooling": "min"}, "expected one of: max, average"),
        ("conv-family", {"spatial_dropout": 1}, "expected 0 to below 1"),
        ("dense-family", {"initialiser": "zeros"}, "expected one of: glorot"),
        ("dense-family", {"hidden": -1}, "expected 0 or more"),
        ("final-cnn", {"rate": 1.5}, "rate is 1.5"),
        ("ann-397", {"width": 3}, "it has: none"),
        ("thesis-2conv", {"dropout": False}, "no option 'dropout'"),
    ],
)
def test_options_that_cannot_be_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(name, options=options)
