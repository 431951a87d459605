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
from digitlab.training.compiled.objective import loss_and_accuracy, objective
from digitlab.training.config import LOSSES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.training.in_graph import InGraph

__all__ = ["Measure", "Objective", "Steps", "make_steps"]

# Labels (B,) and probabilities (B, 10) → what a step lowers.
Objective = Callable[[Any, Any], Any]
# … → (2,), the loss and the accuracy that are reported.
Measure = Callable[[Any, Any], Any]


class Steps(Protocol):
    """Trains on consecutive batches."""

    def __call__(
        self, images: NDArray[np.uint8], labels: NDArray[np.uint8], numbers: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """One step a batch: images (K, B, 28, 28), labels (K, B), numbers for the augmentation (K, B, width).

        A width of 0: these images are not varied.

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
    distractors: bool = False,
) -> Steps:
    """The steps for this model and optimiser on the backend that Keras runs on; the images are varied in the graph.

    distractors: whether some labels are `NONE`; loss and accuracy are of the others then
    """
    if keras.backend.backend() == "tensorflow":
        from digitlab.training.compiled.on_tensorflow import make
    else:
        from digitlab.training.compiled.on_jax import make
    optimiser.build(model.trainable_variables)
    lowered = functools.partial(objective, label_smoothing=label_smoothing, loss=loss, distractors=distractors)
    return make(model, optimiser, lowered, functools.partial(loss_and_accuracy, distractors=distractors), augmentation)
