"""The images for which two runs have different predictions, as pictures."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DigitlabError, RunError
from digitlab.evaluation.paired import disagreements
from digitlab.reports.rendering import picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.evaluation.answers import Answers
    from digitlab.values import Digits

__all__ = ["Pictures", "disputes_of", "images_of"]

_MOST = 14  # images per group


class Pictures:
    """Images by row: those stored with the runs' errors, else from the dataset that they name."""

    def __init__(self, answers: Sequence[Answers]) -> None:
        """For runs with predictions for the same images."""
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
    """Grouped by who is right: the number of images, and those with the largest difference, with both predictions."""
    said = first.probabilities.argmax(axis=1), second.probabilities.argmax(axis=1)
    found = []
    for kind, rows in disagreements(first.probabilities, second.probabilities, first.labels).items():
        shown = []
        for row in rows[:_MOST].tolist():
            image = pictures.of(row)
            shown.append(
                {
                    "number": row,
                    "truth": int(first.labels[row]),
                    "answers": [int(answers[row]) for answers in said],
                    "picture": None if image is None else picture(255 - image),
                }
            )
        found.append({"kind": kind, "count": len(rows), "shown": shown})
    return found
