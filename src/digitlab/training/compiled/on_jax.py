"""Training steps compiled by JAX: one scan over the batches, carrying the state from each to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.training.compiled.objective import Measure, Objective, Steps
    from digitlab.training.in_graph import InGraph

__all__ = ["make"]


def make(
    model: keras.Model,
    optimiser: keras.Optimizer,
    objective: Objective,
    measure: Measure,
    augmentation: InGraph | None,
) -> Steps:
    """See `digitlab.training.compiled.make_steps`."""

    def loss_of(trainable: Any, fixed: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        probabilities, fixed, losses = model.stateless_call(trainable, fixed, images, training=True, return_losses=True)
        return objective(labels, probabilities) + sum(losses), (fixed, probabilities)

    gradient = jax.value_and_grad(loss_of, has_aux=True)

    def step(state: Any, batch: Any) -> Any:
        trainable, fixed, moments = state
        images, labels, numbers = batch
        if augmentation is not None and numbers.shape[1]:
            images = augmentation.vary(images, numbers)
        (_, (fixed, probabilities)), gradients = gradient(trainable, fixed, images, labels)
        trainable, moments = optimiser.stateless_apply(moments, gradients, trainable)
        # The state of a scan must keep its structure: return lists, as passed in.
        return [[*trainable], [*fixed], [*moments]], measure(labels, probabilities)

    compiled = jax.jit(lambda state, *batches: jax.lax.scan(step, state, batches))

    def run(images: NDArray[np.uint8], labels: NDArray[np.uint8], numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        variables = (model.trainable_variables, model.non_trainable_variables, optimiser.variables)
        state = [[each.value for each in part] for part in variables]
        state, rows = compiled(state, images, labels.astype(np.int32), numbers)
        for part, values in zip(variables, state, strict=True):
            for variable, value in zip(part, values, strict=True):
                variable.assign(value)
        return np.asarray(rows)

    return run
