"""Several run folders → one page that compares them, with significance tests."""

from __future__ import annotations

import contextlib
import itertools
import re
import shlex
import string
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DigitlabError, RunError, UsageError
from digitlab.evaluation.answers import by_recipe, distinct, expect_same_images, group_names, printable, read_answers
from digitlab.evaluation.comparison import Contestant, in_words, rank
from digitlab.evaluation.paired import disagreements
from digitlab.reports.facts import facts_of, numbers_of, percent
from digitlab.reports.records import Record
from digitlab.reports.rendering import picture, render, svg
from digitlab.reports.run_figures import Drawing
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.evaluation.answers import Answers
    from digitlab.evaluation.comparison import Ranking
    from digitlab.runs import Run
    from digitlab.values import Digits

__all__ = ["Pictures", "comparison_drawings", "comparison_path", "disputes_of", "images_of", "write_comparison"]

_ALL_PAIRS = 6  # of four runs; with more, only comparisons with the best and with the run ranked before are in words
_MOST_DISPUTES = 3  # pairs whose differing predictions are shown
_MOST_NAMES, _LONGEST_NAME = 8, 22  # in a legend
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d-\d{6}-")  # the start of a run folder's name


def comparison_path(runs: Sequence[Run]) -> Path:
    """The default place of a comparison: beside the first run, named by date and time."""
    return runs[0].path.resolve().parent / f"comparison-{datetime.now():%Y-%m-%d-%H%M%S}.html"


def write_comparison(runs: Sequence[Run], out: Path) -> None:
    """Write one page about two or more runs.

    Where the predictions are not for the same images, the metrics are listed without a significance test.

    Raises:
        UsageError: for fewer than two runs, or the same run twice.
        RunError: when one has no metrics or predictions, or a file is damaged.
        StorageError: when the page cannot be written.
    """
    if len({run.path.resolve() for run in runs}) < max(2, len(runs)):
        raise UsageError(f"{len(runs)} runs to compare, not all different; expected two or more different run folders")
    records = [Record.read(run) for run in runs]
    answers = [read_answers(run.path) for run in runs]
    names, letters = [record.name for record in records], _letters(len(runs))
    drawings = comparison_drawings(records)
    page = render(
        "comparison.html",
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
        runs=[
            {
                "letter": letter,
                "name": name,
                "facts": facts_of(record.config, record.environment, []),
                "metrics": record.metrics,
            }
            for letter, name, record in zip(letters, names, records, strict=True)
        ],
        numbers=_numbers(records),
        chance=_chance(answers, _labels(records)),
        figures={name: svg(name, drawing) for name, drawing in drawings.items()},
        digits=_digits(records),
        command=shlex.join(["digitlab", "report", *(str(run.path) for run in runs)]),
    )
    write_text(out, page)


def comparison_drawings(records: Sequence[Record]) -> dict[str, Drawing]:
    """The figures of several runs: learning curves, where any was trained here, and recall and precision by digit."""
    from digitlab.reports import figures

    labels = _labels(records)
    histories = dict(zip(labels, (record.history for record in records), strict=True))
    drawings = {}
    for column in ("loss", "accuracy", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy"):
        if any(np.isfinite(history.get(column, [])).any() for history in histories.values()):
            shows = f"{column.replace('_', ' ')} of the runs over epochs"
            drawings[column.replace("_", "-")] = Drawing(shows, partial(figures.runs_figure, histories, column))
    for name in ("recall", "precision"):
        shares = dict(zip(labels, (record.metrics[name] for record in records), strict=True))
        drawings[name] = Drawing(
            f"{name} of each digit of the runs", partial(figures.runs_by_digit_figure, shares, name)
        )
    return drawings


def _letters(count: int) -> list[str]:
    """Names for runs: A, B …; numbers where letters do not suffice."""
    return list(string.ascii_uppercase[:count]) if count <= 26 else [str(number) for number in range(1, count + 1)]


def _labels(records: Sequence[Record]) -> list[str]:
    """Legend labels: a letter and the shortened name, without the time, as the letter makes it unique."""
    letters, names = _letters(len(records)), [_STAMP.sub("", printable(record.name)) for record in records]
    if len(records) > _MOST_NAMES:
        return letters
    cut = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in names]
    return [f"{letter} {name}" for letter, name in zip(letters, cut, strict=True)]


