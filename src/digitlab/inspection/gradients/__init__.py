"""Gradients of a network's scores with respect to its inputs; the only module here that depends on the backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
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
    if keras.backend.backend() == "tensorflow":
        from digitlab.inspection.gradients.on_tensorflow import compute
    else:
        from digitlab.inspection.gradients.on_jax import compute
    return compute(model, inputs, weights)
