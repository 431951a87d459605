"""`digitlab train`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import UsageError, counted
from digitlab.jobs import trainings as jobs
from digitlab.stopping import StopRequest
from digitlab.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.runs import Run
    from digitlab.training import Trained
    from digitlab.training.cross_validation import CrossValidation
    from digitlab.training.range_test import RangeTest

__all__ = ["train"]


@options_of(jobs.train, TrainingConfig, jobs.cross_validate, jobs.lr_range_test, jobs.resume)
def train(*, json: bool = False, **options: Any) -> int:
    """Train a network, evaluate it on the test images, export it and write its report.

    Options override the recipe. Without any: thesis-2conv, a network of two convolutions, on MNIST for 12 epochs.
    Ctrl-C stops after the current batches; the run folder is completed with the weights reached by then.

    For example:
    digitlab train --epochs 3
    digitlab train --architecture thesis-4conv --validation 0.2 --patience 2 --epochs 100
    digitlab train my-recipe.toml --seed 7
    digitlab train --resume runs/2026-…-thesis-2conv
    digitlab train --lr-range-test 1e-6:100 --optimiser adam --batch-size 512
    digitlab train --architecture ann-397 --optimiser adam --batch-size 32 --epochs 6 --folds 10

    Args:
        json: Results as one JSON object.
    """
    _check(options)
    stop = StopRequest()
    if "folds" in options:
        with JobView(stop, "keeping the folds that are done") as view:
            return _show_folds(jobs.cross_validate(**options, listener=view, stop=stop), json=json)
    with JobView(stop) as view:
        if "rates" in options:
            return _show_rates(jobs.lr_range_test(**options, listener=view, stop=stop), json=json)
        result = (jobs.resume if "run" in options else jobs.train)(**options, listener=view, stop=stop)
    if isinstance(result, jobs.CrossValidated):
        return _show_folds(result, json=json)
    _show(result, json=json)
    return 0


def _check(options: Mapping[str, Any]) -> None:
    """Refuse incompatible options before any work is done."""
    if "run" in options and options.keys() - {"run", "tensorboard", "log", "rates", "folds"}:
        raise UsageError("--resume uses the run's own settings; leave out the recipe and all other options")
    if "folds" in options and options.keys() & {"run", "rates", "tensorboard", "log"}:
        raise UsageError("--folds cross-validates; leave out --resume, --lr-range-test, --tensorboard and --log")
    if "rates" in options and options.keys() & {"run", "tensorboard", "log"}:
        raise UsageError(
            "--lr-range-test starts from scratch and trains no network; leave out --resume, --tensorboard and --log"
        )


def _show(trained: Trained, *, json: bool) -> None:
    run, metrics, tta = trained.run, trained.metrics, trained.tta
    settings = run.read_config()
    result: dict[str, Any] = {
        "run": str(run.path),
        "accuracy": metrics.accuracy,
        "loss": metrics.loss,
        "images": metrics.images,
        "epochs": len(trained.history.epochs),
        "ended": trained.history.stopped,
    }
    if tta is not None:
        result["tta"] = {"copies": settings["tta"], "accuracy": tta.accuracy, "loss": tta.loss}
    if json:
        say_json(result)
        return
    advise(f"ended: {trained.history.stopped}")
    tested_on = settings.get("test") or settings["dataset"]
    say(f"{tested_on}, test images: accuracy {100 * metrics.accuracy:.2f} %, log loss {metrics.loss:.4f}")
    if tta is not None:
        mean = f"with test-time augmentation, {settings['tta']} copies per image"
        say(f"{mean}: accuracy {100 * tta.accuracy:.2f} %, log loss {tta.loss:.4f}")
    advise(f"look at {run.report}")
    say(str(run.path))


def _show_folds(result: jobs.CrossValidated, *, json: bool) -> int:
    run, validation = result.run, result.found
    if not result.complete:
        advise(f"resume with: digitlab train --resume {run.path}")
    if validation is None:
        advise("no fold is complete yet")
        return 1
    if json:
        say_json({"run": str(run.path), **run.read_json(run.cross_validation)})
    else:
        _print_folds(validation, result.training, result.folds)
        say(str(run.path))
    return 0 if result.complete else 1


def _print_folds(validation: CrossValidation, training: TrainingConfig, folds: int) -> None:
    rows = [
        [fold.fold, f"{fold.images:,}", f"{fold.accuracy:.4f}", f"{fold.loss:.4f}", fold.epochs, f"{fold.seconds:.1f}"]
        for fold in validation.folds
    ]
    say(table(["fold", "images", "accuracy", "log loss", "epochs", "seconds"], rows))
    if len(validation.folds) < folds:
        advise(f"interrupted: {len(validation.folds)} of {folds} folds are done")
    accuracy, loss = validation.accuracy, validation.loss
    spread = "" if accuracy.deviation is None else f" ± {100 * accuracy.deviation:.2f} (standard deviation over folds)"
    say(f"{training.dataset}, {len(validation.folds)} folds: accuracy {100 * accuracy.mean:.2f} %{spread}, "
        f"log loss {loss.mean:.4f}")  # fmt: skip


def _show_rates(result: jobs.RangeTested, *, json: bool) -> int:
    if json:
        say_json(_rates_as_json(result.found, result.run))
    else:
        _print_rates(result.found, result.run)
    return 0 if result.found.steepest is not None else 1


def _rates_as_json(result: RangeTest, run: Run) -> dict[str, object]:
    return {
        "run": str(run.path),
        "suggested": result.steepest,
        "least": result.least,
        "tenth_of_least": result.least and result.least / 10,
        "diverged": result.diverged,
        "steps": len(result.rates),
        "plot": str(run.rate_range_plot),
    }


def _print_rates(result: RangeTest, run: Run) -> None:
    ended = f"the loss diverged at {result.rates[-1]:.2g}" if result.diverged else "the loss did not diverge"
    advise(f"{counted(len(result.rates), 'step')}; {ended}")
    if result.steepest is None or result.least is None:
        say("no suggestion: the loss did not fall; try higher rates, or more steps (--epochs)")
    else:
        say(f"suggested learning rate: {result.steepest:.2g}, where the loss falls most steeply")
        say(f"or {result.least / 10:.2g}, a tenth of the rate with the lowest loss")
    advise(f"look at {run.rate_range_plot}")
    say(str(run.path))
