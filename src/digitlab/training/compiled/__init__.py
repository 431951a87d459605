"""Several training steps as one compiled call; the only place that knows which backend Keras runs on.

Keras' own `fit` left the second of two cores idle in about half of its calls on TensorFlow (measured: docs/diary.md).
Probably the code that its input pipeline wakes runs on a thread of the same pool over which oneDNN distributes its
work. Without the pipeline this was not observed again.
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
    """Create the steps for this model and optimiser on Keras' current backend; images are augmented in the graph.

    distractors: whether some labels are `NONE`; the reported loss and accuracy are then those of the other images
    """
    if keras.backend.backend() == "tensorflow":
        from digitlab.training.compiled.on_tensorflow import make
    else:
        from digitlab.training.compiled.on_jax import make
    optimiser.build(model.trainable_variables)
    lowered = functools.partial(objective, label_smoothing=label_smoothing, loss=loss, distractors=distractors)
    return make(model, optimiser, lowered, functools.partial(loss_and_accuracy, distractors=distractors), augmentation)