def _numbers(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row per metric that any run has, one cell per run (None where missing); the best is marked."""
    by_key = [{row["number"].key: row for row in numbers_of(record.metrics)} for record in records]
    rows = []
    for key in dict.fromkeys(itertools.chain(*by_key)):
        cells = [each.get(key) for each in by_key]
        known_cells = [cell for cell in cells if cell is not None]
        number = known_cells[0]["number"]
        best = number.best([cell["value"] for cell in known_cells]) if len(known_cells) > 1 else None
        rows.append({"number": number, "cells": cells, "best": best})
    return rows


def _digits(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row per digit: the first run's recall, and the differences of the others; None where undefined."""
    recalls = [[record.metrics["recall"][digit] for record in records] for digit in range(10)]
    return [
        {"recall": first, "differences": [None if None in (each, first) else 100 * (each - first) for each in rest]}
        for first, *rest in recalls
    ]


def _chance(answers: Sequence[Answers], labels: Sequence[str]) -> dict[str, Any]:
    """The ranking, the comparisons in words, and the images with different predictions; or why there is no ranking."""
    try:
        expect_same_images(answers)
    except RunError as error:
        return {"refused": str(error), "disputes": []}
    indices = {id(each): index for index, each in enumerate(answers)}
    letters, recipes = _letters(len(answers)), by_recipe(answers)
    groups = [[each] for each in answers] if len(recipes) == 1 else [distinct(recipe)[0] for recipe in recipes]
    names = [
        labels[indices[id(group[0])]] if len(group) == 1 else f"{_joined(letters, group, indices)} {name}"
        for name, group in zip(group_names(groups), groups, strict=True)
    ]
    contestants = [
        Contestant(name, tuple(each.probabilities for each in group)) for name, group in zip(names, groups, strict=True)
    ]
    ranking = rank(contestants, answers[0].labels)
    best = groups[names.index(ranking.placed[0].name)][0]
    return {
        "refused": "",
        "images": answers[0].images,
        "placed": [_placed_row(each) for each in ranking.placed],
        "sentences": _sentences(ranking),
        "single": all(len(group) == 1 for group in groups),
        "disputes": _disputes(answers, indices[id(best)]),
    }


def _joined(letters: Sequence[str], group: Sequence[Answers], indices: dict[int, int]) -> str:
    """The letters of one recipe's runs."""
    return ", ".join(letters[indices[id(each)]] for each in group)


def _placed_row(placed: Any) -> dict[str, Any]:
    best, worst = placed.places
    low, high = placed.accuracy_interval
    return {
        "name": placed.name,
        "place": str(best) if best == worst else f"{best}–{worst}",
        "seeds": len(placed.accuracy.values),
        "accuracy": percent(placed.accuracy.mean),
        "interval": f"{percent(low)} to {percent(high)}",
        "loss": f"{placed.loss.mean:.4f}",
    }


def _sentences(ranking: Ranking) -> list[dict[str, Any]]:
    order = [placed.name for placed in ranking.placed]
    sentences = []
    for difference in ranking.differences:
        near = order.index(difference.second) - order.index(difference.first) == 1
        if len(ranking.differences) <= _ALL_PAIRS or near or difference.first == order[0]:
            sentences.append({"text": in_words(difference), "shown": difference.shown})
    return sentences


def _disputes(answers: Sequence[Answers], best: int) -> list[dict[str, Any]]:
    """The images for which the best and another run have different predictions."""
    pictures = Pictures(answers)
    others = [index for index in range(len(answers)) if index != best][:_MOST_DISPUTES]
    return [
        {"first": best, "second": other, "kinds": disputes_of(answers[best], answers[other], pictures)}
        for other in others
    ]


_MOST = 14  # images per group


class Pictures:
    """Images by row: those stored with the runs' errors, else from the dataset that they name."""

    def __init__(self, answers: Sequence[Answers]) -> None:
        """Take the stored images of runs with predictions for the same images."""
        self._answers = answers[0]
        self._kept: dict[int, NDArray[np.uint8]] = {}
        self._all: NDArray[np.uint8] | None = None
        self._looked = False
        for each in answers:
            self._kept.update(each.pictures)

    def of(self, row: int) -> NDArray[np.uint8] | None:
        """uint8 (28, 28), or None where the dataset is unknown, missing or has changed."""
        if row in self._kept:
            return self._kept[row]
        if not self._looked:
            self._looked = True
            with contextlib.suppress(DigitlabError):
                self._all = images_of(self._answers).images
        return None if self._all is None else self._all[row]


def images_of(answers: Answers) -> Digits:
    """The test images, from the dataset that the run names.

    Raises:
        DigitlabError: when none is named, or it cannot be found, or has changed.
    """
    from digitlab.datasets import find_dataset

    if answers.data is None:
        raise RunError(f"{answers.name} does not record its dataset")
    dataset = find_dataset(answers.data)
    digits = dataset.split(dataset.splits[0] if len(dataset.splits) == 1 else answers.split or "test")
    if not np.array_equal(digits.labels, answers.labels):
        raise RunError(f"the labels of {answers.data} have changed")
    return digits


def disputes_of(first: Answers, second: Answers, pictures: Pictures) -> list[dict[str, Any]]:
    """Group the images predicted differently by who is right: count, and the most different, with both predictions."""
    predictions = first.probabilities.argmax(axis=1), second.probabilities.argmax(axis=1)
    groups = []
    for kind, rows in disagreements(first.probabilities, second.probabilities, first.labels).items():
        shown = []
        for row in rows[:_MOST].tolist():
            image = pictures.of(row)
            shown.append(
                {
                    "number": row,
                    "truth": int(first.labels[row]),
                    "answers": [int(answers[row]) for answers in predictions],
                    "picture": None if image is None else picture(255 - image),
                }
            )
        groups.append({"kind": kind, "count": len(rows), "shown": shown})
    return groups
