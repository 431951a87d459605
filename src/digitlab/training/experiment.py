"""The main job: a `Training` in, a whole run folder out."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import RunError, UsageError
from digitlab.evaluation import Metrics, keep, measure
from digitlab.models import after_sobel, build, export_onnx, predict_probabilities, preparation_of, save_keras, versions
from digitlab.models.backend import dtype_policy, keras
from digitlab.reports import write_report
from digitlab.training.augmentation import augmentation
from digitlab.training.checkpoint import load_checkpoint, save_checkpoint
from digitlab.training.data import open_training_data
from digitlab.training.events import EpochEnded, Stage, Started
from digitlab.training.loop import History, Loop, StopRequest
from digitlab.training.optimisers import make_optimiser
from digitlab.training.precision import dtype_policy_name
from digitlab.training.settings import Training
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from digitlab.runs import Run
    from digitlab.training.data import TrainingData
    from digitlab.training.events import Listener

__all__ = ["Trained", "check", "environment", "resumed", "run_training"]

_HISTORY = tuple(field.name for field in fields(EpochEnded))


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training ends with; ``model`` is in float32."""

    model: keras.Model
    history: History
    metrics: Metrics


def run_training(
    training: Training, run: Run, *, listener: Listener = lambda _: None, stop: StopRequest | None = None
) -> Trained:
    """Train, save, export, measure on the test images and write the report, all into ``run``.

    After each epoch the whole state is kept in the run folder. A training that was killed goes on from there when this
    is called again with the same settings and folder, and ends with the same weights as if it had not been. Asked to
    stop, it ends after the batches under way and finishes the run folder with what was learned by then; it can go on
    later.

    Raises:
        UsageError: for an unknown architecture, optimiser, schedule or augmentation.
        DatasetError: for an unknown dataset, or one without training or test images.
        StorageError: when the run folder cannot be written.
    """
    with open_training_data(training) as data:
        keras.utils.set_random_seed(training.seed)
        policy = dtype_policy_name(training.precision)
        with dtype_policy(policy):
            model = _build(training)
        loop = _loop(model, training, data)
        run.write_config(training.as_dict())
        run.write_json(run.environment, environment(training.seed))
        listener(_started(loop, training, policy))
        if run.checkpoint.is_file():
            load_checkpoint(run.checkpoint, loop)
        keep = functools.partial(save_checkpoint, run.checkpoint)
        history = loop.run(training.epochs, listener, stop or StopRequest(), keep)
    trained = _finish(model, training, data, history, run, listener)
    if "interrupted" not in history.stopped:
        run.remove_checkpoint()
    return trained


def resumed(run: Run) -> Training:
    """The settings of a run that was killed or interrupted, to go on with.

    Raises:
        RunError: when the run has no settings, or is done.
    """
    settings = run.read_config()
    if not settings:
        raise RunError(f"{run.path}: has no config.toml to go on from; it was killed before it began, so start it anew")
    if run.report.is_file() and not run.checkpoint.is_file():
        raise RunError(f"{run.path}: is done; there is nothing to go on with")
    try:
        return Training(**settings)
    except (TypeError, UsageError) as error:
        raise RunError(f"{run.config}: not the settings of a training ({error})") from error


def _build(training: Training) -> keras.Model:
    return build(training.architecture, dropout=training.dropout, noise=training.noise)


def check(training: Training) -> None:
    """Refuse names that do not exist before a run folder is made.

    Raises:
        UsageError: for an unknown architecture, optimiser, schedule or augmentation.
        DatasetError: for an unknown dataset, or early stopping without validation images.
    """
    _build(training)
    _optimiser(training, steps=1)
    with open_training_data(training):
        pass


def _optimiser(training: Training, *, steps: int) -> keras.Optimizer:
    return make_optimiser(
        training.optimiser,
        learning_rate=training.learning_rate,
        schedule=training.schedule,
        steps=steps,
        weight_average=training.weight_average,
    )


def _loop(model: keras.Model, training: Training, data: TrainingData) -> Loop:
    optimiser = _optimiser(training, steps=training.epochs * -(-len(data.train) // training.batch_size))
    return Loop(
        model,
        optimiser,
        data.train,
        data.validation,
        batch_size=training.batch_size,
        seed=training.seed,
        patience=training.patience,
        label_smoothing=training.label_smoothing,
        augment=augmentation(training.augmentation).vary,
    )


def _started(loop: Loop, training: Training, policy: str) -> Started:
    precision = "bfloat16 products, float32 weights" if policy == "mixed_bfloat16" else "float32"
    reason = {"auto": "chosen for this processor"}.get(training.precision, "as asked")
    held_out = len(loop.validation) if loop.validation else 0
    return Started(
        len(loop.train), held_out, training.epochs, loop.batches, loop.model.count_params(), precision, reason
    )


def _finish(
    trained: keras.Model, training: Training, data: TrainingData, history: History, run: Run, listener: Listener
) -> Trained:
    model = _build(training)  # float32, whatever the training's policy
    model.set_weights(trained.get_weights())
    listener(Stage("measuring on the test images"))
    probabilities = predict_probabilities(model, data.test.images)
    about = {"model": training.architecture, "data": data.tested_on, "split": "test"}
    metrics = measure(probabilities, data.test.labels)
    keep(run, metrics, probabilities, data.test, about)
    run.write_table(run.history, _HISTORY, [astuple(row) for row in history.epochs])
    run.write_table(run.batches, ("epoch", "batch", "loss", "accuracy"), history.batches)
    listener(Stage("saving and exporting"))
    card = _card(model, training, data, history, metrics)
    save_keras(model, run.keras, card)
    export_onnx(after_sobel(model) if data.form == "sobel" else model, run.onnx, card)
    listener(Stage("writing the report"))
    write_report(run)
    return Trained(model, history, metrics)


def _card(model: keras.Model, training: Training, data: TrainingData, history: History, metrics: Metrics) -> ModelCard:
    settings = {key: value for key, value in training.as_dict().items() if value is not None}
    summary: dict[str, Any] = {
        **settings,
        "epochs_trained": len(history.epochs),
        "ended": history.stopped,
        "test_accuracy": round(metrics.accuracy, 4),
        "test_loss": round(metrics.loss, 4),
    }
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
    """What a number depends on beside the settings: versions, processor, seed and commit."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "seed": seed,
        "commit": _commit(),
        "versions": versions(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    """The commit of the checkout that digitlab runs from, or "" for an installed package."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
