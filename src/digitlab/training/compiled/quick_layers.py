"""Layers that train like Keras' own at a fraction of the cost on a CPU; `with_quick_layers` substitutes them.

Each replaces a plain layer and uses that layer's weights, seed and settings. The savings were measured on one core with
batches of 128 in bfloat16 (docs/diary.md):

- Dropout drew a float32 per unit, compared and selected: a seventh of a step of S0's network.
- Batch normalisation was a dozen passes in float32: almost half of a step of good-cnn.
- ReLU's gradients took a tenth of a step of S0's network: TensorFlow's operation widens each bfloat16 to a float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Callable

    Activation = Callable[[Any], Any]

__all__ = [
    "QuickActivation", "QuickBatchNormalization", "QuickConv2D", "QuickDropout", "QuickPooling", "relu",
    "with_quick_layers",
]  # fmt: skip


def relu(units: Any) -> Any:
    """Compute max(0, units), with gradients of bfloat16 units at half the usual cost.

    A positive bfloat16 is also positive if its bits are read as a float16, for which TensorFlow has a fast operation:
    the gradients pass through it as bit patterns. From 2.6e36 on, the bits are not a finite float16: such gradients are
    not masked, and infinity may become a similarly large number. A training with such values is lost either way.
    """
    return _relu(units) if units.dtype == tf.bfloat16 else tf.nn.relu(units)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _relu(units: Any) -> tuple[Any, Activation]:
    output = tf.nn.relu(units)

    def gradients(upstream: Any) -> Any:
        masked = tf.raw_ops.ReluGrad(
            gradients=tf.bitcast(upstream, tf.float16), features=tf.bitcast(output, tf.float16)
        )
        return tf.bitcast(masked, tf.bfloat16)

    return output, gradients


class _Quick(keras.layers.Layer):  # type: ignore[misc]
    """Replaces a plain layer, whose weights and dtype policy it uses.

    activation: follows it; None: none, or it is applied later
    """

    def __init__(self, plain: keras.Layer, activation: Activation | None = None) -> None:
        super().__init__(name=f"quick-{plain.name}", dtype=plain.dtype_policy)
        self.plain, self._activation = plain, activation

    def _activated(self, units: Any) -> Any:
        return units if self._activation is None else self._activation(units)

    def compute_output_spec(self, units: Any, **_: Any) -> Any:
        """Return the plain layer's output spec."""
        return self.plain.compute_output_spec(units)


class QuickConv2D(_Quick):
    """A convolution."""

    def call(self, units: Any, training: bool = False) -> Any:  # noqa: ARG002 - Keras' signature
        """Convolve float (N, H, W, C) → (N, H', W', filters)."""
        units = self.plain.convolution_op(units, self.plain.kernel)
        if self.plain.use_bias:
            units = tf.nn.bias_add(units, tf.convert_to_tensor(self.plain.bias))
        return self._activated(units)


class QuickActivation(_Quick):
    """An activation alone."""

    def call(self, units: Any, training: bool = False) -> Any:  # noqa: ARG002 - Keras' signature
        """Apply the activation, keeping the shape."""
        return self._activated(units)


class QuickPooling(_Quick):
    """Max-pooling, then ``activation``, which came before it: the same result if it is a non-decreasing function."""

    def call(self, units: Any, training: bool = False) -> Any:  # noqa: ARG002 - Keras' signature
        """Pool float (N, H, W, C) → (N, H', W', C)."""
        return self._activated(self.plain(units))


