"""The events that a training reports to a listener: one call per event, from the training's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["EpochEnded", "Event", "Listener", "Progressed", "Stage", "Started"]


@dataclass(frozen=True, slots=True)
class Started:
    """Training begins, on ``images`` images (``validation_images`` held out), in ``epochs`` × ``batches`` batches."""

    images: int
    validation_images: int
    epochs: int
    batches: int
    parameters: int
    precision: str
    reason: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """Progress after some batches: mean loss and accuracy of this epoch so far, and its training speed.

    losses, accuracies: one value per batch since the last event; the last one is that of batch number ``batch``
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

    seconds: including validation, but not the evaluation of the test images, which is not part of the training
    images_per_second: without the time of validation and test
    test_loss, test_accuracy: only if the test images are evaluated after each epoch (`TrainingConfig.watch`)

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
    """A step other than training itself, described in words.

    part, parts: if one of several trainings begins, its number, from 1, and how many there are
    done, of: progress of this step, if known; the event is repeated with the same text as the step advances
    """

    text: str
    part: int = 0
    parts: int = 0
    done: int = 0
    of: int = 0


Event = Started | Progressed | EpochEnded | Stage
Listener = Callable[[Event], None]
