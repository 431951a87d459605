"""Training steps in one TensorFlow graph. Not compiled by XLA, which makes convolutions ten times slower on a CPU.

Adadelta's and Adam's updates use TensorFlow's fused operation instead of a dozen: Keras implements them in `keras.ops`,
where each sum and product is a pass over all weights, together a sixth of S0's training step on a CPU (docs/diary.md).
The formulas are the same, and so are the moments, which remain Keras' own variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from digitlab.models.backend import keras
from digitlab.training.compiled.quick_layers import with_quick_layers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.training.compiled.objective import Measure, Objective, Steps
    from digitlab.training.in_graph import InGraph

__all__ = ["fuse_update", "make"]


def make(
    model: keras.Model,
    optimiser: keras.Optimizer,
    objective: Objective,
    measure: Measure,
    augmentation: InGraph | None,
) -> Steps:
    """See `digitlab.training.compiled.make_steps`."""
    network = with_quick_layers(model)
    fuse_update(optimiser)

    def step(images: Any, labels: Any, numbers: Any) -> Any:
        if augmentation is not None and numbers.shape[1]:
            images = augmentation.vary(images, numbers)
        with tf.GradientTape() as tape:
            probabilities = network(images, training=True)
            loss = objective(labels, probabilities)
            if network.losses:
                loss += tf.add_n(network.losses)
        optimiser.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return measure(labels, probabilities)

    # One graph per batch size (there are at most two): a graph for a fixed size is faster than one for all sizes.
    # Batches that are not augmented have graphs of their own.
    graphs: dict[tuple[int, int], Callable[[Any, Any, Any], Any]] = {}

    def run(images: NDArray[np.uint8], labels: NDArray[np.uint8], numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        key = size, width = images.shape[1], numbers.shape[2]
        if key not in graphs:
            graphs[key] = _looped(step, size, width)
        return np.asarray(graphs[key](images, labels.astype(np.int32), numbers))

    return run


def _looped(step: Callable[[Any, Any, Any], Any], size: int, width: int) -> Callable[[Any, Any, Any], Any]:
    """Compile ``step`` over any number of batches of this size, ``width`` random numbers per image, into one graph.

    The loop is TensorFlow's own: to convert a Python loop, AutoGraph would first analyse everything that it calls.
    """

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=(
            tf.TensorSpec((None, size, 28, 28), tf.uint8),
            tf.TensorSpec((None, size), tf.int32),
            tf.TensorSpec((None, size, width), tf.float32),
        ),
        jit_compile=False,
        autograph=False,
    )
    def loop(images: Any, labels: Any, numbers: Any) -> Any:
        count = tf.shape(images)[0]
        rows = tf.TensorArray(tf.float32, size=count, element_shape=(2,))

        def next_step(number: Any, rows: Any) -> tuple[Any, Any]:
            return number + 1, rows.write(number, step(images[number], labels[number], numbers[number]))

        _, rows = tf.while_loop(lambda number, _: number < count, next_step, (0, rows))
        return rows.stack()

    return loop  # type: ignore[no-any-return]


def fuse_update(optimiser: keras.Optimizer) -> None:
    """Make ``optimiser``, already built, update each variable by one fused operation, if there is one for it."""
    if type(optimiser) is keras.optimizers.Adadelta:
        optimiser.update_step = _adadelta(optimiser)
    elif type(optimiser) in (keras.optimizers.Adam, keras.optimizers.AdamW) and not optimiser.amsgrad:
        optimiser.update_step = _adam(optimiser)


def _adadelta(optimiser: Any) -> Callable[[Any, Any, Any], None]:
    def step(gradient: Any, variable: Any, rate: Any) -> None:
        index = optimiser._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdadelta(
            var=variable.handle,
            accum=optimiser._accumulated_grads[index].value.handle,
            accum_update=optimiser._accumulated_delta_vars[index].value.handle,
            lr=tf.cast(rate, variable.dtype),
            rho=optimiser.rho,
            epsilon=optimiser.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )

    return step


def _adam(optimiser: Any) -> Callable[[Any, Any, Any], None]:
    def step(gradient: Any, variable: Any, rate: Any) -> None:
        index, number = optimiser._get_variable_index(variable), tf.cast(optimiser.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimiser._momentums[index].value.handle,
            v=optimiser._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(optimiser.beta_1, variable.dtype), number),
            beta2_power=tf.pow(tf.cast(optimiser.beta_2, variable.dtype), number),
            lr=tf.cast(rate, variable.dtype),
            beta1=optimiser.beta_1,
            beta2=optimiser.beta_2,
            epsilon=optimiser.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )

    return step