class QuickBatchNormalization(_Quick):
    """Batch normalisation of (N, H, W, C), fused into one forward and one backward operation; float32 moments."""

    def call(self, units: Any, training: bool = False, mask: Any = None) -> Any:
        """Normalise, keeping the shape; the moving moments are updated while training."""
        plain = self.plain
        if mask is not None or not (training and plain.trainable):
            return plain(units, training=training, mask=mask)
        channels = units.shape[-1]
        output, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=units,
            scale=tf.cast(plain.gamma, tf.float32) if plain.scale else tf.ones(channels),
            offset=tf.cast(plain.beta, tf.float32) if plain.center else tf.zeros(channels),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=plain.epsilon,
            exponential_avg_factor=1.0,
            is_training=True,
        )
        count = tf.cast(tf.size(units) // channels, tf.float32)
        variance *= (count - 1) / count  # TensorFlow divides by count - 1
        for moving, now in ((plain.moving_mean, mean), (plain.moving_variance, variance)):
            moving.assign(moving * plain.momentum + now * (1.0 - plain.momentum))
        return output


class QuickDropout(_Quick):
    """Dropout from a few random bits per unit; uses the plain layer's seed generator, and advances its state.

    2, 4 or 8 bits suffice if the rate is a multiple of 1/4, 1/16 or 1/256. For other rates, the next lower or the next
    higher multiple of 1/256 is drawn for each batch, so that each unit is dropped as often as it should be.
    """

    def __init__(self, plain: keras.layers.Dropout) -> None:
        super().__init__(plain)
        self._bits = next((bits for bits in (2, 4) if (plain.rate * (1 << bits)).is_integer()), 8)
        level = plain.rate * (1 << self._bits)
        self._level, self._rest = int(level), level - int(level)

    def call(self, units: Any, training: bool = False) -> Any:
        """Zero some units and scale up the others while training; otherwise return them unchanged."""
        if not training:
            return units
        shape = tf.shape(units)
        return units * tf.reshape(self._factors(tf.reduce_prod(shape), units.dtype), shape)

    def _factors(self, count: Any, dtype: Any) -> Any:
        """Return (count,): 0 for dropped units, else the factor that compensates for them."""
        mask, scale = self._mask(count), 1 / (1 - self.plain.rate)
        if dtype != tf.bfloat16:
            return tf.cast(mask, dtype) * tf.cast(scale, dtype)
        pattern = np.array(scale, dtype.as_numpy_dtype).view(np.int16)  # integer multiplication is faster
        return tf.bitcast(tf.cast(mask, tf.int16) * pattern, tf.bfloat16)

    def _mask(self, count: Any) -> Any:
        """Draw which of ``count`` units are kept: bool (count,).

        A byte's lowest bits decide for a unit of the first quarter (or half, or all) of the units, its next bits for
        one of the next quarter: no unit is moved, and each quarter takes one simple comparison.
        """
        per_byte = 8 // self._bits
        numbers, last = self._draw((count + per_byte - 1) // per_byte)
        if per_byte == 1:
            one_more = last < round(self._rest * 2**32) - 2**31
            return numbers >= tf.cast(self._level + tf.cast(one_more, tf.int32), tf.uint8)
        shifts = [self._bits * index for index in range(per_byte)]
        ones = (1 << self._bits) - 1
        parts = [
            tf.bitwise.bitwise_and(numbers, tf.constant(ones << shift, tf.uint8))
            >= tf.constant(self._level << shift, tf.uint8)
            for shift in shifts
        ]
        return tf.concat(parts, axis=0)[:count]

    def _draw(self, count: Any) -> tuple[Any, Any]:
        """Draw (count,) random bytes and one random int32."""
        words = tf.random.stateless_uniform(
            ((count + 3) // 4 + 1,),
            seed=self.plain.seed_generator.next(),
            minval=None,
            maxval=None,
            dtype=tf.int32,
            alg="philox",
        )
        return tf.reshape(tf.bitcast(words, tf.uint8), (-1,))[:count], words[-1]


layers = keras.layers


def with_quick_layers(model: keras.Model) -> keras.Model:
    """Clone a network for training: it shares the weights and gives the same outputs, with quick layers where possible.

    A non-decreasing activation gives the same result before and after max-pooling, but after it there is a quarter of
    the work: ReLU and leaky ReLU are moved behind the pooling layer that follows them.
    """
    moves = _moves(model)
    moved = {id(pool): activation for _, pool, activation in moves}
    bare = {id(layer) for layer, _, _ in moves}

    def replacement(layer: keras.Layer) -> keras.Layer:
        if id(layer) in moved:
            return QuickPooling(layer, moved[id(layer)])
        activation = _activation_of(layer)
        if activation is not None:
            layer_class = QuickConv2D if type(layer) is layers.Conv2D else QuickActivation
            return layer_class(layer, None if id(layer) in bare else activation)
        if type(layer) is layers.Dropout and layer.noise_shape is None and layer.rate > 0:
            return QuickDropout(layer)
        if type(layer) is layers.BatchNormalization and layer.input_spec.ndim == 4 and layer.axis in (-1, 3):
            return QuickBatchNormalization(layer)
        return layer

    return keras.models.clone_model(model, clone_function=replacement)


def _moves(model: keras.Model) -> list[tuple[keras.Layer, keras.Layer, Activation]]:
    """List (layer that ends in an activation, max-pooling after it, that activation), for sequential models only.

    In other models another layer could use the activated values.
    """
    if type(model) is not keras.Sequential:
        return []
    return [
        (layer, following, activation)
        for layer, following in zip(model.layers, model.layers[1:], strict=False)
        if type(following) is layers.MaxPooling2D and (activation := _activation_of(layer)) is not None
    ]


def _activation_of(layer: keras.Layer) -> Activation | None:
    """Return the ReLU or leaky ReLU that a convolution ends in, or that this layer is; None for all others.

    Also None for a layer with an activity regulariser: only the plain layer adds its penalty.
    """
    if layer.activity_regularizer is not None:
        return None
    if type(layer) is layers.LeakyReLU and layer.negative_slope >= 0:
        return lambda units: tf.nn.leaky_relu(units, alpha=float(layer.negative_slope))
    plain_relu = type(layer) is layers.ReLU and not (layer.max_value or layer.negative_slope or layer.threshold)
    ends_in_relu = type(layer) in (layers.Conv2D, layers.Activation) and layer.activation is keras.activations.relu
    return relu if plain_relu or ends_in_relu else None
