"""Several training steps as one compiled call; the only place that knows which backend Keras runs on.

Keras' own `fit` left the second of two cores idle in about half of its calls on TensorFlow (measured: docs/diary.md).
Probably what its input pipeline wakes continues on a thread of the very pool that oneDNN would share its work among.
Without the pipeline it was not seen again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from digitlab.models.backend import keras

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Steps", "make_steps"]


class Steps(Protocol):
    """Trains on consecutive batches."""

    def __call__(self, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One step a batch: images (K, B, 28, 28), labels (K, B) → (K, 2), each batch's loss and accuracy before it.

        The loss is the plain cross-entropy, also where the training smooths its labels.
        """


def make_steps(model: keras.Model, optimiser: keras.Optimizer, *, label_smoothing: float = 0.0) -> Steps:
    """The steps for this model and optimiser on the backend that Keras runs on."""
    if keras.backend.backend() == "tensorflow":
        from digitlab.training.compiled.on_tensorflow import make
    else:
        from digitlab.training.compiled.on_jax import make
    optimiser.build(model.trainable_variables)
    return make(model, optimiser, label_smoothing)
