"""Training from Python: `train`, `cross_validate`, `transfer`, `tune`, `run_study`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from digitlab import jobs
from digitlab.api.following import described_by, following
from digitlab.errors import UsageError
from digitlab.runs import Run
from digitlab.settings import with_keywords_of
from digitlab.stopping import StopRequest
from digitlab.training.config import TrainingConfig
from digitlab.transfer_learning.settings import Transfer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.api.keywords import TrainingKeywords, TransferKeywords, TuningKeywords
    from digitlab.jobs import TransferResult, Tuned
    from digitlab.jobs.events import Listener
    from digitlab.jobs.trainings import CrossValidated, RangeTested
    from digitlab.studies.running import Ran
    from digitlab.training import Trained

__all__ = ["cross_validate", "lr_range_test", "resume", "run_study", "train", "transfer", "tune"]


@with_keywords_of(TrainingConfig)
@described_by(jobs.train)
def train(
    recipe: TrainingConfig | str | Path | None = None,
    *,
    runs: str | Path = "runs",
    resume: Run | str | Path | None = None,
    tensorboard: bool = False,
    log: str | Sequence[str] = (),
    progress: bool | None = None,
    listener: Listener | None = None,
    stop: StopRequest | None = None,
    **settings: Unpack[TrainingKeywords],
) -> Trained:
    """Train a network, evaluate it on the test images, export it and write its report into a run folder.

    As `digitlab train`. If interrupted (Ctrl-C, a notebook's button), it stops after the batches under way and finishes
    the folder with what was learned so far. For cross-validation see `cross_validate`, and `DigitClassifier`.

    Args:
        recipe: a shipped name (fast, good, best, best-ensemble, tiny, tiniest, microcontroller, reader), a TOML file,
            or settings; None: S0's network of two convolutions on MNIST.
        resume: instead of all settings: a run folder whose training was killed or interrupted, to continue after its
            last whole epoch.
        log: where else to log: "tensorboard", "mlflow" or "mlflow:URI", or several of them.
        stop: if it is called (without arguments, also by the listener), the training ends early.
        settings: override the recipe's, e.g. ``epochs=3``: the fields of `TrainingConfig`.

    >>> accuracies = []
    >>> def note(event):
    ...     if isinstance(event, EpochEnded):
    ...         accuracies.append(event.accuracy)
    >>> trained = train(architecture="slides-cnn", dataset="few.npz", epochs=2, listener=note)
    >>> trained.metrics.images, len(accuracies), trained.run.report.is_file()
    (100, 2, True)
    """
    stop = stop or StopRequest()
    told = [log] if isinstance(log, str) else list(log)
    if resume is not None and (recipe is not None or settings):
        raise UsageError("resume uses the run's own settings; leave out the recipe and all other settings")
    with following("train", progress, listener, stop) as heard:
        if resume is not None:
            folder = resume.path if isinstance(resume, Run) else resume
            # For a cross-validation: its folds.
            return jobs.resume(folder, tensorboard=tensorboard, log=told, listener=heard, stop=stop)  # type: ignore[return-value]
        return jobs.train(
            recipe, runs=Path(runs), tensorboard=tensorboard, log=told, listener=heard, stop=stop, **settings
        )


@with_keywords_of(TrainingConfig)
@described_by(jobs.cross_validate)
def cross_validate(
    recipe: TrainingConfig | str | Path | None = None,
    *,
    folds: int,
    runs: str | Path = "runs",
    progress: bool | None = None,
    listener: Listener | None = None,
    stop: StopRequest | None = None,
    **settings: Unpack[TrainingKeywords],
) -> CrossValidated:
    """Estimate a recipe's accuracy, and its variation, by folds of the training images; the test images are not used.

    As `digitlab train --folds`. For scikit-learn's searches and pipelines, see `DigitClassifier`.

    Args:
        folds: number of folds; each is held out once, and evaluated by a network trained on the others.
        stop: if called, it ends with the folds done so far; ``train(resume=…)`` continues.
        settings: as for `train`.

    >>> done = cross_validate(folds=2, architecture="slides-cnn", dataset="few.npz", epochs=1)
    >>> [fold.images for fold in done.found.folds]
    [100, 100]
    """
    stop = stop or StopRequest()
    with following("cross_validate", progress, listener, stop) as heard:
        return jobs.cross_validate(recipe, folds=folds, runs=Path(runs), listener=heard, stop=stop, **settings)


@described_by(jobs.resume)
def resume(
    run: Run | str | Path,
    *,
    tensorboard: bool = False,
    log: str | Sequence[str] = (),
    progress: bool | None = None,
    listener: Listener | None = None,
    stop: StopRequest | None = None,
) -> Trained | CrossValidated:
    """Resume a training or a cross-validation that was killed or interrupted, with the run's own settings.

    As `digitlab train --resume`; a training ends with the same weights as if it had not been interrupted.

    Args:
        run: the run or its folder.

    >>> resume(first)
    Traceback (most recent call last):
    digitlab.errors.RunError: ...: is complete; there is nothing to resume
    """
    stop = stop or StopRequest()
    told = [log] if isinstance(log, str) else list(log)
    with following("resume", progress, listener, stop) as heard:
        folder = run.path if isinstance(run, Run) else run
        return jobs.resume(folder, tensorboard=tensorboard, log=told, listener=heard, stop=stop)


@with_keywords_of(TrainingConfig)
@described_by(jobs.lr_range_test)
def lr_range_test(
    recipe: TrainingConfig | str | Path | None = None,
    *,
    rates: tuple[float, float],
    runs: str | Path = "runs",
    progress: bool | None = None,
    listener: Listener | None = None,
    stop: StopRequest | None = None,
    **settings: Unpack[TrainingKeywords],
) -> RangeTested:
    """Learning-rate range test: the rate rises until the loss diverges; a good rate is where the loss falls steepest.

    As `digitlab train --lr-range-test`.

    Args:
        rates: the lowest and the highest learning rate.
        settings: as for `train`; ``epochs``: during which the rate rises, 1 by default.

    >>> tested = lr_range_test(rates=(1e-5, 1.0), architecture="slides-cnn", dataset="few.npz", batch_size=8)
    >>> tested.run.rate_range_plot.is_file()
    True
    """
    stop = stop or StopRequest()
    with following("lr_range_test", progress, listener, stop) as heard:
        return jobs.lr_range_test(recipe, rates=rates, runs=Path(runs), listener=heard, stop=stop, **settings)


@described_by(jobs.transfer)
def transfer(
    model: Run | str | Path,
    settings: Transfer | None = None,
    *,
    data: str,
    test: str | None = None,
    form: str | None = None,
    weights: str | None = None,
    name: str | None = None,
    runs: str | Path = "runs",
    progress: bool | None = None,
    listener: Listener | None = None,
    stop: StopRequest | None = None,
    **options: Unpack[TransferKeywords],
) -> TransferResult:
    """Adapt a trained network to other images, often few; evaluate, save and export the result into a run folder.

    As `digitlab transfer`.

    Args:
        model: a run or its folder, a shipped name, a model file of any framework, or a name of keras.applications.
        settings: the method, as a record; or its fields as keywords: ``how="features"``, ``per_class=10`` …
        options: fields of `Transfer`, overriding those of ``settings``.

    >>> done = transfer(first, data="few.npz", how="features", learner="nearest-mean", per_class=5)
    >>> done.metrics.images, done.run.onnx.is_file()
    (100, True)
    """
    stop = stop or StopRequest()
    given = {key: value for key, value in options.items() if value is not None}
    _expect_fields(Transfer, given)
    wanted = replace(settings or Transfer(), **given)  # type: ignore[arg-type]
    with following("transfer", progress, listener, stop) as heard:
        return jobs.transfer(
            model.path if isinstance(model, Run) else model, wanted, data=data, test=test, form=form, weights=weights,
            name=name, runs=Path(runs), listener=heard, stop=stop,
        )  # fmt: skip


def _expect_fields(declaring: type, given: dict[str, object]) -> None:
    known = declaring.__dataclass_fields__  # type: ignore[attr-defined]
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise UsageError(f"there is no setting {unknown!r}; known: {', '.join(known)}")


@described_by(jobs.tune)
def tune(
    space: str | Path | None = None,
    *,
    resume: str | Path | None = None,
    out: str | Path | None = None,
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    seconds: float | None = None,
    retrain_best: bool = False,
    runs: str | Path = "runs",
    progress: bool | None = None,
    listener: Listener | None = None,
    stop: StopRequest | None = None,
    **settings: Unpack[TuningKeywords],
) -> Tuned:
    """Search hyperparameters by cross-validation on the training images; the test images are never used.

    As `digitlab tune`. If it is killed at any moment, ``resume`` continues it.

    A space is a recipe in which some settings vary; ``tune("s1-grid", trials=10, seconds=600)`` searches one that ships
    with the package.

    Args:
        space: a shipped name, or a TOML file: a recipe some of whose settings vary.
        resume: instead of a space: the folder of a search to continue.
        settings: override the space's: trials, sampler, pruner, folds, use_folds, seeds, share, seed.

    >>> tune("s2-grid")
    Traceback (most recent call last):
    digitlab.errors.RecipeError: s2-grid: there is no such search space; shipped: s1-grid, small-and-quick
    """
    stop = stop or StopRequest()
    with following("tune", progress, listener, stop) as heard:
        return jobs.tune(
            space, resume=None if resume is None else Path(resume), out=None if out is None else Path(out),
            engine=engine, address=address, workers=workers, seconds=seconds, retrain_best=retrain_best,
            runs=Path(runs), listener=heard, stop=stop, **settings,
        )  # fmt: skip


@described_by(jobs.run_study)
def run_study(
    *names: str,
    out: str | Path = "studies-results",
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    background: bool = False,
    seeds: int | None = None,
    quick: bool = False,
    until_decided: bool = False,
    most: int | None = None,
    seconds: float | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
    stop: StopRequest | None = None,
) -> Ran:
    """Run studies: train every cell that is missing, and compare the results with published ones.

    As `digitlab study run`. If it is killed at any moment, the same call continues it.

    >>> ran = run_study("parameter-counts", out=studies)
    >>> ran.outcomes[0].found == ran.outcomes[0].planned
    True
    """
    stop = stop or StopRequest()
    with following("run_study", progress, listener, stop) as heard:
        return jobs.run_study(
            *names, out=Path(out), engine=engine, address=address, workers=workers, background=background,
            seeds=seeds, quick=quick, until_decided=until_decided, most=most, seconds=seconds, listener=heard,
            stop=stop,
        )  # fmt: skip
