"""Train a network, or transfer a trained one to other images: settings in, a run folder and its metrics out."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from digitlab.errors import RunError, UsageError
from digitlab.jobs.events import Work, ignore, loading
from digitlab.jobs.named_models import FORMS, keras_file, note
from digitlab.runs import Run
from digitlab.settings import Setting, checked
from digitlab.shown import Drawn
from digitlab.stopping import StopRequest
from digitlab.storage import locked, remove_unfinished
from digitlab.training.config import TrainingConfig, find_recipe, with_options
from digitlab.training.helper_process import HelperProcess, is_helper_useful
from digitlab.training.tracking import tracked, trackers_of
from digitlab.transfer_learning.settings import Transfer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.evaluation import Metrics
    from digitlab.jobs.events import Listener
    from digitlab.training import Trained
    from digitlab.training.cross_validation import CrossValidation
    from digitlab.training.range_test import RangeTest
    from digitlab.transfer_learning import TransferData, Transferred

__all__ = [
    "CrossValidated", "RangeTested", "TransferResult", "cross_validate", "lr_range_test", "resume", "train", "transfer",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """A cross-validation, and the folder with its files.

    folds: total number of folds
    found: results of the folds done so far; None if there are none
    """

    run: Run
    training: TrainingConfig
    folds: int
    found: CrossValidation | None

    @property
    def complete(self) -> bool:
        """Whether all folds are done; otherwise `resume` continues it."""
        return self.found is not None and len(self.found.folds) == self.folds


@dataclass(frozen=True, slots=True)
class RangeTested:
    """A learning-rate range test, and the folder with its files."""

    run: Run
    found: RangeTest


def rate_range(text: str) -> tuple[float, float]:
    """Parse ``LOW:HIGH`` as two rates.

    >>> rate_range("1e-6:100")
    (1e-06, 100.0)

    Raises:
        UsageError: if it is not two numbers, the first above 0 and below the second.
    """
    low, _, high = text.partition(":")
    try:
        rates = float(low), float(high)
    except ValueError:
        rates = (math.nan, math.nan)
    if not 0 < rates[0] < rates[1] < math.inf:
        raise UsageError(f"--lr-range-test is {text!r}; expected LOW:HIGH with 0 < LOW < HIGH, e.g. 1e-6:100")
    return rates


@dataclass(frozen=True, slots=True)
class TransferResult(Drawn):
    """Result of a transfer, and the folder with its files.

    learned: the network, and how it was obtained
    metrics: of its probabilities for the test images
    data: the images it was trained and tested on
    """

    run: Run
    learned: Transferred
    metrics: Metrics
    data: TransferData

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        values: dict[str, Any] = {
            "run": str(self.run.path),
            "accuracy": self.metrics.accuracy,
            "loss": self.metrics.loss,
            "images": self.metrics.images,
            "tested_on": self.data.tested_on,
            "learned_from": len(self.data.train),
            "layers": self.learned.layers,
            "epochs": len(self.learned.history.epochs),
            "model": self.learned.model is not None,
        }
        return values if self.learned.before is None else {**values, "accuracy_before": self.learned.before}


def train(
    recipe: str | Path | TrainingConfig | None = None,
    *,
    runs: Path = Path("runs"),
    tensorboard: bool = False,
    log: list[str] | None = None,
    listener: Listener = ignore,
    stop: StopRequest | None = None,
    **options: Any,
) -> Trained:
    """Train a network and evaluate it on the test images: write the model, metrics and a report into a run folder.

    Args:
        recipe: a shipped name (fast, good, best, best-ensemble, tiny, tiniest, microcontroller, reader), or a TOML file
            with any of the settings of a training as keys (docs/recipes.md), for instance a run's config.toml.
        runs: the folder in which the run folder is created.
        tensorboard: write each epoch's curves into the run folder's tensorboard/ as well. To view them: pip install
            tensorboard; tensorboard --logdir runs
        log: log to another program as well: tensorboard, mlflow (the folder mlruns, or MLFLOW_TRACKING_URI), mlflow:URI
            (a server or folder). It gets the settings, each epoch, the metrics, the model and the report.
        listener: called with events of `digitlab.training.events`, `Work` and `Note`.
        stop: if called, it ends after the batches under way and completes the folder with what was learned so far.
        options: fields of the settings, overriding the recipe's, e.g. ``epochs=3``; None keeps the recipe's.

    Raises:
        RecipeError: if there is no such recipe.
        UsageError: for an unknown setting, or a value out of its range.
        DatasetError: for an unknown dataset, or one without training or test images.
        DivergedError: if the loss is no longer a number.
        StorageError: if the run folder cannot be written.
    """
    trackers = trackers_of(log or ())
    settings, tensorboard = _settings(recipe, options, listener), tensorboard or trackers.tensorboard
    with HelperProcess(running=is_helper_useful()) as helper:
        _check(settings, listener)
        from digitlab.training.experiment import run_training

        run = Run.create(_name(settings), runs)
        _note_what_is_wrong(settings.dataset, listener)
        with tracked(trackers, settings, run, listener) as tracked_listener:
            return run_training(
                settings, run, listener=tracked_listener, stop=stop, tensorboard=tensorboard, helper=helper
            )


def resume(
    run: Annotated[Path | str, Setting(flag="--resume")],
    *,
    tensorboard: bool = False,
    log: list[str] | None = None,
    listener: Listener = ignore,
    stop: StopRequest | None = None,
) -> Trained | CrossValidated:
    """Resume a training or a cross-validation that was killed or interrupted, with the run's own settings.

    A training continues after its last complete epoch, and ends with the same weights as if it had not been
    interrupted; a cross-validation continues after its last complete fold.

    Args:
        run: a run folder whose training was killed or interrupted: continue after its last complete epoch (or fold),
            with the run's own settings.
        tensorboard: as for `train`.
        log: as for `train`.
        listener: called with events of `digitlab.training.events`.
        stop: as for `train`.

    Raises:
        RunError: if it is complete, or cannot be resumed.
        UsageError: if another process is training there.
        StorageError: if the run folder cannot be written.
    """
    trackers = trackers_of(log or ())
    folder = Run.open(Path(run))
    if folder.rate_range.is_file():
        raise RunError(f"{folder.path}: a learning-rate range test; there is no training to resume")
    listener(loading())
    from digitlab.training.cross_validation import folds_of
    from digitlab.training.experiment import resumed, run_training, settings_of

    if folder.cross_validation.is_file():
        folds, training = folds_of(folder), settings_of(folder)
        remove_unfinished(folder.path)
        return _cross_validated(training, folder, folds, listener, stop)
    settings, tensorboard = resumed(folder), tensorboard or trackers.tensorboard
    with tracked(trackers, settings, folder, listener) as tracked_listener:
        return run_training(settings, folder, listener=tracked_listener, stop=stop, tensorboard=tensorboard)


@checked
def cross_validate(
    recipe: str | Path | TrainingConfig | None = None,
    *,
    folds: int,
    runs: Path = Path("runs"),
    listener: Listener = ignore,
    stop: StopRequest | None = None,
    **options: Any,
) -> CrossValidated:
    """Estimate a recipe's accuracy and its variance over stratified folds of the training images, without test images.

    Args:
        recipe: as for `train`.
        folds: cross-validation instead of a training: K stratified folds of the training images; each is held out once
            and evaluated by a network trained on the others. Writes folds.csv and cross-validation.json into a run
            folder after each fold; the test images are not used.
        runs: the folder in which the run folder is created.
        listener: called with events of `digitlab.training.events`.
        stop: if called, it ends after the batches under way, with the folds done so far; `resume` continues it.
        options: as for `train`.

    Raises:
        RecipeError: if there is no such recipe.
        UsageError: for an unknown setting, or a wrong number of folds.
        DatasetError: for an unknown dataset, one without training images, or a class with fewer images than folds.
        StorageError: if the run folder cannot be written.
    """
    settings = _settings(recipe, options, listener)
    from digitlab.training.cross_validation import images_to_split
    from digitlab.training.out_of_fold import check_settings

    check_settings(settings, images_to_split(settings).labels, folds)
    return _cross_validated(settings, Run.create(f"{_name(settings)}-folds", runs), folds, listener, stop)


def _cross_validated(
    training: TrainingConfig, run: Run, folds: int, listener: Listener, stop: StopRequest | None
) -> CrossValidated:
    from digitlab.training.cross_validation import images_to_split, run_cross_validation

    digits, stop = images_to_split(training), stop or StopRequest()
    with locked(run.path, f"{run.path}: another process is training here; wait until it ends"):
        results = run_cross_validation(training, digits, run, folds, listener=listener, stop=stop)
    return CrossValidated(run, training, folds, results)


def lr_range_test(
    recipe: str | Path | TrainingConfig | None = None,
    *,
    rates: Annotated[tuple[float, float], Setting(flag="--lr-range-test", of_text=rate_range)],
    runs: Path = Path("runs"),
    listener: Listener = ignore,
    stop: StopRequest | None = None,
    **options: Any,
) -> RangeTested:
    """Learning-rate range test: the rate rises until the loss diverges; a good rate is where the loss falls steepest.

    Args:
        recipe: as for `train`.
        rates: LOW:HIGH. Learning-rate range test instead of a training: the rate rises from LOW to HIGH over one epoch
            (or --epochs), until the loss diverges. Writes lr-range.csv and lr-range.png into a run folder. Exit code 1
            if the loss did not fall.
        runs: the folder in which the run folder is created.
        listener: called with events of `digitlab.training.events`, and `Work`.
        stop: if called, it ends with the curve so far.
        options: as for `train`; ``epochs``: during which the rate rises, 1 by default.

    Raises:
        RecipeError, UsageError, DatasetError, StorageError: as for `train`.
    """
    settings = _checked_settings(recipe, options, listener)
    from digitlab.training.range_test import run_range_test

    run, passes = Run.create(f"{_name(settings)}-lr-range", runs), options.get("epochs") or 1
    return RangeTested(run, run_range_test(settings, run, *rates, passes=passes, listener=listener, stop=stop))


def _settings(
    recipe: str | Path | TrainingConfig | None, options: Mapping[str, Any], listener: Listener
) -> TrainingConfig:
    base = recipe or TrainingConfig()
    settings = with_options(base if isinstance(base, TrainingConfig) else find_recipe(Path(base)), options)
    listener(loading())
    return settings


def _checked_settings(
    recipe: str | Path | TrainingConfig | None, options: Mapping[str, Any], listener: Listener
) -> TrainingConfig:
    """Return the settings, checked before a folder is created: all names in them must exist."""
    settings = _settings(recipe, options, listener)
    _check(settings, listener)
    return settings


def _check(settings: TrainingConfig, listener: Listener) -> None:
    from digitlab.training.experiment import check

    listener(Work(f"opening {settings.dataset}"))
    check(settings)


def _name(training: TrainingConfig) -> str:
    """Return the name for a run folder."""
    return training.name or f"{training.architecture}-{Path(training.dataset).stem}"


def _note_what_is_wrong(data: str, listener: Listener) -> None:
    from digitlab.datasets import find_dataset
    from digitlab.jobs.data_check import note_what_is_wrong
    from digitlab.training.data import training_split

    dataset = find_dataset(data)
    note_what_is_wrong(data, dataset, training_split(dataset), listener)


@checked
def transfer(
    model: str | Path,
    settings: Transfer = Transfer(),  # noqa: B008 - frozen
    *,
    data: str,
    test: str | None = None,
    form: Annotated[str | None, Setting(choices=FORMS)] = None,
    weights: str | None = None,
    name: str | None = None,
    runs: Path = Path("runs"),
    listener: Listener = ignore,
    stop: StopRequest | None = None,
    **options: Any,
) -> TransferResult:
    """Adapt a trained network to other images, often few; evaluate, save and export the result into a run folder.

    Args:
        model: a run folder, a shipped name, a model file of any framework (as `import_model` takes it), or a name of
            keras.applications.
        settings: the method.
        data: the new training data: a dataset from `digitlab data list`, a file of labelled images, or a folder of
            pictures by class (0/ … 9/). From a folder or file without splits, a part is held out for the evaluation.
        test: the dataset or file whose test images evaluate the result; default: the dataset's own.
        form: the form of images that the model was trained on, if its file does not say; default: grey.
        weights: for a name of keras.applications: the file with its weights (…_notop.h5), or random.
        name: name for the run folder.
        runs: the folder in which the run folder is created.
        listener: called with events of the training (`digitlab.training.events`), `Work` and `Note`.
        stop: if called, it ends after the batches under way, with what was learned so far.
        options: fields overriding those of ``settings``, e.g. ``how="features"``.

    Raises:
        ModelError: if the model cannot be opened, or its layers cannot be analysed.
        UsageError: for a layer that does not exist (the message lists the names), or that a learner cannot take.
        DatasetError: if there is no such dataset, or it is unsuitable for training.
        StorageError: if the run folder cannot be written.
    """
    path, settings = _resolved_model(model, form, listener), replace(settings, **options)
    listener(loading())
    from digitlab.transfer_learning import open_base, run_transfer, transfer_data

    base = open_base(path, weights=weights, form=form, on_note=note(listener))
    images = transfer_data(data, form=base.card.form, test=test, per_class=settings.per_class, seed=settings.seed)
    base.cut_at(settings)  # a layer that does not exist is reported before a folder is created
    run = Run.create(name or f"{base.card.name}-{settings.how}-{Path(data).stem}", runs)
    about = {
        "model": str(model if Path(model).is_file() else path),
        "command": _command(model, data, {"test": test, "form": form, "weights": weights}, settings),
    }
    learned, metrics = run_transfer(base, images, settings, run, about=about, listener=listener, stop=stop)
    return TransferResult(run, learned, metrics, images)


def _resolved_model(model: str | Path, form: str | None, listener: Listener) -> Path | str:
    """Return a run folder or file; or a name, which may be one of keras.applications, unchanged."""
    from digitlab.network.classifier import shipped_models

    path = Path(model)
    if path.exists() or path.suffix or len(path.parts) > 1 or str(model) in shipped_models():
        return keras_file(model, form=form, listener=listener)
    return model


def _command(model: str | Path, data: str, extra: Mapping[str, str | None], settings: Transfer) -> str:
    """Build the command line that repeats it, with the settings that differ from the defaults."""
    defaults = Transfer().as_dict()
    options = {**extra, **{key: value for key, value in settings.as_dict().items() if value != defaults[key]}}
    words = [part for key, value in options.items() if value is not None for part in (_option(key), str(value))]
    return shlex.join(["digitlab", "transfer", str(model), "--data", data, *words])


def _option(key: str) -> str:
    return "--" + key.replace("_", "-")
