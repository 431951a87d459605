"""`digitlab label-errors`."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.waiting import Waiting, loading

if TYPE_CHECKING:
    from digitlab.datasets import Dataset
    from digitlab.datasets.labelled import Whole
    from digitlab.evaluation.label_errors import LabelRanking
    from digitlab.runs import Run
    from digitlab.training import TrainingConfig
    from digitlab.training.out_of_fold import OutOfFold
    from digitlab.values import Digits

__all__ = ["label_errors"]

_COLUMNS = ("split", "row", "given", "guess", "score")
_MOST = 500  # pictures
_SHOWN = 10  # labels in the terminal
_WEAK = 0.95  # right out of fold; below, many an image is suspicious only because the networks are no good
_FIRST = (15, 30, 50)  # of MNIST's test labels: how many of the doubtful ones stand among them


def label_errors(
    data: str = "mnist",
    /,
    *,
    split: str | None = None,
    recipe: Path = Path("fast"),
    folds: int = 5,
    repeats: int = 1,
    epochs: int | None = None,
    seed: int | None = None,
    most: int = 50,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Find labels that may be wrong, by out-of-fold predictions: networks that did not train on an image predict it.

    The images of all splits are divided into folds; for each a network is trained on the others. Writes pictures of the
    most suspicious labels, a table of all for which another digit is more probable, and the out-of-fold predictions.
    For MNIST's test labels, says how many of the fifteen that people doubted are among the first.
    With the recipe fast and five folds, MNIST takes about a minute. Ctrl-C keeps the folds that are done.

    For example:
    digitlab label-errors mnist --split test
    digitlab label-errors scans.h5 --folds 10 --epochs 20 --out suspicious

    Args:
        data: A dataset of `digitlab data list`, or a file of labelled images in any format.
        split: List the labels of this split only; the networks learn from all.
        recipe: How to train: a shipped name (fast, reader), or a TOML file as for `digitlab train`.
        folds: Number of cross-validation folds. Each class needs at least as many images.
        repeats: Repeat the cross-validation with other folds this number of times, and average the predictions.
        epochs: Default: the recipe's; a set of some thousand images needs more than MNIST.
        seed: Default: the recipe's.
        most: Number of labels with pictures, 1 to 500.
        out: Write the files into this folder instead of a new one under runs/.
        json: The result as one JSON object.
    """
    from digitlab.datasets import find_dataset
    from digitlab.datasets.labelled import whole_of
    from digitlab.errors import UsageError
    from digitlab.evaluation.label_errors import rank_labels
    from digitlab.runs import Run

    if out is not None and Run(out).config.is_file():
        raise UsageError(f"--out {out}: holds a training, whose metrics would be overwritten; name another folder")
    if not 1 <= most <= _MOST:
        raise UsageError(f"--most is {most}; expected 1 to {_MOST}")
    dataset = find_dataset(data)
    if split is not None:
        dataset.expect_split(split)
    images = whole_of(dataset)
    changes = {"epochs": epochs, "seed": seed}
    training, asked = _ask_networks(dataset, images.digits, recipe, changes, folds=folds, repeats=repeats)
    ranking = rank_labels(asked.probabilities, images.digits.labels[asked.rows], asked.rows)
    about = {
        "data": data, "split": split or "all", "recipe": str(recipe), "folds": folds, "repeats": repeats,
        "epochs": training.epochs, "seed": training.seed, "networks": asked.networks,
    }  # fmt: skip
    run = _folder(data, out)
    accuracy = _keep_answers(run, about, images.digits[asked.rows], asked)
    listed = ranking if split is None else ranking.among(images.rows_of(split))
    with Waiting() as step:
        step("drawing the most suspicious labels")
        _write_list(run, images, listed, most)
    content = {
        **about,
        "images": len(asked.rows),
        "accuracy": accuracy,
        "suspicious": listed.suspicious,
        "doubtful_found": _doubtful_found(images, ranking),
        "labels": _as_rows(images, listed, most),
    }
    run.write_json(run.label_errors, content)
    if json:
        say_json({"run": str(run.path), **content})
        return 0
    _show(content)
    advise(f"look at {run.label_errors_plot}")
    say(str(run.path))
    return 0


