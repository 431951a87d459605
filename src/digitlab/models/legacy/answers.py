"""Detects whether an imported network outputs probabilities, logits or sigmoids, and adds what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.models.backend import keras
from digitlab.models.safety.plain import refuse

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["answering_probabilities"]

_ASKED = 64  # MNIST training images for the test, and an empty one
_TOLERANCE = 1e-2  # for the sum of ten probabilities in bfloat16


def answering_probabilities(model: keras.Model) -> tuple[keras.Model, list[str]]:
    """The model with probabilities as output, and the changes, one sentence each.

    Many tutorials leave the softmax to the loss (``from_logits=True``), and their networks output logits. The outputs
    for some images show which it is, whatever the layers are.

    Raises:
        ModelError: when the outputs are not finite, or can be neither probabilities, logits nor sigmoids.
    """
    values = _some_answers(model)
    if not np.isfinite(values).all():
        refuse("its output has NaN or infinity; expected the probabilities of the digits 0 to 9")
    if values.min() >= -_TOLERANCE and np.abs(values.sum(axis=1) - 1).max() <= _TOLERANCE:
        return model, []
    if values.min() >= 0 and values.max() <= 1:
        return _without_sigmoids(model)
    said = "it outputs logits, not probabilities; a softmax was added"
    return _with_softmax(model), [said]


def _some_answers(model: keras.Model) -> NDArray[np.float32]:
    from digitlab.datasets import load_dataset

    images = np.concatenate([load_dataset("mnist").split("train").images[:_ASKED], np.zeros((1, 28, 28), np.uint8)])
    return np.asarray(keras.ops.convert_to_numpy(model(images, training=False)), np.float32)


def _with_softmax(model: keras.Model) -> keras.Model:
    softmax = keras.layers.Softmax(dtype="float32")
    return keras.Model(model.inputs[0], softmax(model.outputs[0]), name=model.name)


def _without_sigmoids(model: keras.Model) -> tuple[keras.Model, list[str]]:
    """Softmax of log(sigmoid) is each sigmoid's share of their sum."""
    last = _last_layer(model)
    if getattr(last, "activation", None) is not keras.activations.sigmoid:
        refuse(
            "its outputs lie between 0 and 1 and do not sum to 1; expected probabilities. End it with a softmax, or "
            "remove the last activation, so that it outputs logits, and save it again"
        )
    last.activation = keras.activations.log_sigmoid
    return _with_softmax(model), ["it outputs ten sigmoids; each is divided by their sum"]


def _last_layer(model: keras.Model) -> keras.Layer:
    layer = model.outputs[0]._keras_history.operation
    return _last_layer(layer) if isinstance(layer, keras.Model) else layer
