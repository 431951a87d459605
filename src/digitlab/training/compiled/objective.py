"""What a step lowers, and what it reports."""

from __future__ import annotations

from typing import Any

from digitlab.models.backend import keras
from digitlab.training.settings import LOSSES

ops = keras.ops

__all__ = ["loss_and_accuracy", "objective"]

_OF_TARGETS = dict(
    zip(
        LOSSES,
        (
            keras.losses.categorical_crossentropy,  # of smoothed labels; of plain ones there is a quicker way
            keras.losses.categorical_crossentropy,
            keras.losses.kl_divergence,
            keras.losses.categorical_hinge,
            keras.losses.mean_squared_error,
        ),
        strict=True,
    )
)


def objective(labels: Any, probabilities: Any, label_smoothing: float, loss: str = LOSSES[0]) -> Any:
    """Mean loss of labels (B,) and probabilities (B, 10), one of `LOSSES`; the labels smoothed where asked for."""
    if loss == LOSSES[0] and not label_smoothing:
        return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
    targets = ops.one_hot(labels, 10) * (1.0 - label_smoothing) + label_smoothing / 10
    return ops.mean(_OF_TARGETS[loss](targets, probabilities))


def loss_and_accuracy(labels: Any, probabilities: Any) -> Any:
    """(2,): the plain cross-entropy of a batch, and the share of it that was answered rightly."""
    loss = ops.mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
    right = ops.equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32"), labels)
    return ops.stack([loss, ops.mean(ops.cast(right, "float32"))])
