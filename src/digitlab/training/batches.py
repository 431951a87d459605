"""Loss and accuracy of every batch, recorded inside the compiled graph.

Keras calls Python once per execution, and an execution here is many batches; this metric keeps a row for each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.backend import keras

if TYPE_CHECKING:
    from numpy.typing import NDArray

ops = keras.ops

__all__ = ["BatchRecord"]


class BatchRecord(keras.metrics.Metric):  # type: ignore[misc]
    """Mean log loss and accuracy of each batch since the last reset.

    The loss is the plain cross-entropy of the labels, also where the training smooths them.
    """

    def __init__(self, batches: int) -> None:
        super().__init__(name="accuracy", dtype="float32")
        self._rows = self.add_variable((batches, 2), "zeros", name="rows")
        self._filled = self.add_variable((), "zeros", dtype="int32", name="filled")

    def update_state(self, labels: Any, probabilities: Any, sample_weight: Any = None) -> None:  # noqa: ARG002 - Keras'
        """Append the row of a batch: labels (B,) or one-hot (B, 10), probabilities (B, 10)."""
        truth = (
            ops.argmax(labels, axis=-1)
            if len(labels.shape) == 2 and labels.shape[-1] == 10
            else ops.reshape(labels, (-1,))
        )
        truth = ops.cast(truth, "int32")
        losses = keras.losses.sparse_categorical_crossentropy(truth, probabilities)  # (B,)
        right = ops.equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32"), truth)  # (B,)
        row = ops.stack([ops.mean(losses), ops.mean(ops.cast(right, "float32"))])  # (2,)
        place = ops.reshape(self._filled.value, (1, 1))
        self._rows.assign(ops.scatter_update(self._rows.value, place, row[None]))
        self._filled.assign(self._filled.value + 1)

    def result(self) -> Any:
        """The mean accuracy of the batches so far."""
        return ops.sum(self._rows.value[:, 1]) / ops.cast(ops.maximum(self._filled.value, 1), "float32")

    def rows(self) -> NDArray[np.float32]:
        """float32 (batches so far, 2): loss, accuracy."""
        filled = int(ops.convert_to_numpy(self._filled.value))
        return np.array(ops.convert_to_numpy(self._rows.value)[:filled])
