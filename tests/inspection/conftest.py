"""Small networks of every make, their weights random but not tiny."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MAKES = ("sequential", "normalised", "nested", "residual", "shared", "separable")


@pytest.fixture(scope="session")
def make() -> Callable[[str], Any]:
    """A network by the name of its make."""
    return _make


def _make(name: str) -> Any:
    from digitlab.models import build
    from digitlab.models.backend import keras

    layers = keras.layers
    images = keras.Input((28, 28), dtype="uint8", name="images")
    pixels = layers.Reshape((28, 28, 1))(layers.Rescaling(1 / 255)(images))
    if name == "sequential":
        model = build("slides-cnn")
    elif name == "normalised":
        model = build("final-cnn")
    elif name == "nested":
        inner = keras.Sequential(
            [keras.Input((28, 28, 1)), layers.Conv2D(4, 5, activation="tanh", name="lines"), layers.MaxPooling2D(2)],
            name="inner",
        )
        x = layers.Conv2D(3, 3, strides=2, activation="relu", name="corners")(inner(pixels))
        model = keras.Model(images, _head(layers, x), name="nested")
    elif name == "residual":
        x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(pixels)
        y = layers.Conv2D(4, 3, padding="same", name="second")(x)
        y = layers.ReLU(name="cut")(layers.BatchNormalization(name="even")(y))
        model = keras.Model(images, _head(layers, layers.Add(name="sum")([x, y])), name="residual")
    elif name == "shared":
        twice = layers.Conv2D(1, 3, padding="same", activation="relu", name="twice")
        model = keras.Model(images, _head(layers, twice(twice(pixels))), name="shared")
    else:
        x = layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu", name="deep")(pixels)
        x = layers.SeparableConv2D(5, 3, activation="elu", name="apart")(x)
        x = layers.Conv2DTranspose(3, 3, use_bias=False, name="back")(x)
        model = keras.Model(images, _head(layers, x), name="separable")
    rng = np.random.default_rng(3)
    model.set_weights([_random(rng, held) for held in model.get_weights()])
    return model


def _head(layers: Any, maps: Any) -> Any:
    pooled = layers.Flatten()(layers.AveragePooling2D(2, name="pool")(maps))
    return layers.Dense(10, activation="softmax", name="answer")(layers.Dropout(0.5)(pooled))


def _random(rng: np.random.Generator, held: NDArray[np.float32]) -> NDArray[np.float32]:
    if held.ndim == 1:  # biases; a normalisation's scales, shifts, means and variances, which must be above 0
        return rng.uniform(0.05, 0.3, held.shape).astype(np.float32)
    fan = float(np.prod(held.shape[:-1]))
    return (rng.standard_normal(held.shape) * np.sqrt(2 / fan)).astype(np.float32)


@pytest.fixture(scope="session", params=MAKES)
def model(request: pytest.FixtureRequest) -> Any:
    """A network of each make."""
    return _make(request.param)
