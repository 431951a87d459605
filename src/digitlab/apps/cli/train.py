"""`digitlab train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.apps.cli.folds import resume_folds, run_folds
from digitlab.apps.cli.interrupts import stopping_on_interrupt
from digitlab.apps.cli.options import options_of
from digitlab.apps.cli.rate_range import rate_range, run_range
from digitlab.apps.cli.waiting import Waiting, loading
from digitlab.errors import RunError, UsageError
from digitlab.runs import Run
from digitlab.training.config import TrainingConfig
from digitlab.training.tracking import Trackers, tracked, trackers_of

__all__ = ["train"]


@options_of(TrainingConfig)
def train(
    recipe: Path | None = None,
    /,
    *,
    runs: Path = Path("runs"),
    resume: Path | None = None,
    tensorboard: bool = False,
    log: list[str] | None = None,
    lr_range_test: str | None = None,
    folds: int | None = None,
    json: bool = False,
    **settings: Any,
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
        recipe: A shipped name (fast, good, best, best-ensemble, tiny, reader), or a TOML file with any of the settings
            of a training as keys (docs/recipes.md), for instance a run's config.toml.
        runs: The folder in which the run folder is made.
        resume: A run folder whose training was killed or interrupted: go on after its last whole epoch (or its last
            whole fold), with the run's own settings.
        tensorboard: Write each epoch's curves into the run folder's tensorboard/ as well. To look at them: pip install
            tensorboard; tensorboard --logdir runs
        log: Tell another program as well: tensorboard, mlflow (the folder mlruns, or MLFLOW_TRACKING_URI), mlflow:URI
            (a server or folder). It gets the settings, each epoch, the metrics, the model and the report.
        lr_range_test: LOW:HIGH. Learning-rate range test instead of a training: the rate rises from LOW to HIGH over
            one epoch (or --epochs), until the loss diverges. Writes lr-range.csv and lr-range.png into a run folder.
            Ends with 1 when the loss did not fall.
        folds: Cross-validation instead of a training: K stratified folds of the training images; each is held out once
            and evaluated by a network trained on the others. Writes folds.csv and cross-validation.json into a run
            folder after each fold; the test images are not used.
        json: Results as one JSON object.
        settings: Of the training; they override the recipe's.
    """
    trackers = trackers_of(log or ())
    trackers = trackers._replace(tensorboard=tensorboard or trackers.tensorboard)
    rates = rate_range(lr_range_test) if lr_range_test is not None else None
    if resume is not None and (recipe or settings):
        raise UsageError(
            "--resume goes on with the run's own settings; expected no recipe and no other option beside it"
        )
    if folds is not None and (resume is not None or rates or trackers != Trackers()):
        raise UsageError(
            "--folds cross-validates; expected no --resume, --lr-range-test, --tensorboard or --log beside it"
        )
    if rates and (resume is not None or trackers != Trackers()):
        raise UsageError(
            "--lr-range-test begins anew and trains no network; expected no --resume, --tensorboard or --log with it"
        )
    if resume is not None:
        return _resume(Run.open(resume), trackers, json=json)
    with loading():
        from digitlab.training import check, find_recipe, with_options

    training = with_options(find_recipe(recipe) if recipe else TrainingConfig(), settings)
    if folds is not None:
        return run_folds(training, folds, runs, json=json)
    with Waiting() as step:
        step(f"opening {training.dataset}")
        check(training)
    if rates:
        return run_range(training, *rates, settings.get("epochs", 1), runs, json=json)
    run = Run.create(training.name or f"{training.architecture}-{Path(training.dataset).stem}", runs)
    _train(training, run, trackers, json=json)
    return 0


def _resume(run: Run, trackers: Trackers, *, json: bool) -> int:
    with loading():
        from digitlab.training import resumed

    if run.rate_range.is_file():
        raise RunError(f"{run.path}: a learning-rate range test; there is no training to go on with")
    if run.cross_validation.is_file():
        return resume_folds(run, json=json)
    _train(resumed(run), run, trackers, json=json)
    return 0


def _train(training: TrainingConfig, run: Run, trackers: Trackers, *, json: bool) -> None:
    from digitlab.apps.cli.training_view import TrainingView
    from digitlab.training import StopRequest, run_training

    stop = StopRequest()
    with stopping_on_interrupt(stop), TrainingView() as view, tracked(trackers, training, run, view) as told:
        trained = run_training(training, run, listener=told, stop=stop, tensorboard=trackers.tensorboard)
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
