"""Measuring from Python: `evaluate`, `robustness`, `compare`, `label_errors`, `list_runs`, `list_studies`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digitlab import jobs
from digitlab.api.following import described_by, following
from digitlab.errors import UsageError
from digitlab.runs import Run
from digitlab.stopping import StopRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.jobs import Comparison, Evaluation, LabelErrors, RobustnessResult, RunTable
    from digitlab.jobs.events import Listener
    from digitlab.jobs.reporting import Reported
    from digitlab.jobs.studies import StudyList

__all__ = ["compare", "evaluate", "label_errors", "list_runs", "list_studies", "report", "robustness"]


@described_by(jobs.evaluate)
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
    """Evaluate a model on labelled digits, or stored predictions; and write a report.

    As `digitlab evaluate`. The files go into the run folder; for any other model, into a new folder under runs/.

    Args:
        model: a shipped name, a run or its folder, or a file (.onnx, .keras, .h5); None: the shipped reader.
        probabilities: instead of a model, stored predictions: ten numbers per image, as .npz (the array probabilities),
            .npy or .csv; or a run folder.
        labels: their true digits, as .npz (the array labels), .npy or .csv; None: those in the npz.
        logits: the numbers are logits; softmax is applied to them.

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
        raise UsageError("labels and logits are for stored predictions; give their file, too: probabilities=FILE")
    with following("evaluate", progress, listener) as heard:
        if probabilities is not None:
            beside = None if labels is None else Path(labels)
            return jobs.evaluate_predictions(Path(probabilities), beside, logits=logits, out=folder, listener=heard)
        return jobs.evaluate(_named(model), data=data, split=split, tta=tta, out=folder, listener=heard)


def _named(model: Run | str | Path | None) -> str | Path:
    return "reader" if model is None else model.path if isinstance(model, Run) else model


@described_by(jobs.robustness)
def robustness(
    model: Run | str | Path | None = None,
    *,
    images: int = 10_000,
    tta: int = 1,
    out: str | Path | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> RobustnessResult:
    """Evaluate a model under distribution shift: corruptions, rotations, shifts, other writers, images without a digit.

    As `digitlab evaluate --robustness`; takes minutes for all images.

    >>> found = robustness("reader", images=2, out="shifted")
    >>> {each["images"] for each in found.kept["sets"]}
    {2}
    """
    with following("robustness", progress, listener) as heard:
        folder = None if out is None else Path(out)
        return jobs.robustness(_named(model), images=images, tta=tta, out=folder, listener=heard)


@described_by(jobs.compare)
def compare(
    *runs: Run | str | Path,
    each: bool = False,
    out: str | Path | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> Comparison:
    """Compare two or more runs on the same test images: which is better, and is the difference significant?

    As `digitlab compare`. Runs that differ only in the seed are grouped, and recipes compared by the means over their
    seeds (Welch's t test); single runs are compared image by image (McNemar's exact test); many with Holm's correction.

    Args:
        runs: runs or their folders, their evaluations/NAME, or npz files of probabilities and labels.

    >>> found = compare(first, second)
    >>> len(found.ranking.placed), found.ranking.differences[0].method
    (2, 'McNemar')
    """
    with following("compare", progress, listener) as heard:
        folder = None if out is None else Path(out)
        return jobs.compare(*map(_named, runs), each=each, out=folder, listener=heard)


@described_by(jobs.label_errors)
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
    """Find labels that may be wrong: each image is predicted by networks that were not trained on it.

    As `digitlab label-errors`; takes minutes for MNIST.

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


@described_by(jobs.report)
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

    >>> report(first, out="page.html").page.is_file()
    True
    """
    with following("report", progress, listener) as heard:
        page, folder = (None if each is None else Path(each) for each in (out, figures))
        return jobs.report(*map(_named, runs), out=page, figures=folder, dark=dark, listener=heard)


@described_by(jobs.list_studies)
def list_studies(*, out: str | Path | None = None, quick: bool = False) -> StudyList:
    """List the published studies: how long each takes, how much of it is done, and what is still open.

    As `digitlab study list`.

    Args:
        out: the folder of the results; None: the usual one.

    >>> listed = list_studies(out=studies)
    >>> "thesis-dropout" in [each.study for each in listed.studies]
    True
    """
    return jobs.list_studies(quick=quick, **({} if out is None else {"out": Path(out)}))


@described_by(jobs.list_runs)
def list_runs(
    runs: str | Path = "runs", *, where: str | Sequence[str] = (), sort: str = "date", reverse: bool = False
) -> RunTable:
    """List the trainings and evaluations in a folder as a table, sorted and filtered.

    As `digitlab runs`.

    Args:
        runs: the folder of run folders.
        where: conditions that must all hold, e.g. ``"accuracy > 0.99"``, ``"architecture = fast-cnn"``; ``!=``, ``<=``
            and ``>=`` as well; ``~`` is "contains".

    >>> table = list_runs("runs", where="architecture = slides-cnn", sort="accuracy")
    >>> {row["epochs"] for row in table.rows}, table.rows[0]["accuracy"] >= table.rows[-1]["accuracy"]
    ({1}, True)
    """
    return jobs.list_runs(
        Path(runs), where=[where] if isinstance(where, str) else list(where), sort=sort, reverse=reverse
    )
