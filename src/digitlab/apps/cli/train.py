"""`digitlab train`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import UsageError
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
def train(*, json: bool = False, **given: Any) -> int:
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
    _check(given)
    stop = StopRequest()
    if "folds" in given:
        with JobView(stop, "keeping the folds that are done") as view:
            return _show_folds(jobs.cross_validate(**given, listener=view, stop=stop), json=json)
    with JobView(stop) as view:
        if "rates" in given:
            return _show_rates(jobs.lr_range_test(**given, listener=view, stop=stop), json=json)
        done = (jobs.resume if "run" in given else jobs.train)(**given, listener=view, stop=stop)
    if isinstance(done, jobs.CrossValidated):
        return _show_folds(done, json=json)
    _show(done, json=json)
    return 0


def _check(given: Mapping[str, Any]) -> None:
    """Refuse incompatible options before any work is done."""
    if "run" in given and given.keys() - {"run", "tensorboard", "log", "rates", "folds"}:
        raise UsageError("--resume uses the run's own settings; expected no recipe and no other option beside it")
    if "folds" in given and given.keys() & {"run", "rates", "tensorboard", "log"}:
        raise UsageError(
            "--folds cross-validates; expected no --resume, --lr-range-test, --tensorboard or --log beside it"
        )
    if "rates" in given and given.keys() & {"run", "tensorboard", "log"}:
        raise UsageError(
            "--lr-range-test starts from scratch and trains no network; expected no --resume, --tensorboard or --log "
            "with it"
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


def _show_folds(done: jobs.CrossValidated, *, json: bool) -> int:
    run, found = done.run, done.found
    if not done.complete:
        advise(f"resume with: digitlab train --resume {run.path}")
    if found is None:
        advise("no fold is complete yet")
        return 1
    if json:
        say_json({"run": str(run.path), **run.read_json(run.cross_validation)})
    else:
        _tell_folds(found, done.training, done.folds)
        say(str(run.path))
    return 0 if done.complete else 1


def _tell_folds(found: CrossValidation, training: TrainingConfig, folds: int) -> None:
    rows = [
        [each.fold, f"{each.images:,}", f"{each.accuracy:.4f}", f"{each.loss:.4f}", each.epochs, f"{each.seconds:.1f}"]
        for each in found.folds
    ]
    say(table(["fold", "images", "accuracy", "log loss", "epochs", "seconds"], rows))
    if len(found.folds) < folds:
        advise(f"interrupted: {len(found.folds)} of {folds} folds are done")
    accuracy, loss = found.accuracy, found.loss
    spread = "" if accuracy.deviation is None else f" ± {100 * accuracy.deviation:.2f} (standard deviation over folds)"
    say(f"{training.dataset}, {len(found.folds)} folds: accuracy {100 * accuracy.mean:.2f} %{spread}, "
        f"log loss {loss.mean:.4f}")  # fmt: skip


def _show_rates(done: jobs.RangeTested, *, json: bool) -> int:
    if json:
        say_json(_rates_as_json(done.found, done.run))
    else:
        _tell_rates(done.found, done.run)
    return 0 if done.found.steepest is not None else 1


def _rates_as_json(found: RangeTest, run: Run) -> dict[str, object]:
    return {
        "run": str(run.path),
        "suggested": found.steepest,
        "least": found.least,
        "tenth_of_least": found.least and found.least / 10,
        "diverged": found.diverged,
        "steps": len(found.rates),
        "plot": str(run.rate_range_plot),
    }


def _tell_rates(found: RangeTest, run: Run) -> None:
    ended = f"the loss diverged at {found.rates[-1]:.2g}" if found.diverged else "the loss did not diverge"
    advise(f"{len(found.rates)} steps; {ended}")
    if found.steepest is None or found.least is None:
        say("no suggestion: the loss did not fall; try higher rates, or more steps (--epochs)")
    else:
        say(f"suggested learning rate: {found.steepest:.2g}, where the loss falls most steeply")
        say(f"or {found.least / 10:.2g}, a tenth of the rate with the lowest loss")
    advise(f"look at {run.rate_range_plot}")
    say(str(run.path))
