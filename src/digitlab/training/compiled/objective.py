"""Training loss and reported metrics, and the signatures that both backends share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from digitlab.models.backend import keras
from digitlab.training.config import LOSSES
from digitlab.values import NONE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Measure", "Objective", "Steps", "loss_and_accuracy", "objective"]

ops = keras.ops

_OF_TARGETS = dict(
    zip(
        LOSSES,
        (
            keras.losses.categorical_crossentropy,  # for smoothed labels; for plain ones there is a faster path
            keras.losses.categorical_crossentropy,
            keras.losses.kl_divergence,
            keras.losses.categorical_hinge,
            keras.losses.mean_squared_error,
        ),
        strict=True,
    )
)


def objective(
    labels: Any, probabilities: Any, label_smoothing: float, loss: str = LOSSES[0], *, distractors: bool = False
) -> Any:
    """Compute the mean loss, one of `LOSSES`, of labels (B,) and probabilities (B, 10), with optional label smoothing.

    distractors: whether some labels are `NONE`; their target is the uniform distribution (outlier exposure, Hendrycks,
        Mazeika, Dietterich 2019)
    """
    if loss == LOSSES[0] and not label_smoothing and not distractors:
        return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
    targets = ops.one_hot(labels, 10) * (1.0 - label_smoothing) + label_smoothing / 10
    if distractors:
        targets = ops.where(ops.equal(labels, NONE)[:, None], 0.1, targets)
    return ops.mean(_OF_TARGETS[loss](targets, probabilities))


def loss_and_accuracy(labels: Any, probabilities: Any, *, distractors: bool = False) -> Any:
    """Compute a batch's plain cross-entropy and accuracy, (2,); with ``distractors``, of its digits only."""
    if distractors:
        return _of_digits(labels, probabilities)
    loss = ops.mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
    right = ops.equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32"), labels)
    return ops.stack([loss, ops.mean(ops.cast(right, "float32"))])


def _of_digits(labels: Any, probabilities: Any) -> Any:
    is_digit = ops.cast(ops.less(labels, NONE), "float32")
    count = ops.maximum(ops.sum(is_digit), 1.0)
    valid_labels = ops.minimum(labels, NONE - 1)  # any class will do: images that are not digits have weight 0
    losses = keras.losses.sparse_categorical_crossentropy(valid_labels, probabilities) * is_digit
    right = ops.cast(ops.equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32"), labels), "float32")
    return ops.stack([ops.sum(losses), ops.sum(right)]) / count


# Labels (B,) and probabilities (B, 10) → the loss that a step minimises.
Objective = Callable[[Any, Any], Any]
# … → (2,), the loss and the accuracy that are reported.
Measure = Callable[[Any, Any], Any]


class Steps(Protocol):
    """Trains on consecutive batches."""

    def __call__(
        self, images: NDArray[np.uint8], labels: NDArray[np.uint8], numbers: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Do one step per batch: images (K, B, 28, 28), labels (K, B), numbers for the augmentation (K, B, width).

        A width of 0 means that these images are not augmented.

        Returns (K, 2), each batch's loss and accuracy before its step.

        The loss is the plain cross-entropy, even if the training smooths its labels.
        """
