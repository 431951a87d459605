"""`digitlab train`."""

from __future__ import annotations

import signal
import threading
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.apps.cli.folds import resume_folds, run_folds
from digitlab.apps.cli.rate_range import rate_range, run_range
from digitlab.apps.cli.waiting import Waiting, loading
from digitlab.errors import RunError, UsageError
from digitlab.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from digitlab.training import TrainingConfig

__all__ = ["train"]


def train(
    recipe: Path | None = None,
    /,
    *,
    architecture: str | None = None,
    dataset: Annotated[str | None, Parameter(alias="--data")] = None,
    test: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    optimiser: Annotated[str | None, Parameter(alias="--optimizer")] = None,
    learning_rate: float | None = None,
    epsilon: float | None = None,
    loss: str | None = None,
    schedule: str | None = None,
    dropout: bool | None = None,
    option: list[str] | None = None,
    augmentation: str | None = None,
    clean_epochs: int | None = None,
    noise: float | None = None,
    distractors: float | None = None,
    weight_average: float | None = None,
    label_smoothing: float | None = None,
    validation: float | None = None,
    watch: Literal["test"] | None = None,
    patience: int | None = None,
    seed: int | None = None,
    precision: str | None = None,
    members: int | None = None,
    tta: int | None = None,
    name: str | None = None,
    runs: Path = Path("runs"),
    resume: Path | None = None,
    tensorboard: bool = False,
    lr_range_test: str | None = None,
    folds: int | None = None,
    json: bool = False,
) -> int:
    """Train a network, evaluate it on the test images, export it and write its report.

    Options override the recipe. Without any: thesis-2conv, a network of two convolutions, on MNIST for 12 epochs.
    Ctrl-C ends it after the current batches; the run folder is finished with the weights reached by then.

    For example:
    digitlab train --epochs 3
    digitlab train --architecture thesis-4conv --validation 0.2 --patience 2 --epochs 100
    digitlab train my-recipe.toml --seed 7
    digitlab train --resume runs/2026-…-thesis-2conv
    digitlab train --lr-range-test 1e-6:100 --optimiser adam --batch-size 512
    digitlab train --architecture ann-397 --optimiser adam --batch-size 32 --epochs 6 --folds 10

    Args:
        recipe: A shipped name (fast, good, best, best-ensemble, tiny, reader), or a TOML file with any of the options
            below as keys (with _ for -), for instance a run's config.toml.
        architecture: thesis-1conv, -2conv, -3conv, -4conv, -6conv, ann-397, first-cnn, final-cnn, slides-cnn,
            exercise-mlp, exercise-cnn, notebook-cnn, fast-cnn, good-cnn, best-cnn, deep-cnn, tiny-cnn,
            reader-cnn; conv-family and dense-family.
        dataset: A dataset of `digitlab data list`, or a file; HDF5 and raw IDX files may be larger than memory.
        test: The dataset or file whose test images evaluate the result; default: the dataset's own.
        epochs: Maximum number of epochs: passes over the training images.
        batch_size: Images per gradient step (mini-batch).
        optimiser: adadelta, adagrad, adam, adamw, nadam, rmsprop, sgd; with the documents' settings.
        learning_rate: Default: the optimiser's usual one.
        epsilon: The optimiser's ε; default: 1e-8 for adadelta (Keras had 1e-7 from 2018 on), 1e-7 for the others.
        loss: sparse-categorical-crossentropy, categorical-crossentropy, kl-divergence, categorical-hinge or
            mean-squared-error.
        schedule: Of the learning rate: constant, cosine, linear, one-cycle, step or warm-up.
        dropout: --no-dropout builds the thesis networks without.
        option: NAME=VALUE of an architecture that has options, e.g. --option kernel=5 --option filters=[16,32] of
            conv-family.
        augmentation: none, affine, pose (wider), elastic, realtime (shifted, then made Sobel images),
            handwriting (ours), cutout; or several joined by +, e.g. affine+cutout.
        clean_epochs: Number of last epochs without augmentation, e.g. 2.
        noise: Standard deviation of a Gaussian noise layer before the network, 0 for none.
        distractors: Out-of-distribution images (drawn, no digits) per training image, e.g. 0.5, on which the network
            learns a uniform output (outlier exposure); with --validation its temperature is calibrated, too.
        weight_average: Decay of an exponential moving average of the weights (EMA), e.g. 0.999; 0 for none.
        label_smoothing: 0 to below 1; share of the target spread over all classes.
        validation: Share of the training images held out for validation; 0 for none.
        watch: test: where no images are held out, evaluate the test images after each epoch as well, for the curve in
            the report; nothing is decided by them, and the weights are the same.
        patience: Early stopping: end when the validation loss has not fallen for this number of epochs, and keep the
            best weights.
        seed: The same seed gives the same weights.
        precision: float32, bfloat16, or auto: the quicker one for this network, which is measured once and remembered.
        tta: Evaluate a second time with test-time augmentation: the mean softmax over 2 to 19 copies of each test
            image, as `digitlab evaluate RUN --tta` does.
        members: Train an ensemble of this number of networks, one after the other; their softmax is averaged.
        name: Of the run folder; default: the recipe's or the architecture's.
        runs: The folder in which the run folder is made.
        resume: A run folder whose training was killed or interrupted: go on after its last whole epoch (or its last
            whole fold), with the run's own settings.
        tensorboard: Write each epoch's curves into the run folder's tensorboard/ as well. To look at them: pip install
            tensorboard; tensorboard --logdir runs
        lr_range_test: LOW:HIGH. Learning-rate range test instead of a training: the rate rises from LOW to HIGH over
            one epoch (or --epochs), until the loss diverges. Writes lr-range.csv and lr-range.png into a run folder.
            Ends with 1 when the loss did not fall.
        folds: Cross-validation instead of a training: K stratified folds of the training images; each is held out once
            and evaluated by a network trained on the others. Writes folds.csv and cross-validation.json into a run
            folder after each fold; the test images are not used.
        json: Results as one JSON object.
    """
    options = {
        "architecture": architecture, "dataset": dataset, "test": test, "epochs": epochs, "batch_size": batch_size,
        "optimiser": optimiser, "learning_rate": learning_rate, "epsilon": epsilon, "loss": loss, "schedule": schedule,
        "dropout": dropout,
        "options": architecture_options(option) if option else None,
        "augmentation": augmentation, "clean_epochs": clean_epochs, "noise": noise, "distractors": distractors,
        "weight_average": weight_average, "label_smoothing": label_smoothing, "validation": validation, "watch": watch,
        "patience": patience, "seed": seed, "precision": precision, "members": members, "tta": tta,
        "name": name,
    }  # fmt: skip
    if resume is not None and (recipe or any(value is not None for value in options.values())):
        raise UsageError(
            "--resume goes on with the run's own settings; expected no recipe and no other option beside it"
        )
    if folds is not None and (resume is not None or lr_range_test is not None or tensorboard):
        raise UsageError("--folds cross-validates; expected no --resume, --lr-range-test or --tensorboard beside it")
    rates = rate_range(lr_range_test) if lr_range_test is not None else None
    if rates and (resume is not None or tensorboard):
        raise UsageError(
            "--lr-range-test begins anew and trains no network; expected no --resume or --tensorboard with it"
        )
    with loading():
        from digitlab.training import TrainingConfig, check, find_recipe, resumed, with_options

    if resume is not None:
        run = Run.open(resume)
        if run.rate_range.is_file():
            raise RunError(f"{run.path}: a learning-rate range test; there is no training to go on with")
        if run.cross_validation.is_file():
            return resume_folds(run, json=json)
        training = resumed(run)
    else:
        training = with_options(find_recipe(recipe) if recipe else TrainingConfig(), options)
        if folds is not None:
            return run_folds(training, folds, runs, json=json)
        with Waiting() as step:
            step(f"opening {training.dataset}")
            check(training)
        if rates:
            return run_range(training, *rates, epochs or 1, runs, json=json)
        run = Run.create(training.name or f"{training.architecture}-{Path(training.dataset).stem}", runs)
    _train(training, run, json=json, tensorboard=tensorboard)
    return 0


