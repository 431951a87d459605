"""What a foreign network's ten numbers are, and how they become probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.models.backend import keras
from digitlab.models.safety.plain import refuse

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["answering_probabilities"]

_ASKED = 64  # of MNIST's training images, and an empty one
_TOLERANCE = 1e-2  # of a sum of ten numbers in bfloat16


def answering_probabilities(model: keras.Model) -> tuple[keras.Model, list[str]]:
    """The model with probabilities at its end, and what was changed for that, a sentence each.

    Most tutorials leave the softmax to the loss (``from_logits=True``), and their networks answer logits. Whatever a
    network is made of, its answers to some images tell what they are.

    Raises:
        ModelError: when they are not finite, or neither probabilities nor anything that softmax makes such of.
    """
    values = _some_answers(model)
    if not np.isfinite(values).all():
        refuse("it answers NaN or infinity; expected the probabilities of the digits 0 to 9")
    if values.min() >= -_TOLERANCE and np.abs(values.sum(axis=1) - 1).max() <= _TOLERANCE:
        return model, []
    if values.min() >= 0 and values.max() <= 1:
        return _without_sigmoids(model)
    said = "it answers logits, not probabilities; a softmax was put behind it"
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
            "it answers numbers from 0 to 1 that do not sum to 1; expected probabilities. End it with a softmax, or "
            "leave the last activation out, so that it answers logits, and save it again"
        )
    last.activation = keras.activations.log_sigmoid
    return _with_softmax(model), ["ten sigmoids ended it; each one's share of their sum is the probability"]


def _last_layer(model: keras.Model) -> keras.Layer:
    layer = model.outputs[0]._keras_history.operation
    return _last_layer(layer) if isinstance(layer, keras.Model) else layer
