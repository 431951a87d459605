"""A network's twin for training: the same weights and the same answers, its layers the `quick_layers`.

An activation that never falls gives the same before a maximum as after it, and after it there is a quarter to do: ReLU
and leaky ReLU move behind the pool that follows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from digitlab.models.backend import keras
from digitlab.training.compiled.quick_layers import (
    QuickActivation,
    QuickBatchNormalization,
    QuickConv2D,
    QuickDropout,
    QuickPooling,
    relu,
)

if TYPE_CHECKING:
    from digitlab.training.compiled.quick_layers import Activation

__all__ = ["with_quick_layers"]

layers = keras.layers


def with_quick_layers(model: keras.Model) -> keras.Model:
    """The same network with quick layers where there are any; the weights are shared."""
    moves = _moves(model)
    moved = {id(pool): activation for _, pool, activation in moves}
    bare = {id(layer) for layer, _, _ in moves}

    def replaced(layer: keras.Layer) -> keras.Layer:
        if id(layer) in moved:
            return QuickPooling(layer, moved[id(layer)])
        activation = _activation_of(layer)
        if activation is not None:
            kind = QuickConv2D if type(layer) is layers.Conv2D else QuickActivation
            return kind(layer, None if id(layer) in bare else activation)
        if type(layer) is layers.Dropout and layer.noise_shape is None and layer.rate > 0:
            return QuickDropout(layer)
        if type(layer) is layers.BatchNormalization and layer.input_spec.ndim == 4 and layer.axis in (-1, 3):
            return QuickBatchNormalization(layer)
        return layer

    return keras.models.clone_model(model, clone_function=replaced)


def _moves(model: keras.Model) -> list[tuple[keras.Layer, keras.Layer, Activation]]:
    """(layer that ends in an activation, maximum that follows, that activation); only what is a plain row is looked at.

    Elsewhere another layer could look at what was activated.
    """
    if type(model) is not keras.Sequential:
        return []
    return [
        (layer, following, activation)
        for layer, following in zip(model.layers, model.layers[1:], strict=False)
        if type(following) is layers.MaxPooling2D and (activation := _activation_of(layer)) is not None
    ]


def _activation_of(layer: keras.Layer) -> Activation | None:
    """The activation that a convolution ends in, or that this layer is; None for all but the two that never fall.

    None as well where a penalty looks at what is activated: only the plain layer adds it.
    """
    if layer.activity_regularizer is not None:
        return None
    if type(layer) is layers.LeakyReLU and layer.negative_slope >= 0:
        return lambda units: tf.nn.leaky_relu(units, alpha=float(layer.negative_slope))
    plain_relu = type(layer) is layers.ReLU and not (layer.max_value or layer.negative_slope or layer.threshold)
    ends_in_relu = type(layer) in (layers.Conv2D, layers.Activation) and layer.activation is keras.activations.relu
    return relu if plain_relu or ends_in_relu else None
