"""The main job: takes a `TrainingConfig`, produces a complete run folder."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import DivergedError, RunError, UsageError, counted
from digitlab.models import card_of, open_model, preparation_of, versions
from digitlab.models.backend import release_memory
from digitlab.models.ensemble import ensemble, ensemble_card
from digitlab.shown import Drawn
from digitlab.stopping import StopRequest
from digitlab.storage import locked, remove_unfinished, saying_what_failed
from digitlab.training.assembly import finished_network, loop_of, network_of, optimiser_of
from digitlab.training.calibration import calibrated
from digitlab.training.checkpoint import load_checkpoint, save_checkpoint
from digitlab.training.config import TrainingConfig
from digitlab.training.data import open_training_data, watched_images
from digitlab.training.events import Stage, Started
from digitlab.training.finishing import finish_run, write_history
from digitlab.training.loop import History
from digitlab.training.precision import processor_name
from digitlab.training.precision_choice import precision_of_run
from digitlab.training.tensorboard import write_epoch
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.evaluation import Metrics
    from digitlab.models.backend import keras
    from digitlab.runs import Run
    from digitlab.training.data import TrainingData
    from digitlab.training.events import Listener
    from digitlab.training.helper_process import HelperProcess
    from digitlab.training.loop import Loop
    from digitlab.training.precision_choice import Choice

__all__ = ["Trained", "check", "environment", "resumed", "run_training", "settings_of", "train_members"]


@dataclass(frozen=True, slots=True)
class Trained(Drawn):
    """The result of a training.

    run: the folder with its files
    model: in float32
    metrics: on the test images
    tta: metrics with test-time augmentation (predictions averaged over moved copies); None if not requested
    """

    run: Run
    model: keras.Model
    history: History
    metrics: Metrics
    tta: Metrics | None = None


def run_training(
    training: TrainingConfig,
    run: Run,
    *,
    listener: Listener = lambda _: None,
    stop: StopRequest | None = None,
    tensorboard: bool = False,
    helper: HelperProcess | None = None,
) -> Trained:
    """Train, save, export, measure on the test images and write the report, all into ``run``.

    After each epoch the complete state is saved in the run folder. A training that was killed resumes from there when
    this is called again with the same settings and folder, and ends with the same weights as if it had not been killed.
    When asked to stop, it ends after the current batches and completes the run folder with what was learned so far; it
    can be resumed later.

    tensorboard: also write each epoch for TensorBoard
    helper: a process that evaluates and draws while this one saves and exports; the result is the same

    Raises:
        UsageError: for an unknown architecture, optimiser, schedule or augmentation; when another process is training
            into this folder.
        DatasetError: for an unknown dataset, or one without training or test images.
        DivergedError: when the loss becomes NaN or infinite; the run folder has the history up to then.
        StorageError: when the run folder cannot be written.
    """
    with locked(run.path, f"{run.path}: another process is training here; wait until it ends"):
        if training.members > 1:
            return _train_ensemble(
                training, run, listener, stop or StopRequest(), tensorboard=tensorboard, helper=helper
            )
        return _train_one(training, run, listener, stop or StopRequest(), tensorboard=tensorboard, helper=helper)


def _train_one(
    training: TrainingConfig,
    run: Run,
    listener: Listener,
    stop: StopRequest,
    *,
    tensorboard: bool,
    helper: HelperProcess | None,
) -> Trained:
    with open_training_data(training) as data:
        choice = precision_of_run(run, training, len(data.train), listener)
        resolved, watched = replace(training, precision=choice.precision), watched_images(training, data)
        loop = loop_of(resolved, data.train, data.validation, watched=watched)
        run.write_config(training.as_dict())
        run.write_json(run.environment, {**environment(training.seed), "precision": choice.precision})
        listener(_started(loop, training, choice))
        with saying_what_failed(run.checkpoint.parent, "make"):
            run.checkpoint.parent.mkdir(exist_ok=True)  # until the training is done, see `Run.is_done`
        if run.checkpoint.is_file():
            load_checkpoint(run.checkpoint, loop)
        save_epoch = functools.partial(_save_epoch, run, tensorboard=tensorboard)
        try:
            history = loop.run(training.epochs, listener, stop, save_epoch)
        except DivergedError:
            write_history(run, loop.history)  # shows how the training diverged
            raise
    finished = finished_network(training, loop)
    del loop  # no longer needed: freeing it lowered the peak memory of `best` by 28 MB
    release_memory()
    card = _card(finished, resolved, data, history)
    if training.distractors and data.validation is not None:
        calibration = calibrated(finished, data.validation, seed=training.seed)
        card = replace(card, training={**card.training, **calibration.as_dict()})
    trained = _finished(finished, card, training, data, history, run, listener, helper)
    if not history.interrupted:
        run.remove_checkpoint()
    return trained


def _save_epoch(run: Run, loop: Loop, *, tensorboard: bool) -> None:
    if tensorboard:
        write_epoch(run.tensorboard, loop.history)
    save_checkpoint(run.checkpoint, loop)


def _train_ensemble(
    training: TrainingConfig,
    run: Run,
    listener: Listener,
    stop: StopRequest,
    *,
    tensorboard: bool,
    helper: HelperProcess | None,
) -> Trained:
    def train(member: TrainingConfig, folder: Run) -> History:
        return run_training(member, folder, listener=listener, stop=stop, tensorboard=tensorboard).history

    with open_training_data(training) as data:
        choice = precision_of_run(run, training, len(data.train), listener)
    run.write_config(training.as_dict())
    run.write_json(run.environment, {**environment(training.seed), "precision": choice.precision})
    model, card, history = train_members(replace(training, precision=choice.precision), run, train, listener)
    with open_training_data(training) as data:
        return _finished(model, card, training, data, history, run, listener, helper)


def resumed(run: Run) -> TrainingConfig:
    """Return the settings of a run that was killed or interrupted, in order to resume it.

    Raises:
        RunError: when the run has no settings, or is complete.
    """
    training = settings_of(run)
    if run.is_done(training.members):
        raise RunError(f"{run.path}: is complete; there is nothing to resume")
    remove_unfinished(run.path)
    return training


def settings_of(run: Run) -> TrainingConfig:
    """Read the settings that a run was started with.

    Raises:
        RunError: when it has none, or they are not those of a training.
    """
    settings = run.read_config()
    if not settings:
        raise RunError(f"{run.path}: has no config.toml to resume from; it was killed before it began: start it again")
    try:
        return TrainingConfig(**settings)
    except (TypeError, UsageError) as error:
        raise RunError(f"{run.config}: not the settings of a training ({error})") from error


def check(training: TrainingConfig) -> None:
    """Reject unknown names before a run folder is created.

    Raises:
        UsageError: for an unknown architecture, optimiser, schedule or augmentation.
        DatasetError: for an unknown dataset, or early stopping without validation images.
    """
    network_of(training)
    optimiser_of(training, steps=1)
    with open_training_data(training):
        pass


def _started(loop: Loop, training: TrainingConfig, choice: Choice) -> Started:
    precision = "bfloat16 products, float32 weights" if choice.precision == "bfloat16" else "float32"
    held_out = len(loop.validation) if loop.validation else 0
    size = loop.model.count_params()
    return Started(len(loop.train), held_out, training.epochs, loop.batches, size, precision, choice.reason)


def _finished(
    model: keras.Model,
    card: ModelCard,
    training: TrainingConfig,
    data: TrainingData,
    history: History,
    run: Run,
    listener: Listener,
    helper: HelperProcess | None,
) -> Trained:
    run.write_json(run.environment, {**run.read_json(run.environment), "ended": _ended(training, history)})
    about = {"model": training.architecture, "data": data.tested_on, "split": "test"}
    finished = finish_run(
        run, model, card, history, data.test, about, tta=training.tta, helper=helper, listener=listener
    )
    return Trained(run, model, history, finished.metrics, finished.tta)


def _ended(training: TrainingConfig, history: History) -> str:
    """Why the training ended, for the report; if it was interrupted, also how much was done and what continues it."""
    if not history.interrupted:
        return history.stopped
    done = f"; {len(history.epochs):,} of {counted(training.epochs, 'epoch is', 'epochs are')} complete"
    done = done if training.members == 1 else ""  # the epochs of an ensemble are those of its members
    return f"{history.stopped}{done}; `digitlab train --resume RUN` continues it"


def _card(model: keras.Model, training: TrainingConfig, data: TrainingData, history: History) -> ModelCard:
    settings = {key: value for key, value in training.as_dict().items() if value is not None}
    summary: dict[str, Any] = {**settings, "epochs_trained": len(history.epochs), "ended": history.stopped}
    if history.best_epoch is not None:
        summary["best_epoch"] = history.best_epoch
    preparation = preparation_of(model)
    return ModelCard(
        training.name or training.architecture,
        training.architecture,
        f"Sobel image, {preparation}" if data.form == "sobel" else preparation,
        form=data.form,
        training=summary,
        versions=versions(),
    )


def environment(seed: int) -> dict[str, Any]:
    """Collect what results depend on besides the settings: versions, processor, seed, commit.

    Runs add the precision, and in the end how the training ended.
    """
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "seed": seed,
        "commit": _commit(),
        "versions": versions(),
    }


def _commit() -> str:
    """Return the commit of the checkout that digitlab runs from, or "" for an installed package."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return completed.stdout.strip() if completed.returncode == 0 else ""


