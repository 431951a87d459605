"""The images of a transfer: the training images, often few, and those that the result is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import find_dataset, hold_out
from digitlab.datasets.files import WHOLE
from digitlab.datasets.transforms import sobel_images
from digitlab.errors import DatasetError, UsageError, counted
from digitlab.values import Digits

if TYPE_CHECKING:
    from digitlab.datasets import Dataset

__all__ = ["TransferData", "transfer_data"]

_HELD_OUT = 0.2  # fraction of each class, for a set without test images


@dataclass(frozen=True, slots=True)
class TransferData:
    """The training and test images of a transfer, in the form that the network takes.

    tested_on: a description of the test images: a set's name, or which images of one set they are
    """

    train: Digits
    test: Digits
    name: str
    tested_on: str


def transfer_data(
    name: str, *, form: str = "grey", test: str | None = None, per_class: int | None = None, seed: int = 0
) -> TransferData:
    """Load the images of a named set, or of a file or folder of labelled images.

    A set with a single split, such as a folder of one's own digits, is divided: ``per_class`` images of each class are
    for training and the rest for testing; without ``per_class``, the last fifth of each class is for testing.

    Args:
        name: the set.
        form: the form that the network takes; grey images become Sobel images if it takes those.
        test: another set whose test images the result is measured on.
        per_class: the number of training images of each class, drawn with ``seed``; None: all.
        seed: decides which images are drawn.

    Raises:
        DatasetError: for an unknown set or a damaged file, images of one class only, a class with too few images, or
            none left to measure on.
        UsageError: for Sobel images where the network takes grey ones.
    """
    data = find_dataset(name)
    whole = data.splits == (WHOLE,)
    pool = data.split(WHOLE if whole else _training_split(data))
    _expect_classes(pool, data.name)
    if per_class is not None:
        train, rest = _draw(pool, per_class, seed, data.name)
    elif whole and test is None:
        train, rest = hold_out(pool, _HELD_OUT)
    else:
        train, rest = pool, pool[:0]
    test_images, tested_on, tested_form = _test_images(data, rest, test, whole=whole)
    return TransferData(
        _in_form(train, data.form, form), _in_form(test_images, tested_form, form), data.name, tested_on
    )


def _training_split(data: Dataset) -> str:
    data.expect_split("train")
    return "train"


def _test_images(data: Dataset, rest: Digits, test: str | None, *, whole: bool) -> tuple[Digits, str, str]:
    other = find_dataset(test) if test else data
    if whole and test is None:
        if not len(rest):
            raise DatasetError(
                f"{data.name}: all images are trained on and none are left for testing; give others, e.g. "
                "--test mnist, or use a smaller --per-class"
            )
        return rest, f"{data.name}, the rest", data.form
    split = "test" if "test" in other.splits else other.splits[0]
    if split != "test" and (test is None or len(other.splits) > 1):
        raise DatasetError(f"{other.name} has no test images; name a set or file that has some, e.g. --test mnist")
    return other.split(split), other.name, other.form


def _expect_classes(digits: Digits, name: str) -> None:
    classes = np.unique(digits.labels)
    if len(classes) < 2:
        content = f"images of class {classes[0]} only" if len(classes) else "no images"
        raise DatasetError(f"{name} contains {content}; expected images of two or more classes")


def _draw(pool: Digits, per_class: int, seed: int, name: str) -> tuple[Digits, Digits]:
    """Draw ``per_class`` images of each class that occurs; return them and the rest, both in the order of the set."""
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(pool), np.bool_)
    for label in np.unique(pool.labels):
        rows = np.flatnonzero(pool.labels == label)
        if len(rows) < per_class:
            raise DatasetError(
                f"{name} has {counted(len(rows), 'training image')} of class {label}; "
                f"expected at least {per_class}, as "
                "--per-class asks: use a smaller number or more images"
            )
        chosen[rng.permutation(rows)[:per_class]] = True
    return pool[np.flatnonzero(chosen)], pool[np.flatnonzero(~chosen)]


def _in_form(digits: Digits, form: str, model_form: str) -> Digits:
    if form == model_form:
        return digits
    if model_form == "grey":
        raise UsageError("these are Sobel images, but the model takes grey ones; expected another --data or --test")
    return Digits(sobel_images(digits.images), digits.labels)
