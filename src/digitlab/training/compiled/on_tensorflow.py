"""Training steps in one TensorFlow graph. Not compiled by XLA, which makes convolutions ten times slower on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from digitlab.training.compiled.objective import loss_and_accuracy, objective
from digitlab.training.compiled.quick_dropout import with_quick_dropout

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.training.compiled import Steps

__all__ = ["make"]


def make(model: keras.Model, optimiser: keras.Optimizer, label_smoothing: float) -> Steps:
    """See `digitlab.training.compiled.make_steps`."""
    network = with_quick_dropout(model)

    def step(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            probabilities = network(images, training=True)
            loss = objective(labels, probabilities, label_smoothing)
            if network.losses:
                loss += tf.add_n(network.losses)
        optimiser.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss_and_accuracy(labels, probabilities)

    # A graph for each size of batch, there are two at most: with its size known, a graph is quicker than one for all.
    graphs: dict[int, Callable[[Any, Any], Any]] = {}

    def run(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
        size = images.shape[1]
        if size not in graphs:
            graphs[size] = _looped(step, size)
        return np.asarray(graphs[size](images, labels.astype(np.int32)))

    return run


def _looped(step: Callable[[Any, Any], Any], size: int) -> Callable[[Any, Any], Any]:
    """``step`` over any number of batches of this size, as one graph."""

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=(tf.TensorSpec((None, size, 28, 28), tf.uint8), tf.TensorSpec((None, size), tf.int32)),
        jit_compile=False,
    )
    def loop(images: Any, labels: Any) -> Any:
        count = tf.shape(images)[0]
        rows = tf.TensorArray(tf.float32, size=count, element_shape=(2,))
        for number in tf.range(count):
            rows = rows.write(number, step(images[number], labels[number]))
        return rows.stack()

    return loop  # type: ignore[no-any-return]
