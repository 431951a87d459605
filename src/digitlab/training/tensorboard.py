"""Learning curves for TensorBoard: an event file after each epoch, for watching a long training.

    tensorboard/train/         epoch_loss, epoch_accuracy, epoch_learning_rate; batch_loss, batch_accuracy
    tensorboard/validation/    epoch_loss, epoch_accuracy

These are the folders and names of Keras' own callback; TensorBoard draws curves of the same name in one diagram. Epochs
and batches count from 1. Each file holds one epoch and has its number in the name: if a killed training repeats an
epoch, the file is overwritten, and nothing is reported twice. Records and framing are written by TensorFlow, which does
not need TensorBoard for that (its summary writer does).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from digitlab.errors import StorageError
from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from digitlab.training.events import EpochEnded
    from digitlab.training.loop import History

    Row = tuple[float, int, Mapping[str, float]]  # wall time, step, values by tag

__all__ = ["write_epoch"]


def write_epoch(folder: Path, history: History) -> None:
    """Write the last epoch of ``history`` into ``folder``, a run's `tensorboard/`.

    Raises:
        StorageError: when the files cannot be written.
    """
    ended, now = history.epochs[-1], time.time()
    train = {"epoch_loss": ended.loss, "epoch_accuracy": ended.accuracy, "epoch_learning_rate": ended.learning_rate}
    _write(folder / "train", ended.epoch, [*_batches(history, ended, now), (now, ended.epoch, train)])
    for name in ("validation", "test"):
        loss, accuracy = getattr(ended, f"{name}_loss"), getattr(ended, f"{name}_accuracy")
        if loss is not None and accuracy is not None:
            _write(folder / name, ended.epoch, [(now, ended.epoch, {"epoch_loss": loss, "epoch_accuracy": accuracy})])


def _batches(history: History, ended: EpochEnded, now: float) -> Iterator[Row]:
    """Yield one row per batch, with times as if all had taken equally long: the actual times are not known."""
    offset = sum(epoch < ended.epoch for epoch, *_ in history.batches)
    rows = [(loss, accuracy) for epoch, _, loss, accuracy in history.batches if epoch == ended.epoch]
    for batch, (loss, accuracy) in enumerate(rows, start=1):
        wall_time = now - ended.seconds * (1 - batch / len(rows))
        yield wall_time, offset + batch, {"batch_loss": loss, "batch_accuracy": accuracy}


def _write(folder: Path, epoch: int, rows: Iterable[Row]) -> None:
    import tensorflow as tf

    # TensorBoard recognises its files by "tfevents" in the name, and reads them in the order of their names.
    path = folder / f"events.out.tfevents.{epoch:06d}"
    with atomic_path(path) as temporary:
        try:
            with tf.io.TFRecordWriter(str(temporary)) as records:
                records.write(tf.compat.v1.Event(file_version="brain.Event:2").SerializeToString())
                for wall_time, step, values in rows:
                    summary = tf.compat.v1.Summary(
                        value=[tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
                    )
                    event = tf.compat.v1.Event(wall_time=wall_time, step=step, summary=summary)
                    records.write(event.SerializeToString())
        except tf.errors.OpError as error:
            raise StorageError(f"cannot write {path}: {error.message}") from error
