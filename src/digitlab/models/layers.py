"""Short names for Keras layers, used to define the architectures.

Every network takes ``uint8 (N, 28, 28)`` and begins with its preparation, so that the model file itself contains the
scaling of pixels (the 2017 program of the thesis S0 did not scale them, and fed its network 0…255 instead of 0…1).
"""

from __future__ import annotations

from typing import Any

from digitlab.errors import UsageError
from digitlab.models.backend import keras

layers = keras.layers

__all__ = [
    "CENTRED", "PREPARATIONS", "UNIT", "conv", "dense", "expect_share", "max_pool", "output", "preparation_of",
    "prepare", "sequential",
]  # fmt: skip

UNIT = "x / 255"
CENTRED = "x / 255 - 0.5"
PREPARATIONS = {UNIT: (1 / 255, 0.0), CENTRED: (1 / 255, -0.5), "x": (1.0, 0.0)}


def expect_share(name: str, value: float) -> None:
    """Refuse a value outside [0, 1).

    Raises:
        UsageError: for such a value, with its name.
    """
    if not 0 <= value < 1:
        raise UsageError(f"{name} is {value}; expected 0 to below 1")


def prepare(preparation: str) -> list[keras.Layer]:
    """Return the layers that turn uint8 (N, 28, 28) into float (N, 28, 28, 1) by one of PREPARATIONS."""
    scale, offset = PREPARATIONS[preparation]
    return [layers.Rescaling(scale, offset, name="prepare"), layers.Reshape((28, 28, 1), name="add_channel")]


def preparation_of(model: keras.Model) -> str:
    """Return how ``model`` scales pixels, read from its layers."""
    for layer in model.layers:
        if isinstance(layer, layers.Rescaling):
            return next(
                (name for name, settings in PREPARATIONS.items() if settings == (layer.scale, layer.offset)), "other"
            )
    return "none"


def conv(filters: int, size: int = 3, **settings: Any) -> keras.Layer:
    """Create a convolution without padding, followed by ReLU unless ``activation`` says otherwise."""
    return layers.Conv2D(filters, size, **{"activation": "relu", **settings})


def max_pool() -> keras.Layer:
    """Create a maximum over 2×2 blocks; it halves width and height, rounded down."""
    return layers.MaxPooling2D(2)


def dense(units: int, **settings: Any) -> keras.Layer:
    """Create a fully connected layer, followed by ReLU unless ``activation`` says otherwise."""
    return layers.Dense(units, **{"activation": "relu", **settings})


def output(**settings: Any) -> list[keras.Layer]:
    """Create the output layer with the ten probabilities.

    It is float32 whatever the dtype policy: a softmax in bfloat16 has steps of 0.004 near 1, which would show in the
    loss.
    """
    return [layers.Dense(10, activation="softmax", name="probabilities", dtype="float32", **settings)]


def sequential(*stack: keras.Layer | list[keras.Layer], name: str, preparation: str = UNIT) -> keras.Sequential:
    """Build one model from input, preparation and ``stack`` (layers or lists of layers)."""
    model = keras.Sequential([keras.Input((28, 28), dtype="uint8", name="images"), *prepare(preparation)], name=name)
    for part in stack:
        for layer in part if isinstance(part, list) else [part]:
            model.add(layer)
    return model
