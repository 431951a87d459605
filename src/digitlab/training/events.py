"""The events that a training reports to a listener: one call per event, from the training's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["EpochEnded", "Event", "Listener", "Progressed", "Stage", "Started"]


@dataclass(frozen=True, slots=True)
class Started:
    """Training begins: on ``images`` images, ``validation_images`` held out, in ``epochs`` × ``batches`` batches."""

    images: int
    validation_images: int
    epochs: int
    batches: int
    parameters: int
    precision: str
    reason: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """After some batches: means over this epoch so far, and its training speed.

    losses, accuracies: of each batch since the last event; the last of them is batch number ``batch``
    """

    epoch: int
    batch: int
    loss: float
    accuracy: float
    images_per_second: float
    losses: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class EpochEnded:
    """One row of `history.csv`; epochs count from 1.

    seconds: with the validation, without the evaluation of the test images, which is not part of the training
    images_per_second: without either
    test_loss, test_accuracy: where the test images are evaluated after each epoch (`TrainingConfig.watch`)

    >>> ended = EpochEnded(1, 0.2, 0.95, None, None, seconds=4.0, images_per_second=15_000.0, learning_rate=0.001)
    >>> f"epoch {ended.epoch}: {ended.accuracy:.2f}"
    'epoch 1: 0.95'
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    images_per_second: float
    learning_rate: float
    test_loss: float | None = None
    test_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A step beside the training, in words.

    part, parts: number of a training that begins, counted from 1, of several
    done, of: progress of this step, where it is known; reported again with the same text as it moves
    """

    text: str
    part: int = 0
    parts: int = 0
    done: int = 0
    of: int = 0


Event = Started | Progressed | EpochEnded | Stage
Listener = Callable[[Event], None]
