"""Several training steps as one compiled call; the only place that knows which backend Keras runs on.

Keras' own `fit` left the second of two cores idle in about half of its calls on TensorFlow (measured: docs/diary.md).
Probably what its input pipeline wakes continues on a thread of the very pool that oneDNN would share its work among.
Without the pipeline it was not seen again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from digitlab.models.backend import keras
from digitlab.training.compiled.objective import objective
from digitlab.training.settings import LOSSES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.training.in_graph import InGraph

__all__ = ["Objective", "Steps", "make_steps"]

# Labels (B,) and probabilities (B, 10) → what a step lowers.
Objective = Callable[[Any, Any], Any]


class Steps(Protocol):
    """Trains on consecutive batches."""

    def __call__(
        self, images: NDArray[np.uint8], labels: NDArray[np.uint8], numbers: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """One step a batch: images (K, B, 28, 28), labels (K, B), numbers for the augmentation (K, B, width).

        Returns (K, 2), each batch's loss and accuracy before its step.

        The loss is the plain cross-entropy, also where the training smooths its labels.
        """


def make_steps(
    model: keras.Model,
    optimiser: keras.Optimizer,
    *,
    label_smoothing: float = 0.0,
    loss: str = LOSSES[0],
    augmentation: InGraph | None = None,
) -> Steps:
    """The steps for this model and optimiser on the backend that Keras runs on; the images are varied in the graph."""
    if keras.backend.backend() == "tensorflow":
        from digitlab.training.compiled.on_tensorflow import make
    else:
        from digitlab.training.compiled.on_jax import make
    optimiser.build(model.trainable_variables)
    lowered = functools.partial(objective, label_smoothing=label_smoothing, loss=loss)
    return make(model, optimiser, lowered, augmentation)
