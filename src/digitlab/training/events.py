"""What a training tells whoever watches it: one call an event, from the training's own thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["EpochEnded", "Event", "Listener", "Progressed", "Stage", "Started"]


@dataclass(frozen=True, slots=True)
class Started:
    """Training begins: on ``images`` images, ``validation_images`` held out; ``epochs`` × ``batches`` batches."""

    images: int
    validation_images: int
    epochs: int
    batches: int
    parameters: int
    precision: str
    reason: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """Some batches later: means of this epoch so far, and images trained a second in it."""

    epoch: int
    batch: int
    loss: float
    accuracy: float
    images_per_second: float


@dataclass(frozen=True, slots=True)
class EpochEnded:
    """One row of `history.csv`; epochs count from 1.

    seconds: with the validation, without the look at the test images, which is no part of the training
    images_per_second: without either
    test_loss, test_accuracy: where the test images are watched (`Training.watch`)
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
    """A step after the training, in words."""

    text: str


Event = Started | Progressed | EpochEnded | Stage
Listener = Callable[[Event], None]
