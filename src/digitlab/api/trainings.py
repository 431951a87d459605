"""Training from Python: `train`, `cross_validate`, `transfer`, `tune`, `run_study`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from digitlab import jobs
from digitlab.api.following import following
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
    from digitlab.jobs.trainings import CrossValidated
    from digitlab.studies.running import Ran
    from digitlab.training import Trained

__all__ = ["cross_validate", "run_study", "train", "transfer", "tune"]


@with_keywords_of(TrainingConfig)
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

    As `digitlab train`. Interrupted (Ctrl-C, a notebook's button), it ends after the batches under way and finishes the
    folder with what was learned by then. For cross-validation see `cross_validate`, and `DigitClassifier`.

    Args:
        recipe: a shipped name (fast, good, best, best-ensemble, tiny, reader), a TOML file, or settings; None: S0's
            network of two convolutions on MNIST.
        runs: the folder in which the run folder is made.
        resume: instead of all settings a run folder whose training was killed or interrupted: go on after its last
            whole epoch.
        tensorboard: write each epoch for TensorBoard as well.
        log: whom to tell besides: "tensorboard", "mlflow" or "mlflow:URI", or several of them.
        progress: whether a bar shows how far it is; None: on a terminal and in a notebook.
        listener: a function that is told of everything, e.g. of an `EpochEnded` after each epoch.
        stop: asked to (it is called without arguments, also by the listener), the training ends early.
        settings: in place of the recipe's, e.g. ``epochs=3``: the fields of `TrainingConfig`.

    Returns:
        The run, the Keras model, the history and the metrics of the test images.

    Raises:
        RecipeError: when there is no such recipe.
        UsageError: for an unknown setting, or a value out of its range.
        DatasetError: for an unknown dataset, or one without training or test images.
        DivergedError: when the loss is no number any more.
        StorageError: when the run folder cannot be written.
        MissingExtraError: without the extra "train".

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
        raise UsageError("resume goes on with the run's own settings; expected no recipe and no other setting")
    with following("train", progress, listener, stop) as heard:
        if resume is not None:
            folder = resume.path if isinstance(resume, Run) else resume
            # Of a cross-validation: its folds.
            return jobs.resume(folder, tensorboard=tensorboard, log=told, listener=heard, stop=stop)  # type: ignore[return-value]
        return jobs.train(
            recipe, runs=Path(runs), tensorboard=tensorboard, log=told, listener=heard, stop=stop, **settings
        )


@with_keywords_of(TrainingConfig)
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
    """The accuracy of a recipe, and how much it varies, by folds of the training images; none of the test images.

    As `digitlab train --folds`. For searches and pipelines of scikit-learn, see `DigitClassifier`.

    Args:
        recipe: as `train`.
        folds: each is held out once, and evaluated by a network trained on the others.
        runs: the folder in which the run folder is made.
        progress: whether a bar shows how far it is; None: on a terminal and in a notebook.
        listener: a function that is told of everything.
        stop: asked to, it ends with the folds that are done; ``train(resume=…)`` goes on.
        settings: as `train`.

    Raises:
        RecipeError: when there is no such recipe.
        UsageError: for an unknown setting, or a wrong number of folds.
        DatasetError: for an unknown dataset, or a class with fewer images than there are folds.
        StorageError: when the run folder cannot be written.
        MissingExtraError: without the extra "train".

    >>> done = cross_validate(folds=2, architecture="slides-cnn", dataset="few.npz", epochs=1)
    >>> [fold.images for fold in done.found.folds]
    [100, 100]
    """
    stop = stop or StopRequest()
    with following("cross_validate", progress, listener, stop) as heard:
        return jobs.cross_validate(recipe, folds=folds, runs=Path(runs), listener=heard, stop=stop, **settings)


def transfer(
    model: str | Path,
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
        model: a run folder, a shipped name, a .keras file, an .h5 file of an old Keras, or a name of
            keras.applications.
        settings: how, as a record; or its fields as keywords: ``how="features"``, ``per_class=10`` …
        data: the new training data: a named dataset, a file of labelled images, or a folder of pictures by class.
        test: the dataset or file whose test images evaluate the result; None: the dataset's own.
        form: what the model was trained on, "grey" or "sobel", where its file does not say.
        weights: for a name of keras.applications: the file with its weights, or "random".
        name: of the run folder.
        runs: the folder in which the run folder is made.
        progress: whether a bar shows how far it is; None: on a terminal and in a notebook.
        listener: a function that is told of everything.
        stop: asked to, it ends after the batches under way, with what was learned by then.
        options: fields of `Transfer`, in place of those of ``settings``.

    Raises:
        ModelError: when the model cannot be opened, or its layers cannot be followed.
        UsageError: for a layer that does not exist, or a value that cannot be.
        DatasetError: when there is no such set, or it cannot be learned from.
        StorageError: when the run folder cannot be written.
        MissingExtraError: without the extra "train".

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
            model, wanted, data=data, test=test, form=form, weights=weights, name=name, runs=Path(runs),
            listener=heard, stop=stop,
        )  # fmt: skip


def _expect_fields(declaring: type, given: dict[str, object]) -> None:
    known = declaring.__dataclass_fields__  # type: ignore[attr-defined]
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise UsageError(f"there is no setting {unknown!r}; known: {', '.join(known)}")


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

    As `digitlab tune`. Killed at any moment, it goes on with ``resume``.

    Args:
        space: a shipped name, or a TOML file: a recipe some of whose settings vary.
        resume: instead, the folder of a search: go on with it.
        out: the folder of the search; None: tunings/NAME.
        engine: "local" (processes on this machine) or "ray" (a cluster).
        address: of a running Ray cluster; None: one is started here.
        workers: processes of the local engine; None: one per processor, and per 2 GB of memory.
        seconds: stop after this time.
        retrain_best: in the end train the best recipe on all training images, and evaluate it on the test images.
        runs: where that run folder is made.
        progress: whether a bar shows how far it is; None: on a terminal and in a notebook.
        listener: a function that is told of everything.
        stop: asked to, it ends after the batches under way.
        settings: in place of the space's: trials, sampler, pruner, folds, use_folds, seeds, share, seed.

    Raises:
        UsageError: for settings that do not exist, or a folder that holds something else.
        RecipeError: when the space cannot be read.
        StorageError: when the folder cannot be written; what was kept stays.
        ClusterError: when a cluster does not answer or is gone.
        MissingExtraError: without the extra "tune".

    A space is a recipe in which some settings vary, and ``tune("s1-grid", trials=10, seconds=600)`` searches one that
    ships with the package:

    >>> tune("s2-grid")
    Traceback (most recent call last):
    digitlab.errors.RecipeError: s2-grid: there is no such file of a space; shipped: s1-grid, small-and-quick
    """
    stop = stop or StopRequest()
    with following("tune", progress, listener, stop) as heard:
        return jobs.tune(
            space, resume=None if resume is None else Path(resume), out=None if out is None else Path(out),
            engine=engine, address=address, workers=workers, seconds=seconds, retrain_best=retrain_best,
            runs=Path(runs), listener=heard, stop=stop, **settings,
        )  # fmt: skip