def _train(training: TrainingConfig, run: Run, *, json: bool, tensorboard: bool) -> None:
    from digitlab.apps.cli.training_view import TrainingView
    from digitlab.training import StopRequest, run_training

    stop = StopRequest()
    with stopping_on_interrupt(stop), TrainingView() as view:
        trained = run_training(training, run, listener=view, stop=stop, tensorboard=tensorboard)
    result: dict[str, Any] = {
        "run": str(run.path),
        "accuracy": trained.metrics.accuracy,
        "loss": trained.metrics.loss,
        "images": trained.metrics.images,
        "epochs": len(trained.history.epochs),
        "ended": trained.history.stopped,
    }
    if trained.tta is not None:
        result["tta"] = {"copies": training.tta, "accuracy": trained.tta.accuracy, "loss": trained.tta.loss}
    if json:
        say_json(result)
        return
    advise(f"ended: {trained.history.stopped}")
    tested_on, metrics = training.test or training.dataset, trained.metrics
    say(f"{tested_on}, test images: accuracy {100 * metrics.accuracy:.2f} %, log loss {metrics.loss:.4f}")
    if trained.tta is not None:
        mean = f"with test-time augmentation, {training.tta} copies per image"
        say(f"{mean}: accuracy {100 * trained.tta.accuracy:.2f} %, log loss {trained.tta.loss:.4f}")
    advise(f"look at {run.report}")
    say(str(run.path))


def architecture_options(given: Sequence[str]) -> dict[str, Any]:
    """``NAME=VALUE`` each, the values as in TOML; a word needs no quotes.

    >>> architecture_options(["kernel=5", "filters=[16, 32]", "pooling=average"])
    {'kernel': 5, 'filters': [16, 32], 'pooling': 'average'}

    Raises:
        UsageError: for one without a name or a value.
    """
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        if not name or not value:
            raise UsageError(f"--option is {text!r}; expected NAME=VALUE, e.g. kernel=5")
        try:
            found[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[name] = value
    return found


@contextmanager
def stopping_on_interrupt(stop: Callable[[], None], then: str = "finishing the run folder") -> Iterator[None]:
    """The first Ctrl-C asks to stop; a second one is Python's own. ``then``: what is done before the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(*_: object) -> None:
        stop()
        signal.signal(signal.SIGINT, before)
        advise(f"\nstopping after the current batches, then {then} (Ctrl-C again: at once) …")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
