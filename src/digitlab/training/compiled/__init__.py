"""Several training steps as one compiled call; the only place that knows which backend Keras runs on.

Keras' own `fit` left the second of two cores idle in about half of its calls on TensorFlow (measured: docs/diary.md).
Probably what its input pipeline wakes continues on a thread of the very pool that oneDNN would share its work among.
Without the pipeline it was not seen again.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from digitlab.models.backend import keras
from digitlab.training.compiled.objective import loss_and_accuracy, objective
from digitlab.training.config import LOSSES

if TYPE_CHECKING:
    from digitlab.training.compiled.objective import Steps
    from digitlab.training.in_graph import InGraph

__all__ = ["make_steps"]


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
