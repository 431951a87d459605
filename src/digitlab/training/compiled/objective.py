"""What a step lowers, and what it reports."""

from __future__ import annotations

from typing import Any

from digitlab.models.backend import keras

ops = keras.ops

__all__ = ["loss_and_accuracy", "objective"]


def objective(labels: Any, probabilities: Any, label_smoothing: float) -> Any:
    """Mean cross-entropy of labels (B,) and probabilities (B, 10); the labels smoothed where asked for."""
    if not label_smoothing:
        return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
    targets = ops.one_hot(labels, 10)
    return ops.mean(keras.losses.categorical_crossentropy(targets, probabilities, label_smoothing=label_smoothing))


def loss_and_accuracy(labels: Any, probabilities: Any) -> Any:
    """(2,): the plain cross-entropy of a batch, and the share of it that was answered rightly."""
    loss = ops.mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
    right = ops.equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32"), labels)
    return ops.stack([loss, ops.mean(ops.cast(right, "float32"))])
