"""Measuring from Python: `evaluate`, `robustness`, `compare`, `label_errors`, `list_runs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digitlab import jobs
from digitlab.api.following import following
from digitlab.errors import UsageError
from digitlab.runs import Run
from digitlab.stopping import StopRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.jobs import Comparison, Evaluation, LabelErrors, RobustnessResult, RunTable
    from digitlab.jobs.events import Listener
    from digitlab.jobs.reporting import Reported

__all__ = ["compare", "evaluate", "label_errors", "list_runs", "report", "robustness"]


def evaluate(
    model: Run | str | Path | None = None,
    *,
    data: str = "mnist",
    split: str = "test",
    tta: int = 1,
    probabilities: str | Path | None = None,
    labels: str | Path | None = None,
    logits: bool = False,
    out: str | Path | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> Evaluation:
    """Evaluate a model on labelled digits, or stored predictions of anybody; and write a report.

    As `digitlab evaluate`. Of a run folder the files go into it, of anything else into a new folder under runs/.

    Args:
        model: a shipped name, a run or its folder, or a file (.onnx, .keras, .h5); None: the shipped reader.
        data: a named dataset, or a file of labelled images.
        split: train, validation or test; where there is one split only, that.
        tta: average the probabilities over this number of copies of each image, 1 to 19 (test-time augmentation).
        probabilities: instead of a model stored predictions: ten numbers an image, as .npz (the array probabilities),
            .npy or .csv; or a run folder.
        labels: their true digits, as .npz (the array labels), .npy or .csv; None: those in the npz.
        logits: the numbers are logits; softmax is applied to them.
        out: the folder for the files instead.
        progress: whether a bar shows how far it is; None: on a terminal and in a notebook.
        listener: a function that is told of everything.

    Raises:
        ModelError: when there is no such model, or it cannot be opened.
        DatasetError: when there is no such set or split, or files do not hold probabilities and labels.
        UsageError: for a wrong number of copies, or options that exclude each other.
        StorageError: when the files cannot be written.
        MissingExtraError: without the extra "train".

    >>> found = evaluate(first, data="few.npz")
    >>> found.metrics.images, found.metrics.accuracy == load_run(first).read_json(found.run.metrics)["accuracy"]
    (100, True)
    >>> evaluate(probabilities=found.run.predictions, out="again").metrics.accuracy == found.metrics.accuracy
    True
    """
    folder = None if out is None else Path(out)
    if probabilities is not None and (model is not None or (data, split, tta) != ("mnist", "test", 1)):
        raise UsageError("stored predictions are evaluated as they are; leave out model, data, split and tta")
    if probabilities is None and (labels is not None or logits):
        raise UsageError("labels and logits belong to stored predictions; name their file: probabilities=FILE")
    with following("evaluate", progress, listener) as heard:
        if probabilities is not None:
            beside = None if labels is None else Path(labels)
            return jobs.evaluate_predictions(Path(probabilities), beside, logits=logits, out=folder, listener=heard)
        return jobs.evaluate(_named(model), data=data, split=split, tta=tta, out=folder, listener=heard)


def _named(model: Run | str | Path | None) -> str | Path:
    return "reader" if model is None else model.path if isinstance(model, Run) else model


def robustness(
    model: Run | str | Path | None = None,
    *,
    images: int = 10_000,
    tta: int = 1,
    out: str | Path | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> RobustnessResult:
    """Evaluate a model under distribution shift: corruptions, rotations, shifts, other writers, what is no digit.

    As `digitlab evaluate --robustness`; minutes for all images.

    Args:
        model: as `evaluate`.
        images: at most this number of each set, of the 10,000.
        tta: as `evaluate`.
        out: the folder for the files; None: the run folder, or a new one under runs/ for anything else.
        progress: whether a bar shows how far it is; None: on a terminal and in a notebook.
        listener: a function that is told of everything.

    Raises:
        UsageError: for less than one image.
        ModelError: as `evaluate`.
        StorageError: when the files cannot be written.
        MissingExtraError: without the extra "train".

    >>> found = robustness("reader", images=2, out="shifted")
    >>> {each["images"] for each in found.kept["sets"]}
    {2}
    """
    with following("robustness", progress, listener) as heard:
        folder = None if out is None else Path(out)
        return jobs.robustness(_named(model), images=images, tta=tta, out=folder, listener=heard)


def compare(
    *runs: Run | str | Path,
    each: bool = False,
    out: str | Path | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> Comparison:
    """Compare two or more runs on the same test images: which is better, and is the difference significant?

    As `digitlab compare`. Runs that differ in the seed alone are taken together, and recipes compared by the means over
    their seeds (Welch's t test); single runs image by image (McNemar's exact test); many with Holm's correction.

    Args:
        runs: runs or their folders, their evaluations/NAME, or npz files of probabilities and labels.
        each: compare every run by itself, also those that differ in the seed alone.
        out: a folder for pictures: the images that the best and another classify differently.
        progress: whether a bar shows how far it is; None: on a terminal and in a notebook.
        listener: a function that is told of everything.

    Raises:
        UsageError: for fewer than two runs, or one that is given twice.
        RunError: when one is missing, damaged or not done yet.
        DatasetError: when they are not of the same images.
        StorageError: when a picture cannot be written.
        MissingExtraError: without the extra "train".

    >>> found = compare(first, second)
    >>> len(found.ranking.placed), found.ranking.differences[0].method
    (2, 'McNemar')
    """
    with following("compare", progress, listener) as heard:
        folder = None if out is None else Path(out)
        return jobs.compare(*map(_named, runs), each=each, out=folder, listener=heard)


def label_errors(
    data: str = "mnist",
    *,
    split: str | None = None,
    recipe: str | Path = "fast",
    folds: int = 5,
    repeats: int = 1,
    epochs: int | None = None,
    seed: int | None = None,
    most: int = 50,
    out: str | Path | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
    stop: StopRequest | None = None,
) -> LabelErrors | None:
    """Find labels that may be wrong: networks that did not train on an image predict it.

    As `digitlab label-errors`; minutes for MNIST.

    Args:
        data: a named dataset, or a file of labelled images.
        split: list the labels of this split only; the networks learn from all.
        recipe: how to train: a shipped name, or a TOML file.
        folds: number of cross-validation folds; each class needs at least as many images.
        repeats: repeat the cross-validation with other folds this number of times, and average the predictions.
        epochs: None: the recipe's.
        seed: None: the recipe's.
        most: number of labels with pictures, 1 to 500.
        out: the folder for the files; None: a new one under runs/.
        progress: whether a bar shows how far it is; None: on a terminal and in a notebook.
        listener: a function that is told of everything.
        stop: asked to, it ends after the batches under way, with the folds that are done.

    Returns:
        What was found; None when it was stopped before the first fold was done, and nothing is written.

    Raises:
        DatasetError: when there is no such set or split, or a class has fewer images than there are folds.
        UsageError: for wrong numbers, or a folder that holds a training.
        RecipeError: when there is no such recipe.
        StorageError: when the files cannot be written.
        MissingExtraError: without the extra "train".

    >>> found = label_errors("few.npz", folds=2, epochs=1, most=3)
    >>> len(found.kept["labels"]), found.run.label_errors_table.is_file()
    (3, True)
    """
    stop = stop or StopRequest()
    with following("label_errors", progress, listener, stop) as heard:
        return jobs.label_errors(
            data, split=split, recipe=recipe, folds=folds, repeats=repeats, epochs=epochs, seed=seed, most=most,
            out=None if out is None else Path(out), listener=heard, stop=stop,
        )  # fmt: skip


def report(
    *runs: Run | str | Path,
    out: str | Path | None = None,
    figures: str | Path | None = None,
    dark: bool = False,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> Reported:
    """Write a page about a run from its files, or one page that compares several; and its figures as files.

    As `digitlab report`.

    Args:
        runs: a run or its folder, or several.
        out: the page's file; None: report.html in the run folder and, for several, comparison-<time>.html beside it.
        figures: a folder into which each figure is written too, as NAME.png and NAME.svg.
        dark: those figures with light lines on a dark background.
        progress: whether a bar shows how far it is; None: on a terminal and in a notebook.
        listener: a function that is told of everything.

    Raises:
        UsageError: for no run, or ``dark`` without ``figures``.
        RunError: when a run is missing, damaged or not done yet.
        StorageError: when a file cannot be written.
        MissingExtraError: without the extra "train".

    >>> report(first, out="page.html").page.is_file()
    True
    """
    with following("report", progress, listener) as heard:
        page, folder = (None if each is None else Path(each) for each in (out, figures))
        return jobs.report(*map(_named, runs), out=page, figures=folder, dark=dark, listener=heard)


def list_runs(
    runs: str | Path = "runs", *, where: str | Sequence[str] = (), sort: str = "date", reverse: bool = False
) -> RunTable:
    """The trainings and evaluations in a folder as a table, sorted and filtered.

    As `digitlab runs`.

    Args:
        runs: the folder.
        where: conditions that all hold, e.g. ``"accuracy > 0.99"``, ``"architecture = fast-cnn"``; ``!=``, ``<=`` and
            ``>=`` as well; ``~`` is "contains".
        sort: the column to sort by: date, name, accuracy, loss, seconds, or a setting.
        reverse: the other way round.

    Raises:
        UsageError: for a condition or a column that cannot be understood.
        RunError: when there is no such folder.

    >>> table = list_runs("runs", where="architecture = slides-cnn", sort="accuracy")
    >>> {row["epochs"] for row in table.rows}, table.rows[0]["accuracy"] >= table.rows[-1]["accuracy"]
    ({1}, True)
    """
    return jobs.list_runs(
        Path(runs), where=[where] if isinstance(where, str) else list(where), sort=sort, reverse=reverse
    )
