"""What a training tells whoever watches it: one call an event, from the training's own thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["EpochEnded", "Event", "Listener", "Progressed", "Stage", "Started", "StopRequest"]


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
    """One row of `history.csv`; epochs count from 1.

    seconds: with the validation, without the look at the test images, which is no part of the training
    images_per_second: without either
    test_loss, test_accuracy: where the test images are watched (`TrainingConfig.watch`)
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

    part, parts: where one of several trainings begins, which, counted from 1, and of how many
    done, of: how far it is, where that is known; it is told again with the same text as it moves
    """

    text: str
    part: int = 0
    parts: int = 0
    done: int = 0
    of: int = 0


class StopRequest:
    """Set by Ctrl-C: the training ends after the batches under way."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> None:
        """Ask."""
        self.asked = True


Event = Started | Progressed | EpochEnded | Stage
Listener = Callable[[Event], None]