def run_study(
    *names: str,
    out: str | Path = "studies-results",
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    seeds: int | None = None,
    quick: bool = False,
    until_decided: bool = False,
    most: int | None = None,
    seconds: float | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
    stop: StopRequest | None = None,
) -> Ran:
    """Run studies: train every cell that is missing, and set the results beside what was published.

    As `digitlab study run`. Killed at any moment, the same call goes on.

    Args:
        names: published studies, or files of your own (.py) that define STUDY; none: every published one, for hours.
        out: the folder of the results.
        engine: "local" (processes on this machine) or "ray" (a cluster).
        address: of a running Ray cluster; None: one is started here.
        workers: processes of the local engine; None: one per processor, and per 2 GB of memory.
        seeds: repeats of each cell; None: as many as the study asks for.
        quick: two epochs at most on a twentieth of the images; kept apart in OUT/quick.
        until_decided: then add seed after seed where they decide most, until each conclusion holds, does not hold, or
            is shown to make no difference that counts.
        most: repeats of a cell at most with ``until_decided``; None: as the study says.
        seconds: stop after this time.
        progress: whether a bar shows how far it is; None: on a terminal and in a notebook.
        listener: a function that is told of everything.
        stop: asked to, it ends after the batches under way.

    Raises:
        UsageError: for a study that does not exist, or wrong settings, before anything is trained.
        StorageError: when results cannot be written; what was kept stays.
        ClusterError: when a cluster does not answer or is gone.
        MissingExtraError: without the extra "train".

    >>> ran = run_study("parameter-counts", out=studies)
    >>> ran.outcomes[0].found == ran.outcomes[0].planned
    True
    """
    stop = stop or StopRequest()
    with following("run_study", progress, listener, stop) as heard:
        return jobs.run_study(
            *names, out=Path(out), engine=engine, address=address, workers=workers, seeds=seeds, quick=quick,
            until_decided=until_decided, most=most, seconds=seconds, listener=heard, stop=stop,
        )  # fmt: skip
