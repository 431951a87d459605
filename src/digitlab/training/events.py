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
    """Some batches later: means of this epoch so far, and images trained a second in it.

    losses, accuracies: those of each batch since the last event alone; the last of them is batch number ``batch``
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
    """One row of `history.csv`; epochs count from 1. The speed leaves the validation out."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    images_per_second: float
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A step after the training, in words."""

    text: str


Event = Started | Progressed | EpochEnded | Stage
Listener = Callable[[Event], None]
