"""The training loop: epochs over shuffled images, validation, early stopping.

The order of the images in an epoch depends on the seed and the epoch alone. Keras' compiled function runs many
batches a call (`steps_per_execution`): per batch, Python costs as much as the network does.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.evaluation import accuracy_of, log_loss_of
from digitlab.models import predict_probabilities
from digitlab.models.backend import keras
from digitlab.training.batches import BatchRecord
from digitlab.training.events import EpochEnded, Progressed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.training.events import Listener
    from digitlab.values import Digits

    Augment = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]

__all__ = ["History", "Loop", "StopRequest"]

_EXECUTIONS_AN_EPOCH = (
    24  # so many looks at the progress bar and at Ctrl-C, a quarter of a second apart for S0's network
)
_LONGEST_EXECUTION = 32  # batches; more gained nothing


class StopRequest:
    """Set by Ctrl-C: the training ends after the batches under way."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> None:
        """Ask."""
        self.asked = True


class _Stopped(Exception):  # noqa: N818 - no error: the way out of Keras' fit in mid-epoch
    pass


@dataclass(slots=True)
class History:
    """What happened: rows of `history.csv` and `batches.csv` (epoch, batch, loss, accuracy; both count from 1)."""

    epochs: list[EpochEnded] = field(default_factory=list)
    batches: list[tuple[int, int, float, float]] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str = "all epochs done"


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports progress after each execution, and leaves when asked to stop."""

    def __init__(self, epoch: int, batch_size: int, listener: Listener, stop: StopRequest) -> None:
        super().__init__()
        self._epoch, self._batch_size, self._listener, self._stop = epoch, batch_size, listener, stop
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        seconds = time.perf_counter() - self._began
        speed = (batch + 1) * self._batch_size / seconds
        self._listener(Progressed(self._epoch, batch + 1, float(logs["loss"]), float(logs["accuracy"]), speed))
        if self._stop.asked:
            raise _Stopped


class Loop:
    """One training in progress.

    model: built under the dtype policy it shall train with
    train, validation: images uint8 (N, 28, 28) and labels
    patience: end after so many epochs without a lower validation loss and restore the best weights; None: never
    augment: makes each epoch's images from the plain ones; None: they are used as they are
    """

    def __init__(
        self,
        model: keras.Model,
        optimiser: keras.Optimizer,
        train: Digits,
        validation: Digits | None,
        *,
        batch_size: int,
        seed: int,
        patience: int | None = None,
        label_smoothing: float = 0.0,
        augment: Augment | None = None,
    ) -> None:
        self.model, self.train, self.validation = model, train, validation
        self.batch_size, self.seed, self.patience, self.augment = batch_size, seed, patience, augment
        self.batches = math.ceil(len(train) / batch_size)
        self.history = History()
        self._record = BatchRecord(self.batches)
        self._smoothed = label_smoothing > 0
        loss = (
            keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
            if self._smoothed
            else keras.losses.SparseCategoricalCrossentropy()
        )
        model.compile(
            optimizer=optimiser,
            loss=loss,
            metrics=[self._record],
            # JAX is quick only when compiled, TensorFlow on a CPU only when not (docs/diary.md).
            jit_compile=keras.backend.backend() == "jax",
            steps_per_execution=min(_LONGEST_EXECUTION, max(1, self.batches // _EXECUTIONS_AN_EPOCH)),
        )
        self._best: tuple[float, list[NDArray[Any]]] | None = None

    def run(self, epochs: int, listener: Listener, stop: StopRequest) -> History:
        """Train; returns early when patience ends or ``stop`` is asked."""
        for epoch in range(1, epochs + 1):
            try:
                ended = self._epoch(epoch, listener, stop)
            except _Stopped:
                self._keep_batches(epoch)
                self.history.stopped = f"interrupted in epoch {epoch}"
                break
            self.history.epochs.append(ended)
            listener(ended)
            if self._patience_ended(ended):
                self.history.stopped = f"no lower validation loss for {self.patience} epochs"
                break
            if stop.asked:
                self.history.stopped = f"interrupted after epoch {epoch}"
                break
        if self._best is not None:
            self.model.set_weights(self._best[1])
        return self.history

    def _epoch(self, epoch: int, listener: Listener, stop: StopRequest) -> EpochEnded:
        began = time.perf_counter()
        images, targets = self._epoch_data(epoch)
        watch = _Watch(epoch, self.batch_size, listener, stop)
        self.model.fit(images, targets, batch_size=self.batch_size, shuffle=False, verbose=0, callbacks=[watch])
        trained = time.perf_counter() - began
        rows = self._keep_batches(epoch)
        sizes = np.full(len(rows), self.batch_size, np.float64)
        sizes[-1] = len(self.train) - self.batch_size * (len(rows) - 1)
        loss, accuracy = np.average(rows, axis=0, weights=sizes)
        validation_loss, validation_accuracy = self._validate()
        return EpochEnded(
            epoch,
            float(loss),
            float(accuracy),
            validation_loss,
            validation_accuracy,
            time.perf_counter() - began,
            len(self.train) / trained,
            float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
        )

    def _epoch_data(self, epoch: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """This epoch's images in this epoch's order: uint8 (N, 28, 28), and what the loss compares with."""
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self.train))
        images, labels = self.train.images[order], self.train.labels[order]
        if self.augment is not None:
            images = self.augment(images, rng)
        return images, np.eye(10, dtype=np.float32)[labels] if self._smoothed else labels

    def _keep_batches(self, epoch: int) -> NDArray[np.float32]:
        rows = self._record.rows()
        self.history.batches += [
            (epoch, batch, float(loss), float(accuracy)) for batch, (loss, accuracy) in enumerate(rows, start=1)
        ]
        return rows

    def _validate(self) -> tuple[float | None, float | None]:
        if self.validation is None:
            return None, None
        probabilities = predict_probabilities(self.model, self.validation.images)
        return log_loss_of(probabilities, self.validation.labels), accuracy_of(probabilities, self.validation.labels)

    def _patience_ended(self, ended: EpochEnded) -> bool:
        if self.patience is None or ended.validation_loss is None:
            return False
        if self._best is None or ended.validation_loss < self._best[0]:
            self._best = (ended.validation_loss, self.model.get_weights())
            self.history.best_epoch = ended.epoch
            return False
        return self.history.best_epoch is not None and ended.epoch - self.history.best_epoch >= self.patience