def _ask_networks(
    dataset: Dataset, digits: Digits, recipe: Path, changes: dict[str, Any], *, folds: int, repeats: int
) -> tuple[TrainingConfig, OutOfFold]:
    with loading():
        from digitlab.apps.cli.interrupts import stopping_on_interrupt
        from digitlab.apps.cli.training_view import TrainingView
        from digitlab.errors import DatasetError
        from digitlab.training import StopRequest, find_recipe, with_options
        from digitlab.training.out_of_fold import out_of_fold

    training = with_options(find_recipe(recipe), changes)
    if dataset.form == "sobel" and "realtime" in training.augmentation.split("+"):
        raise DatasetError(f"{dataset.name} holds Sobel images; {recipe} makes them itself (augmentation realtime)")
    stop = StopRequest()
    with stopping_on_interrupt(stop), TrainingView() as view:
        asked = out_of_fold(training, digits, folds=folds, repeats=repeats, listener=view, stop=stop)
    if stop.asked:
        advise(
            f"interrupted after {asked.networks} of {folds * repeats} networks: "
            f"{len(asked.rows):,} of {len(digits):,} images have a prediction"
        )
    if not asked.networks:
        advise("nothing is written")
        raise KeyboardInterrupt
    return training, asked


def _folder(data: str, out: Path | None) -> Run:
    from digitlab.runs import Run
    from digitlab.storage import saying_what_failed

    if out is None:
        return Run.create(f"label-errors-{Path(data).stem}")
    with saying_what_failed(out, "make"):
        out.mkdir(parents=True, exist_ok=True)
    return Run(out)


def _keep_answers(run: Run, about: dict[str, Any], digits: Digits, asked: OutOfFold) -> float:
    """The networks' answers and their metrics, as of any evaluation; returns the accuracy."""
    from digitlab.evaluation import keep, measure

    metrics = measure(asked.probabilities, digits.labels)
    model = f"{asked.networks} networks of {about['recipe']}, out of fold"
    keep(run, metrics, asked.probabilities, digits, {"model": model, "data": about["data"], "split": "all"})
    return metrics.accuracy


def _as_rows(images: Whole, ranking: LabelRanking, count: int) -> list[dict[str, Any]]:
    """The first so many labels, each with its place."""
    rows = zip(ranking.rows, ranking.given, ranking.guesses, ranking.scores, strict=True)
    return [
        dict(zip(_COLUMNS, (*images.place(int(row)), int(given), int(guess), float(score)), strict=True))
        for row, given, guess, score in itertools.islice(rows, count)
    ]


def _write_list(run: Run, images: Whole, listed: LabelRanking, most: int) -> None:
    from digitlab.reports.figures import save_figure
    from digitlab.reports.robustness_figures import label_errors_figure

    suspicious = _as_rows(images, listed, listed.suspicious)
    run.write_table(run.label_errors_table, _COLUMNS, [tuple(each.values()) for each in suspicious])
    shown = _as_rows(images, listed, most)
    figure = label_errors_figure(
        images.digits.images[listed.rows[:most]],
        [each["given"] for each in shown],
        [each["guess"] for each in shown],
        [each["score"] for each in shown],
        [f"{each['split']} {each['row']}" for each in shown],
    )
    save_figure(figure, run.label_errors_plot)


def _doubtful_found(images: Whole, ranking: LabelRanking) -> dict[int, int] | None:
    """How many of MNIST's doubtful test labels stand among the first of its test labels; None for other sets."""
    from digitlab.evaluation.doubtful import DOUBTFUL, are_mnists_test_labels
    from digitlab.evaluation.label_errors import found_among

    for split in images.sizes:
        rows = images.rows_of(split)
        if are_mnists_test_labels(images.digits.labels[rows]):
            return found_among(ranking.among(rows).rows, {rows[0] + row for row in DOUBTFUL}, _FIRST)
    return None


def _show(content: dict[str, Any]) -> None:
    say(f"{content['images']:,} images, out-of-fold accuracy {100 * content['accuracy']:.2f} %")
    of = "" if content["split"] == "all" else f" in the split {content['split']}"
    say(f"suspicious labels{of}, for which another digit is more probable: {content['suspicious']:,}")
    if content["doubtful_found"] is not None:
        counts = ", ".join(f"{found} among the first {first}" for first, found in content["doubtful_found"].items())
        say(f"of the 15 test labels that people doubted: {counts}")
    if content["accuracy"] < _WEAK:
        advise("the out-of-fold accuracy is low; with more --epochs or another --recipe the list gets better")
    rows = [
        [f"{each['split']} {each['row']}", each["given"], each["guess"], f"{each['score']:+.3f}"]
        for each in content["labels"][:_SHOWN]
    ]
    say(table(["image", "label", "predicted", "margin"], rows))
