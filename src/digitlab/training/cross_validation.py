"""`digitlab train --folds 10`: how good a recipe is, and how much that varies, without the test images.

The training images are parted into folds with the same share of each class; for each fold a network is trained on all
others and measured on that one. What is kept is a run folder without a model.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import find_dataset
from digitlab.errors import DatasetError
from digitlab.evaluation import accuracy_of, keep, log_loss_of, measure
from digitlab.evaluation.seeds import over_seeds
from digitlab.training.augmentation import augmentation
from digitlab.training.data import training_split
from digitlab.training.events import EpochEnded, Started
from digitlab.training.experiment import environment
from digitlab.training.out_of_fold import out_of_fold, stratified_folds

if TYPE_CHECKING:
    from digitlab.evaluation.seeds import Spread
    from digitlab.runs import Run
    from digitlab.training.events import Event, Listener
    from digitlab.training.loop import StopRequest
    from digitlab.training.settings import Training
    from digitlab.values import Digits

__all__ = ["CrossValidation", "Fold", "images_to_part", "run_cross_validation"]


@dataclass(frozen=True, slots=True)
class Fold:
    """One row of the table; folds count from 1. seconds: of its epochs."""

    fold: int
    images: int
    accuracy: float
    loss: float
    epochs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What the folds gave: each of them, and mean, deviation and interval of their numbers.

    The interval takes the folds for independent, which they are not quite: their networks share most of their images.
    """

    folds: tuple[Fold, ...]
    accuracy: Spread
    loss: Spread


def images_to_part(training: Training) -> Digits:
    """The training images of the recipe's dataset; its test images stay closed.

    Raises:
        DatasetError: for an unknown set, or one without training images.
    """
    data = find_dataset(training.dataset)
    if data.form == "sobel" and augmentation(training.augmentation).settle is not None:
        raise DatasetError(
            f"{data.name} holds Sobel images; the augmentation {training.augmentation!r} makes them itself"
        )
    return data.split(training_split(data))


def run_cross_validation(
    training: Training, digits: Digits, run: Run, folds: int, *, listener: Listener, stop: StopRequest
) -> CrossValidation | None:
    """Cross-validate into ``run``: the table, the numbers, and every image's answer with its metrics.

    Asked to stop, it ends after the batches under way with the whole folds that there are. Where there is none it
    writes nothing and returns None.

    Raises:
        UsageError, DatasetError: as `digitlab.training.out_of_fold.out_of_fold`.
        StorageError: when the run folder cannot be written.
    """
    clock = _Clock(listener)
    asked = out_of_fold(training, digits, folds=folds, listener=clock, stop=stop)
    if not asked.networks:
        return None
    found = _by_fold(training, digits, asked.rows, asked.probabilities, folds, clock)
    seen = digits[asked.rows]
    metrics = measure(asked.probabilities, seen.labels)
    about = {"model": f"{training.architecture}, {folds} folds", "data": training.dataset, "split": "train"}
    run.write_config(training.as_dict())
    run.write_json(run.environment, environment(training.seed))
    keep(run, metrics, asked.probabilities, seen, about)
    run.write_table(run.folds, [field.name for field in fields(Fold)], [astuple(each) for each in found.folds])
    numbers = {name: {**asdict(getattr(found, name)), "values": None} for name in ("accuracy", "loss")}
    content = {"folds": folds, "done": len(found.folds), **numbers, "table": [asdict(each) for each in found.folds]}
    run.write_json(run.cross_validation, content)
    return found


def _by_fold(
    training: Training,
    digits: Digits,
    rows: np.ndarray,
    probabilities: np.ndarray,
    folds: int,
    clock: _Clock,
) -> CrossValidation:
    """``probabilities`` are those of the images ``rows``, of whole folds."""
    fold_of = stratified_folds(digits.labels, folds, (training.seed, 0))[rows]
    labels, found = digits.labels[rows], []
    for fold in np.unique(fold_of).tolist():
        own = fold_of == fold
        said, right = probabilities[own], labels[own]
        epochs, seconds = clock.folds[fold]
        found.append(
            Fold(fold + 1, len(right), accuracy_of(said, right), log_loss_of(said, right), epochs, round(seconds, 2))
        )
    accuracies, losses = [each.accuracy for each in found], [each.loss for each in found]
    return CrossValidation(tuple(found), over_seeds(accuracies, shares=True), over_seeds(losses))


class _Clock:
    """Epochs and seconds of each fold, heard on the way."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.folds: list[tuple[int, float]] = []

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self.folds.append((0, 0.0))
            case EpochEnded(seconds=seconds):
                epochs, before = self.folds[-1]
                self.folds[-1] = epochs + 1, before + seconds
        self._listener(event)
