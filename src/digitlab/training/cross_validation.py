"""`digitlab train --folds 10`: estimates a recipe's accuracy and its variance, without the test images.

The training images are split into stratified folds; for each fold a network is trained on all the others and evaluated
on this one. The result is a run folder without a model.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import find_dataset
from digitlab.errors import DatasetError, RunError
from digitlab.evaluation import accuracy_of, keep, log_loss_of, measure
from digitlab.evaluation.seeds import over_seeds
from digitlab.training.augmentation import augmentation
from digitlab.training.data import training_split
from digitlab.training.events import EpochEnded, Started
from digitlab.training.experiment import environment
from digitlab.training.out_of_fold import check_settings, predicted_folds, stratified_folds
from digitlab.training.precision_choice import precision_of_run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.evaluation.seeds import Spread
    from digitlab.runs import Run
    from digitlab.stopping import StopRequest
    from digitlab.training.config import TrainingConfig
    from digitlab.training.events import Event, Listener
    from digitlab.values import Digits

__all__ = ["CrossValidation", "Fold", "folds_of", "images_to_split", "run_cross_validation"]


@dataclass(frozen=True, slots=True)
class Fold:
    """One row of the table; folds are numbered from 1. seconds: the duration of its epochs."""

    fold: int
    images: int
    accuracy: float
    loss: float
    epochs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """The results of each fold, with their mean, standard deviation and confidence interval.

    The interval assumes independent folds, which is not quite true: their networks share most training images.
    """

    folds: tuple[Fold, ...]
    accuracy: Spread
    loss: Spread


def images_to_split(training: TrainingConfig) -> Digits:
    """Load the training images of the recipe's dataset; its test images are not read.

    Raises:
        DatasetError: for an unknown dataset, or one without training images.
    """
    data = find_dataset(training.dataset)
    if data.form == "sobel" and augmentation(training.augmentation).to_network_input is not None:
        raise DatasetError(
            f"{data.name} contains Sobel images; the augmentation {training.augmentation!r} makes them itself from "
            "grey ones"
        )
    digits = data.split(training_split(data))
    if not len(digits):
        raise DatasetError(f"{data.name} has no training images; expected at least one")
    return digits


def run_cross_validation(
    training: TrainingConfig, digits: Digits, run: Run, folds: int, *, listener: Listener, stop: StopRequest
) -> CrossValidation | None:
    """Cross-validate and write to ``run`` the table of folds, the statistics, and all predictions with their metrics.

    The results are written after each fold. If ``run`` already holds some folds of the same cross-validation, because
    it was killed or interrupted, it resumes with the missing ones, and the result is the same as without interruption.
    When asked to stop, it ends after the current batches; without a finished fold it returns None.

    Raises:
        UsageError, DatasetError: as `digitlab.training.out_of_fold.out_of_fold`.
        RunError: when the run folder holds results for other images.
        StorageError: when the run folder cannot be written.
    """
    check_settings(training, digits.labels, folds)
    done, probabilities = _done_before(training, digits, run, folds)
    precision = precision_of_run(run, training, len(digits), listener).precision
    if not done:
        run.write_config(training.as_dict())
        run.write_json(run.environment, {**environment(training.seed), "precision": precision})
        run.write_json(run.cross_validation, {"folds": folds, "done": 0, "table": []})
    clock = _Clock(listener)
    fold_settings = replace(training, precision=precision)
    for rows, predicted in predicted_folds(
        fold_settings, digits, folds=folds, skip=len(done), listener=clock, stop=stop
    ):
        probabilities[rows] = predicted
        labels = digits.labels[rows]
        epochs, seconds = clock.folds[-1]
        accuracy, loss = accuracy_of(predicted, labels), log_loss_of(predicted, labels)
        done.append(Fold(len(done) + 1, len(labels), accuracy, loss, epochs, round(seconds, 2)))
        _write(training, digits, run, folds, done, probabilities)
    return _summarised(done) if done else None


def folds_of(run: Run) -> int:
    """Read the total number of folds of the cross-validation in this run folder.

    Raises:
        RunError: when it is complete, or its file is damaged.
    """
    content = run.read_json(run.cross_validation)
    folds, done = content.get("folds"), content.get("done")
    if not isinstance(folds, int) or not isinstance(done, int):
        raise RunError(f"{run.cross_validation}: expected the numbers of folds, and of those that are done")
    if done >= folds:
        raise RunError(f"{run.path}: a cross-validation that is complete; there is nothing to resume")
    return folds


def _done_before(
    training: TrainingConfig, digits: Digits, run: Run, folds: int
) -> tuple[list[Fold], NDArray[np.float32]]:
    """Load the folds finished in ``run`` and the predictions for their images, float32 (N, 10), NaN for all others."""
    probabilities = np.full((len(digits), 10), np.nan, np.float32)
    try:
        table = run.read_json(run.cross_validation)["table"] if run.cross_validation.is_file() else []
        done = [Fold(**row) for row in table]
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.cross_validation}: expected a table of folds ({error})") from error
    if not done:
        return [], probabilities
    stored = run.read_predictions()
    fold_of = stratified_folds(digits.labels, folds, (training.seed, 0))
    # The predictions are written before the table: they may contain one fold more than the table, but not fewer.
    stored_folds = next((n for n in range(1, folds + 1) if np.count_nonzero(fold_of < n) == len(stored.labels)), 0)
    rows = np.flatnonzero(fold_of < stored_folds)
    if stored_folds < len(done) or not np.array_equal(digits.labels[rows], stored.labels):
        raise RunError(f"{run.path}: was started with other images than {training.dataset} contains now; start again")
    probabilities[rows] = stored.probabilities
    probabilities[fold_of >= len(done)] = np.nan
    return done, probabilities


def _write(
    training: TrainingConfig, digits: Digits, run: Run, folds: int, done: list[Fold], probabilities: NDArray[np.float32]
) -> None:
    rows = np.flatnonzero(~np.isnan(probabilities[:, 0]))
    images, predicted, summary = digits[rows], probabilities[rows], _summarised(done)
    about = {"model": f"{training.architecture}, {folds} folds", "data": training.dataset, "split": "train"}
    keep(run, measure(predicted, images.labels), predicted, images, about)
    run.write_table(run.folds, [field.name for field in fields(Fold)], [astuple(each) for each in done])
    numbers = {name: {**asdict(getattr(summary, name)), "values": None} for name in ("accuracy", "loss")}
    content = {"folds": folds, "done": len(done), **numbers, "table": [asdict(each) for each in done]}
    run.write_json(run.cross_validation, content)


def _summarised(done: list[Fold]) -> CrossValidation:
    accuracies, losses = [each.accuracy for each in done], [each.loss for each in done]
    return CrossValidation(tuple(done), over_seeds(accuracies, shares=True), over_seeds(losses))


class _Clock:
    """A listener that counts epochs and seconds of each fold."""

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
