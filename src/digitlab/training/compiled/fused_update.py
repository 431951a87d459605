"""Adadelta's and Adam's steps as TensorFlow's own single operation instead of a dozen.

Keras writes them in `keras.ops`: each sum and product is a pass over all weights, together a sixth of S0's training
step on a CPU (docs/diary.md). The formulas are the same, and so are the moments, which stay Keras' own variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fuse_update"]


def fuse_update(optimiser: keras.Optimizer) -> None:
    """Let ``optimiser``, already built, update each variable by one operation, where there is one for it."""
    if type(optimiser) is keras.optimizers.Adadelta:
        optimiser.update_step = _adadelta(optimiser)
    elif type(optimiser) in (keras.optimizers.Adam, keras.optimizers.AdamW) and not optimiser.amsgrad:
        optimiser.update_step = _adam(optimiser)


def _adadelta(optimiser: Any) -> Callable[[Any, Any, Any], None]:
    def step(gradient: Any, variable: Any, rate: Any) -> None:
        place = optimiser._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdadelta(
            var=variable.handle,
            accum=optimiser._accumulated_grads[place].value.handle,
            accum_update=optimiser._accumulated_delta_vars[place].value.handle,
            lr=tf.cast(rate, variable.dtype),
            rho=optimiser.rho,
            epsilon=optimiser.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )

    return step


def _adam(optimiser: Any) -> Callable[[Any, Any, Any], None]:
    def step(gradient: Any, variable: Any, rate: Any) -> None:
        place, number = optimiser._get_variable_index(variable), tf.cast(optimiser.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimiser._momentums[place].value.handle,
            v=optimiser._velocities[place].value.handle,
            beta1_power=tf.pow(tf.cast(optimiser.beta_1, variable.dtype), number),
            beta2_power=tf.pow(tf.cast(optimiser.beta_2, variable.dtype), number),
            lr=tf.cast(rate, variable.dtype),
            beta1=optimiser.beta_1,
            beta2=optimiser.beta_2,
            epsilon=optimiser.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )

    return step
