"""`digitlab train`."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.training import StopRequest, Training

__all__ = ["train"]


def train(
    recipe: Path | None = None,
    /,
    *,
    architecture: str | None = None,
    dataset: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    optimiser: Annotated[str | None, Parameter(alias="--optimizer")] = None,
    learning_rate: float | None = None,
    schedule: str | None = None,
    dropout: bool | None = None,
    augmentation: str | None = None,
    label_smoothing: float | None = None,
    validation: float | None = None,
    patience: int | None = None,
    seed: int | None = None,
    precision: str | None = None,
    name: str | None = None,
    runs: Path = Path("runs"),
    json: bool = False,
) -> int:
    """Train a network, measure it on the test images, export it and write its report.

    Options override the recipe. Without any: S0's network of two convolutions on MNIST for 12 epochs.
    Ctrl-C ends it after the batches under way; the run folder is finished with what was learned by then.

    For example:
    digitlab train --epochs 3
    digitlab train --architecture thesis-4conv --validation 0.2 --patience 2 --epochs 100
    digitlab train my-recipe.toml --seed 7

    Args:
        recipe: A shipped name (reader), or a TOML file with any of the options below as keys (with _ for -), for
            instance a run's config.toml.
        architecture: thesis-1conv, -2conv, -3conv, -4conv, -6conv, ann-397, first-cnn, final-cnn, slides-cnn,
            exercise-mlp, exercise-cnn, notebook-cnn, reader-cnn.
        dataset: A dataset of `digitlab data list`.
        epochs: At most so many passes over the training images.
        batch_size: Images a step.
        optimiser: adadelta, adagrad, adam, adamw, nadam, rmsprop, sgd; with the documents' settings.
        learning_rate: Instead of the optimiser's usual one.
        schedule: constant, or cosine (rises for a twentieth of the steps, then falls to 0).
        dropout: --no-dropout builds the thesis networks without.
        augmentation: none, or handwriting (each epoch's images varied as hands and pens vary).
        label_smoothing: 0 to below 1; share of the target spread over all classes.
        validation: Share of the training images held out; 0 for none.
        patience: End when the validation loss has not fallen for so many epochs, and keep the best weights.
        seed: The same seed gives the same weights.
        precision: auto (bfloat16 where the processor multiplies it), float32 or bfloat16.
        name: Of the run folder; else the recipe's or the architecture's.
        runs: The folder in which the run folder is made.
        json: Results as one JSON object.
    """
    options = {
        "architecture": architecture, "dataset": dataset, "epochs": epochs, "batch_size": batch_size,
        "optimiser": optimiser, "learning_rate": learning_rate, "schedule": schedule, "dropout": dropout,
        "augmentation": augmentation, "label_smoothing": label_smoothing, "validation": validation,
        "patience": patience, "seed": seed, "precision": precision, "name": name,
    }  # fmt: skip
    advise("loading the network library …")
    from digitlab.training import Training, find_recipe, with_options

    training = with_options(find_recipe(recipe) if recipe else Training(), options)
    _train(training, runs, json=json)
    return 0


def _train(training: Training, parent: Path, *, json: bool) -> None:
    from digitlab.apps.cli.training_view import TrainingView
    from digitlab.runs import Run
    from digitlab.training import StopRequest, check, run_training

    check(training)
    run = Run.create(training.name or f"{training.architecture}-{training.dataset}", parent)
    stop = StopRequest()
    with _stopping_on_interrupt(stop), TrainingView() as view:
        trained = run_training(training, run, listener=view, stop=stop)
    result: dict[str, Any] = {
        "run": str(run.path),
        "accuracy": trained.metrics.accuracy,
        "loss": trained.metrics.loss,
        "images": trained.metrics.images,
        "epochs": len(trained.history.epochs),
        "ended": trained.history.stopped,
    }
    if json:
        say_json(result)
        return
    advise(f"ended: {trained.history.stopped}")
    say(
        f"{training.dataset} test: accuracy {100 * trained.metrics.accuracy:.2f} %, log loss {trained.metrics.loss:.4f}"
    )
    advise(f"look at {run.report}")
    say(str(run.path))


@contextmanager
def _stopping_on_interrupt(stop: StopRequest) -> Iterator[None]:
    """The first Ctrl-C asks to stop; a second one is Python's own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(*_: object) -> None:
        stop()
        signal.signal(signal.SIGINT, before)
        advise("\nstopping after the batches under way, then finishing the run folder (Ctrl-C again: at once) …")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
