"""Find labels that may be wrong, by out-of-fold predictions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from digitlab.errors import DatasetError, UsageError, counted
from digitlab.jobs.evaluation import folder_for
from digitlab.jobs.events import Note, Work, ignore, loading
from digitlab.runs import Run
from digitlab.settings import Range, Setting, checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.datasets import Dataset
    from digitlab.datasets.catalogue import Whole
    from digitlab.evaluation.label_errors import LabelRanking
    from digitlab.jobs.events import Listener
    from digitlab.training import StopRequest, TrainingConfig
    from digitlab.training.out_of_fold import OutOfFold
    from digitlab.values import Digits

__all__ = ["LabelErrors", "label_errors"]

_COLUMNS = ("split", "row", "given", "guess", "score")
_FIRST = (15, 30, 50)  # lengths of the beginning of the ranking in which MNIST's doubtful test labels are counted


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """Results of a search for wrong labels, and the folder with its files.

    ranking: the labels of the requested split, most suspicious first
    kept: the content of `label-errors.json`
    """

    run: Run
    ranking: LabelRanking
    kept: Mapping[str, Any]


@checked
def label_errors(
    data: str = "mnist",
    *,
    split: str | None = None,
    recipe: str | Path = "fast",
    folds: int = 5,
    repeats: int = 1,
    epochs: int | None = None,
    seed: int | None = None,
    most: Annotated[int, Setting(within=Range(1, 500))] = 50,
    out: Path | None = None,
    listener: Listener = ignore,
    stop: StopRequest | None = None,
) -> LabelErrors | None:
    """Find labels that may be wrong: each image is predicted by networks that were not trained on it.

    The images of all splits are divided into folds; for each fold, a network is trained on the others. The folder gets
    pictures of the most suspicious labels, a table of all labels for which another digit is more probable, and the
    out-of-fold predictions.

    Args:
        data: a dataset from `digitlab data list`, or a file of labelled images in any format.
        split: list only the labels of this split; the networks still learn from all.
        recipe: how to train: a shipped name (fast, reader), or a TOML file as for `digitlab train`.
        folds: number of cross-validation folds. Each class needs at least as many images.
        repeats: repeat the cross-validation this many times with other folds, and average the predictions.
        epochs: default: the recipe's; a dataset of a few thousand images needs more than MNIST.
        seed: default: the recipe's.
        most: number of labels to draw.
        out: write the files into this folder instead of a new one under runs/.
        listener: called with the events of the trainings (`digitlab.training.events`), `Work` and `Note`.
        stop: if called, it ends after the batches under way, with the folds done so far.

    Returns:
        The results; None, and nothing written, if it was stopped before the first fold was done.

    Raises:
        DatasetError: if there is no such dataset or split, or a class has fewer images than there are folds.
        UsageError: for wrong numbers, or a folder that holds a training.
        RecipeError: if there is no such recipe.
        StorageError: if the files cannot be written.
    """
    from digitlab.datasets import find_dataset
    from digitlab.datasets.catalogue import whole_of

    if out is not None and Run(out).config.is_file():
        raise UsageError(f"{out}: contains a training, whose metrics would be overwritten; choose another folder")
    dataset = find_dataset(data)
    if split is not None:
        dataset.expect_split(split)
    images = whole_of(dataset)
    training = _training(dataset, recipe, {"epochs": epochs, "seed": seed})
    predicted = _predict_out_of_fold(training, images.digits, folds, repeats, listener, stop)
    if not predicted.networks:
        return None
    about = {
        "data": data, "split": split or "all", "recipe": str(recipe), "folds": folds, "repeats": repeats,
        "epochs": training.epochs, "seed": training.seed, "networks": predicted.networks,
    }  # fmt: skip
    return _listed(folder_for(f"label-errors-{Path(data).stem}", out), images, predicted, about, split, most, listener)


def _listed(
    run: Run,
    images: Whole,
    predicted: OutOfFold,
    about: Mapping[str, Any],
    split: str | None,
    most: int,
    listener: Listener,
) -> LabelErrors:
    """Rank the labels by the networks' predictions, and keep predictions, table and pictures in ``run``."""
    from digitlab.evaluation.label_errors import rank_labels

    ranking = rank_labels(predicted.probabilities, images.digits.labels[predicted.rows], predicted.rows)
    accuracy = _store_predictions(run, about, images.digits[predicted.rows], predicted)
    listed = ranking if split is None else ranking.among(images.rows_of(split))
    listener(Work("drawing the most suspicious labels"))
    _write_list(run, images, listed, most)
    kept = {
        **about,
        "images": len(predicted.rows),
        "accuracy": accuracy,
        "suspicious": listed.suspicious,
        "doubtful_found": _doubtful_found(images, ranking),
        "labels": _as_rows(images, listed, most),
    }
    run.write_json(run.label_errors, kept)
    return LabelErrors(run, listed, kept)


def _training(dataset: Dataset, recipe: str | Path, changes: Mapping[str, Any]) -> TrainingConfig:
    from digitlab.training import find_recipe, with_options

    training = with_options(find_recipe(Path(recipe)), changes)
    if dataset.form == "sobel" and "realtime" in training.augmentation.split("+"):
        raise DatasetError(
            f"{dataset.name} contains Sobel images; {recipe} makes them itself from grey ones (augmentation realtime)"
        )
    return training


def _predict_out_of_fold(
    training: TrainingConfig, digits: Digits, folds: int, repeats: int, listener: Listener, stop: StopRequest | None
) -> OutOfFold:
    listener(loading())
    from digitlab.training.out_of_fold import out_of_fold

    predicted = out_of_fold(training, digits, folds=folds, repeats=repeats, listener=listener, stop=stop)
    if predicted.networks < folds * repeats:
        listener(
            Note(
                f"interrupted after {predicted.networks} of {folds * repeats} networks: "
                f"{len(predicted.rows):,} of {len(digits):,} images have a prediction"
            )
        )
    return predicted


def _store_predictions(run: Run, about: Mapping[str, Any], digits: Digits, predicted: OutOfFold) -> float:
    """Keep the networks' predictions and their metrics, as for any evaluation; return the accuracy."""
    from digitlab.evaluation import keep, measure

    metrics = measure(predicted.probabilities, digits.labels)
    model = f"{counted(predicted.networks, 'network')} of {about['recipe']}, out of fold"
    keep(run, metrics, predicted.probabilities, digits, {"model": model, "data": about["data"], "split": "all"})
    return metrics.accuracy


def _as_rows(images: Whole, ranking: LabelRanking, count: int) -> list[dict[str, Any]]:
    """Return the first ``count`` labels, each with its split and row."""
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
    """Count MNIST's doubtful test labels among the first of the ranking of its test labels; None for other datasets."""
    from digitlab.evaluation.doubtful import DOUBTFUL, are_mnists_test_labels
    from digitlab.evaluation.label_errors import found_among

    for split in images.sizes:
        rows = images.rows_of(split)
        if are_mnists_test_labels(images.digits.labels[rows]):
            return found_among(ranking.among(rows).rows, {rows[0] + row for row in DOUBTFUL}, _FIRST)
    return None
