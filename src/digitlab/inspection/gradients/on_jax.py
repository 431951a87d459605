"""Gradients by JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.models.backend import keras

__all__ = ["compute"]


def compute(
    model: keras.Model, inputs: Sequence[NDArray[np.float32]], weights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """See `digitlab.inspection.gradients.gradients`."""

    def asked(given: list[Any]) -> tuple[Any, Any]:
        each = (model(given if len(given) > 1 else given[0], training=False) * weights).sum(axis=-1)
        return each.sum(), each

    found, each = jax.grad(asked, has_aux=True)([jax.numpy.asarray(held) for held in inputs])
    return np.asarray(each), [np.asarray(held) for held in found]
