"""Gradients by TensorFlow's gradient tape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.models.backend import keras

__all__ = ["compute"]


def compute(
    model: keras.Model, inputs: Sequence[NDArray[np.float32]], weights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """See `digitlab.inspection.gradients.gradients`."""
    given = [tf.convert_to_tensor(each) for each in inputs]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(given)
        asked = tf.reduce_sum(model(given if len(given) > 1 else given[0], training=False) * weights, axis=-1)
    found = tape.gradient(asked, given, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return np.asarray(asked), [np.asarray(each) for each in found]
