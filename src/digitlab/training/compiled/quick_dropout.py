"""Dropout whose random numbers cost a fraction: a few bits for each unit instead of a float.

In S0's network dropout took a seventh of a training step on a CPU: TensorFlow draws a float32 for each unit, compares,
and selects (docs/diary.md). Here one random word decides for two to sixteen units, and the mask is multiplied.
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

    The rate is exact where it is a multiple of 1/4, 1/16 or 1/256 (2, 4 or 8 bits a unit), else right to 1/131,072 (16
    bits). What stays is divided by the exact share that stays.
    """

    def __init__(self, plain: keras.layers.Dropout) -> None:
        super().__init__(name=f"quick-{plain.name}", dtype=plain.dtype_policy)
        self.plain = plain
        self._bits = next((bits for bits in (2, 4, 8) if (plain.rate * (1 << bits)).is_integer()), 16)
        self._drawn = tf.uint16 if self._bits == 16 else tf.uint8  # what is drawn at once, for one unit or several
        self._dropped = round(plain.rate * (1 << self._bits))

    def call(self, units: Any, training: bool = False) -> Any:
        """Some units 0, the others larger, while training; all as they are otherwise."""
        if not training:
            return units
        shape = tf.shape(units)
        levels = 1 << self._bits
        stays = levels / (levels - self._dropped)
        mask = tf.cast(tf.reshape(self._mask(tf.reduce_prod(shape)), shape), units.dtype)
        return units * (mask * tf.cast(stays, units.dtype))

    def compute_output_spec(self, units: Any, training: bool = False) -> Any:  # noqa: ARG002 - Keras' signature
        """The shape and type of what comes in."""
        return keras.KerasTensor(units.shape, dtype=units.dtype)

    def _mask(self, count: Any) -> Any:
        """Which of ``count`` units stay: bool (count,).

        A byte's first bits decide for a unit of the first quarter (or half, or all), its next bits for the next: no
        unit is moved, and each quarter is one plain comparison.
        """
        together = self._drawn.size * 8 // self._bits
        numbers = self._draw((count + together - 1) // together)
        if together == 1:
            return numbers >= tf.constant(self._dropped, self._drawn)
        shifts = [self._bits * place for place in range(together)]
        ones = (1 << self._bits) - 1
        parts = [
            tf.bitwise.bitwise_and(numbers, tf.constant(ones << shift, self._drawn))
            >= tf.constant(self._dropped << shift, self._drawn)
            for shift in shifts
        ]
        return tf.concat(parts, axis=0)[:count]

    def _draw(self, count: Any) -> Any:
        """(count,) random numbers of one or two bytes: words cut into parts."""
        size = self._drawn.size
        words = tf.random.stateless_uniform(
            ((count * size + 3) // 4,),
            seed=self.plain.seed_generator.next(),
            minval=None,
            maxval=None,
            dtype=tf.int32,
            alg="philox",
        )
        return tf.reshape(tf.bitcast(words, self._drawn), (-1,))[:count]
