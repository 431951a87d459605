"""Layers that train like Keras' own at a part of the cost on a CPU; `with_quick_layers` puts them in their places.

Each stands for a plain layer and uses that layer's weights, seed and settings. What they save was measured on one core,
batches of 128, bfloat16 (docs/diary.md):

- Dropout drew a float32 for each unit, compared and selected: a seventh of a step of S0's network.
- Batch normalisation was a dozen passes in float32: almost half of a step of good-cnn.
- A ReLU's gradients took a tenth of a step of S0's network: TensorFlow's operation widens each bfloat16 to a float32.
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
    """max(0, units); the gradients of bfloat16 units at half the usual cost.

    What is positive as a bfloat16 is so as a float16, and TensorFlow has a quick operation for those: the
    gradients pass it as bit patterns. From 2.6e36 on a float16's bits say "no number": such gradients are not masked,
    and infinity may come out as a number as large. A training that has them is lost either way.
    """
    return _relu(units) if units.dtype == tf.bfloat16 else tf.nn.relu(units)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _relu(units: Any) -> tuple[Any, Activation]:
    answer = tf.nn.relu(units)

    def gradients(upstream: Any) -> Any:
        masked = tf.raw_ops.ReluGrad(
            gradients=tf.bitcast(upstream, tf.float16), features=tf.bitcast(answer, tf.float16)
        )
        return tf.bitcast(masked, tf.bfloat16)

    return answer, gradients


class _Quick(keras.layers.Layer):  # type: ignore[misc]
    """Stands for a plain layer, whose weights and dtype policy it uses."""

    def __init__(self, plain: keras.Layer) -> None:
        super().__init__(name=f"quick-{plain.name}", dtype=plain.dtype_policy)
        self.plain = plain

    def compute_output_spec(self, units: Any, **_: Any) -> Any:
        """What the plain layer would give."""
        return self.plain.compute_output_spec(units)


class QuickConv2D(_Quick):
    """A convolution followed by ``activation``, or by nothing where that comes later."""

    def __init__(self, plain: keras.layers.Conv2D, activation: Activation | None) -> None:
        super().__init__(plain)
        self._activation = activation

    def call(self, units: Any, training: bool = False) -> Any:  # noqa: ARG002 - Keras' signature
        """Float (N, H, W, C) → (N, H', W', filters)."""
        units = self.plain.convolution_op(units, self.plain.kernel)
        if self.plain.use_bias:
            units = tf.nn.bias_add(units, tf.convert_to_tensor(self.plain.bias))
        return units if self._activation is None else self._activation(units)


class QuickActivation(_Quick):
    """``activation``, or nothing where that comes later."""

    def __init__(self, plain: keras.Layer, activation: Activation | None) -> None:
        super().__init__(plain)
        self._activation = activation

    def call(self, units: Any, training: bool = False) -> Any:  # noqa: ARG002 - Keras' signature
        """The same shape."""
        return units if self._activation is None else self._activation(units)


class QuickPooling(_Quick):
    """The greatest of each block, then ``activation``, which stood before: the same where it never falls."""

    def __init__(self, plain: keras.layers.MaxPooling2D, activation: Activation) -> None:
        super().__init__(plain)
        self._activation = activation

    def call(self, units: Any, training: bool = False) -> Any:  # noqa: ARG002 - Keras' signature
        """Float (N, H, W, C) → (N, H', W', C)."""
        return self._activation(self.plain(units))


class QuickBatchNormalization(_Quick):
    """Batch normalisation of maps (N, H, W, C) as one operation each way; moments in float32 as Keras' own."""

    def call(self, units: Any, training: bool = False, mask: Any = None) -> Any:
        """The same shape; the moving moments follow while training."""
        plain = self.plain
        if mask is not None or not (training and plain.trainable):
            return plain(units, training=training, mask=mask)
        channels = units.shape[-1]
        answer, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
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
        variance *= (count - 1) / count  # TensorFlow's is divided by one less
        for moving, now in ((plain.moving_mean, mean), (plain.moving_variance, variance)):
            moving.assign(moving * plain.momentum + now * (1.0 - plain.momentum))
        return answer


class QuickDropout(_Quick):
    """Dropout by a few random bits for each unit; the seed is that of the plain layer, and its state counts on.

    2, 4 or 8 bits decide where the rate is a multiple of 1/4, 1/16 or 1/256. Of other rates the next lower or the next
    higher multiple of 1/256 holds for a whole batch, drawn so that each unit is dropped as often as it should be.
    """

    def __init__(self, plain: keras.layers.Dropout) -> None:
        super().__init__(plain)
        self._bits = next((bits for bits in (2, 4) if (plain.rate * (1 << bits)).is_integer()), 8)
        level = plain.rate * (1 << self._bits)
        self._level, self._rest = int(level), level - int(level)

    def call(self, units: Any, training: bool = False) -> Any:
        """Some units 0, the others larger, while training; all as they are otherwise."""
        if not training:
            return units
        shape = tf.shape(units)
        return units * tf.reshape(self._factors(tf.reduce_prod(shape), units.dtype), shape)

    def _factors(self, count: Any, dtype: Any) -> Any:
        """(count,): 0 for what is dropped, else what makes up for it."""
        mask, larger = self._mask(count), 1 / (1 - self.plain.rate)
        if dtype != tf.bfloat16:
            return tf.cast(mask, dtype) * tf.cast(larger, dtype)
        pattern = np.array(larger, dtype.as_numpy_dtype).view(np.int16)  # whole numbers are multiplied more quickly
        return tf.bitcast(tf.cast(mask, tf.int16) * pattern, tf.bfloat16)

    def _mask(self, count: Any) -> Any:
        """Which of ``count`` units stay: bool (count,).

        A byte's first bits decide for a unit of the first quarter (or half, or all), its next bits for the next: no
        unit is moved, and each quarter is one plain comparison.
        """
        together = 8 // self._bits
        numbers, last = self._draw((count + together - 1) // together)
        if together == 1:
            more = last < round(self._rest * 2**32) - 2**31
            return numbers >= tf.cast(self._level + tf.cast(more, tf.int32), tf.uint8)
        shifts = [self._bits * place for place in range(together)]
        ones = (1 << self._bits) - 1
        parts = [
            tf.bitwise.bitwise_and(numbers, tf.constant(ones << shift, tf.uint8))
            >= tf.constant(self._level << shift, tf.uint8)
            for shift in shifts
        ]
        return tf.concat(parts, axis=0)[:count]

    def _draw(self, count: Any) -> tuple[Any, Any]:
        """(count,) random bytes, and one random int32."""
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
    """A network's twin for training: the same weights and answers, with quick layers where there are any.

    An activation that never falls gives the same before a maximum as after it, and after it there is a quarter to do:
    ReLU and leaky ReLU move behind the pool that follows them.
    """
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
