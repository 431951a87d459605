"""Gradients of a network's scores with respect to its inputs; the only module here that depends on the backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["gradients"]


def gradients(
    model: keras.Model, inputs: Sequence[NDArray[np.float32]], weights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """The gradients of weighted sums of scores with respect to all inputs.

    Args:
        model: from ``inputs`` to scores (N, 10), in inference mode: no dropout, fixed normalisation.
        inputs: float32 (N, …) each.
        weights: float32 (N, 10); for each image the sum of its scores times these is differentiated.

    Returns:
        Those sums, float32 (N,), and their gradients, each of the shape of one of ``inputs``.
    """
    compute = _by_tape if keras.backend.backend() == "tensorflow" else _by_jax
    sums, found = compute(model, inputs, weights)
    return np.asarray(sums), [np.asarray(each) for each in found]


def _by_tape(model: keras.Model, inputs: Sequence[Any], weights: Any) -> tuple[Any, Sequence[Any]]:
    import tensorflow as tf

    given = [tf.convert_to_tensor(each) for each in inputs]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(given)
        asked = tf.reduce_sum(model(given if len(given) > 1 else given[0], training=False) * weights, axis=-1)
    return asked, tape.gradient(asked, given, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _by_jax(model: keras.Model, inputs: Sequence[Any], weights: Any) -> tuple[Any, Sequence[Any]]:
    import jax

    def asked(given: list[Any]) -> tuple[Any, Any]:
        each = (model(given if len(given) > 1 else given[0], training=False) * weights).sum(axis=-1)
        return each.sum(), each

    found, each = jax.grad(asked, has_aux=True)([jax.numpy.asarray(held) for held in inputs])
    return each, found
