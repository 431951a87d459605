"""Dropout whose random numbers cost a quarter: a byte for each unit instead of a float.

In S0's network dropout took a seventh of a training step on a CPU: TensorFlow draws a float32 for each unit, compares,
and selects (docs/diary.md). Here one random word decides for four units, and the mask is multiplied.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from digitlab.models.backend import keras

__all__ = ["QuickDropout", "with_quick_dropout"]


def with_quick_dropout(model: keras.Model) -> keras.Model:
    """The same network, the same layers and weights, with `QuickDropout` in place of each plain Dropout."""

    def replaced(layer: keras.Layer) -> keras.Layer:
        plain = type(layer) is keras.layers.Dropout and layer.noise_shape is None and layer.rate > 0
        return QuickDropout(layer) if plain else layer

    return keras.models.clone_model(model, clone_function=replaced)


class QuickDropout(keras.layers.Layer):  # type: ignore[misc]
    """As the Dropout that it stands for, with that layer's seed, whose state counts on.

    The rate is exact where it is a multiple of 1/256 (0.25, 0.5), else right to 1/131,072. What stays is divided by the
    exact share that stays.
    """

    def __init__(self, plain: keras.layers.Dropout) -> None:
        super().__init__(name=f"quick-{plain.name}", dtype=plain.dtype_policy)
        self.plain = plain
        self._number = tf.uint8 if (plain.rate * 256).is_integer() else tf.uint16
        self._levels = 1 << (8 * self._number.size)
        self._dropped = round(plain.rate * self._levels)

    def call(self, units: Any, training: bool = False) -> Any:
        """Some units 0, the others larger, while training; all as they are otherwise."""
        if not training:
            return units
        mask = self._random_numbers(tf.shape(units)) >= tf.constant(self._dropped, self._number)
        stays = self._levels / (self._levels - self._dropped)
        return units * (tf.cast(mask, units.dtype) * tf.cast(stays, units.dtype))

    def compute_output_spec(self, units: Any, training: bool = False) -> Any:  # noqa: ARG002 - Keras' signature
        """The shape and type of what comes in."""
        return keras.KerasTensor(units.shape, dtype=units.dtype)

    def _random_numbers(self, shape: Any) -> Any:
        """Whole numbers of all levels, of this shape: each random word cut into two or four."""
        count, size = tf.reduce_prod(shape), self._number.size
        words = tf.random.stateless_uniform(
            ((count * size + 3) // 4,),
            seed=self.plain.seed_generator.next(),
            minval=None,
            maxval=None,
            dtype=tf.int32,
            alg="philox",
        )
        return tf.reshape(tf.reshape(tf.bitcast(words, self._number), (-1,))[:count], shape)