def train_members(
    training: TrainingConfig, run: Run, train: Callable[[TrainingConfig, Run], History], listener: Listener
) -> tuple[keras.Model, ModelCard, History]:
    """Train ``training.members`` networks into `members/` of ``run``; return the ensemble, its card and its history.

    Member m of seed s trains with seed ``s * members + m``, so that ensembles of neighbouring seeds share no network. A
    finished member is not trained again; one that was killed is resumed.

    train: trains one network into a run folder
    """
    folders = []
    for number in range(training.members):
        folder = run.member(number + 1)
        folders.append(folder)
        if folder.is_done():
            continue
        listener(Stage(f"member {number + 1} of {training.members}", number + 1, training.members))
        member = replace(training, members=1, tta=1, seed=training.seed * training.members + number)
        history = train(member, folder)
        release_memory()
        if history.interrupted:
            break
    models = [open_model(folder.path) for folder in folders]
    cards = [card_of(model, folder.path) for model, folder in zip(models, folders, strict=True)]
    name = training.name or f"{training.architecture}-ensemble"
    combined = History(stopped="all members done")
    if len(models) == 1:
        combined.interrupt(f"in member 1 of {training.members}")
        return models[0], cards[0], combined
    if len(models) < training.members:
        combined.interrupt(f"in member {len(models)}")
    return ensemble(models, name), ensemble_card(name, cards), combined
