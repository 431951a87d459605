"""The main job: a `Training` in, a whole run folder out."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.datasets import hold_out, load_dataset
from digitlab.errors import DatasetError
from digitlab.evaluation import Metrics, assess
from digitlab.models import after_sobel, build, export_onnx, predict_probabilities, preparation_of, save_keras, versions
from digitlab.models.backend import dtype_policy, keras
from digitlab.reports import write_report
from digitlab.training.augmentation import augmentation
from digitlab.training.events import Stage, Started
from digitlab.training.loop import History, Loop, StopRequest
from digitlab.training.optimisers import make_optimiser
from digitlab.training.precision import dtype_policy_name
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from digitlab.datasets import Dataset
    from digitlab.runs import Run
    from digitlab.training.events import Listener
    from digitlab.training.settings import Training
    from digitlab.values import Digits

__all__ = ["Trained", "check", "environment", "run_training"]

_HISTORY = (
    "epoch",
    "loss",
    "accuracy",
    "validation_loss",
    "validation_accuracy",
    "seconds",
    "images_per_second",
    "learning_rate",
)


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

    Asked to stop, it ends after the batches under way and finishes the run folder with what was learned by then.

    Raises:
        UsageError: for an unknown architecture, optimiser, schedule or augmentation.
        DatasetError: for an unknown dataset, or one without training or test images.
        StorageError: when the run folder cannot be written.
    """
    data = load_dataset(training.dataset)
    train, validation = _parts(data, training)
    keras.utils.set_random_seed(training.seed)
    policy = dtype_policy_name(training.precision)
    with dtype_policy(policy):
        model = build(training.architecture, dropout=training.dropout)
    loop = _loop(model, training, train, validation)
    run.write_config(training.as_dict())
    run.write_json(run.environment, environment(training.seed))
    listener(_started(loop, training, policy))
    history = loop.run(training.epochs, listener, stop or StopRequest())
    return _finish(model, training, data, history, run, listener)


def check(training: Training) -> None:
    """Refuse names that do not exist before a run folder is made.

    Raises:
        UsageError: for an unknown architecture, optimiser, schedule or augmentation.
        DatasetError: for an unknown dataset, or early stopping without validation images.
    """
    build(training.architecture, dropout=training.dropout)
    make_optimiser(training.optimiser, learning_rate=training.learning_rate, schedule=training.schedule, steps=1)
    augmentation(training.augmentation)
    _parts(load_dataset(training.dataset), training)


def _parts(data: Dataset, training: Training) -> tuple[Digits, Digits | None]:
    train = data.split("train")
    if "validation" in data.splits:
        return train, data.split("validation")
    if training.validation:
        return hold_out(train, training.validation)
    if training.patience is not None:
        raise DatasetError(
            f"early stopping needs validation images, and {data.name} has none; hold some out, e.g. --validation 0.2"
        )
    return train, None


def _loop(model: keras.Model, training: Training, train: Digits, validation: Digits | None) -> Loop:
    steps = training.epochs * -(-len(train) // training.batch_size)
    optimiser = make_optimiser(
        training.optimiser, learning_rate=training.learning_rate, schedule=training.schedule, steps=steps
    )
    return Loop(
        model,
        optimiser,
        train,
        validation,
        batch_size=training.batch_size,
        seed=training.seed,
        patience=training.patience,
        label_smoothing=training.label_smoothing,
        augment=augmentation(training.augmentation),
    )


def _started(loop: Loop, training: Training, policy: str) -> Started:
    precision = "bfloat16 products, float32 weights" if policy == "mixed_bfloat16" else "float32"
    reason = {"auto": "chosen for this processor"}.get(training.precision, "as asked")
    held_out = len(loop.validation) if loop.validation else 0
    return Started(
        len(loop.train), held_out, training.epochs, loop.batches, loop.model.count_params(), precision, reason
    )


def _finish(
    trained: keras.Model, training: Training, data: Dataset, history: History, run: Run, listener: Listener
) -> Trained:
    model = build(training.architecture, dropout=training.dropout)  # float32, whatever the training's policy
    model.set_weights(trained.get_weights())
    listener(Stage("measuring on the test images"))
    test = data.split("test")
    probabilities = predict_probabilities(model, test.images)
    metrics = assess(run, probabilities, test, {"model": training.architecture, "data": data.name, "split": "test"})
    run.write_table(run.history, _HISTORY, [[getattr(row, name) for name in _HISTORY] for row in history.epochs])
    run.write_table(run.batches, ("epoch", "batch", "loss", "accuracy"), history.batches)
    listener(Stage("saving and exporting"))
    card = _card(model, training, data, history, metrics)
    save_keras(model, run.keras, card)
    export_onnx(after_sobel(model) if data.form == "sobel" else model, run.onnx, card)
    listener(Stage("writing the report"))
    write_report(run)
    return Trained(model, history, metrics)


def _card(model: keras.Model, training: Training, data: Dataset, history: History, metrics: Metrics) -> ModelCard:
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
