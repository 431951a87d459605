"""The images of a training: from a dataset or a file, with held-out validation images, in memory or read on demand."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import find_dataset, hold_out
from digitlab.datasets.files import WHOLE
from digitlab.datasets.formats import RowSource
from digitlab.datasets.ood.training_images import draw_distractors
from digitlab.datasets.shuffling import InFile, InMemory
from digitlab.errors import DatasetError, UsageError, counted
from digitlab.training.augmentation import augmentation
from digitlab.values import NONE, Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from digitlab.datasets import Dataset
    from digitlab.datasets.shuffling import Shuffled
    from digitlab.training.config import TrainingConfig

__all__ = [
    "TrainingData", "open_training_data", "split_validation", "training_split", "watched_images", "with_distractors",
]  # fmt: skip

_FEW = 10_000  # images: a file of no more is read at once to hold some out; whole chunks of it would be too coarse


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The data of a training.

    train: may be read from a file
    validation, test: in memory, or memory-mapped
    tested_on: the name of the test images' dataset
    form: "grey", or "sobel" where the network sees Sobel images
    """

    train: Shuffled
    validation: Digits | None
    test: Digits
    tested_on: str
    form: str


@contextlib.contextmanager
def open_training_data(
    training: TrainingConfig, find: Callable[[str], Dataset] = find_dataset
) -> Iterator[TrainingData]:
    """Open the images that ``training`` names; a file of rows (HDF5, raw IDX) is read on demand, and closed on exit.

    find: looks up a dataset by name or path; studies return a part of it, or one that another machine sent

    Raises:
        DatasetError: for an unknown dataset or a damaged file, when early stopping has no validation images, or when
            there are no test images.
        UsageError: for incompatible settings, or a validation share that leaves no image to train or to validate on.
    """
    data = find(training.dataset)
    to_network_input = augmentation(training.augmentation).to_network_input
    with contextlib.ExitStack() as stack:
        train, validation = _train_and_validation(training, data, stack)
        if not len(train) or (validation is not None and not len(validation)):
            empty = "validation" if len(train) else "training"
            raise DatasetError(f"{data.name} has no {empty} images; expected at least one")
        if validation is None and training.patience is not None:
            raise DatasetError(
                f"early stopping needs validation images, and {data.name} has none; "
                "hold some out, e.g. --validation 0.2"
            )
        tested_on, test = _test_images(training, data, find)
        if to_network_input is not None:
            if data.form == "sobel":
                raise DatasetError(
                    f"{data.name} contains Sobel images; the augmentation {training.augmentation!r} makes them itself "
                    "from grey ones"
                )
            if training.tta > 1:
                raise UsageError(
                    f"tta is {training.tta}, which moves images before {training.augmentation!r} makes Sobel images of "
                    "them: measure the run afterwards, digitlab evaluate RUN --tta N"
                )
            test = Digits(to_network_input(test.images), test.labels)
            validation = validation and Digits(to_network_input(validation.images), validation.labels)
        yield TrainingData(train, validation, test, tested_on, "sobel" if to_network_input else data.form)


def watched_images(training: TrainingConfig, data: TrainingData) -> Digits | None:
    """Return the test images if their learning curve is requested and no held-out images give one, else None."""
    return data.test if training.watch == "test" and data.validation is None else None


def split_validation(digits: Digits, fraction: float) -> tuple[Digits, Digits | None]:
    """Hold out the last ``fraction`` of each class for validation; 0: none.

    Raises:
        UsageError: when no image would be left to train on, or none to validate on.
    """
    if not fraction:
        return digits, None
    train, held_out = hold_out(digits, fraction)
    if not len(train) or not len(held_out):
        raise UsageError(
            f"validation is {fraction:g}, which of {counted(len(digits), 'image')} leaves none to "
            f"{'validate' if len(train) else 'train'} on; expected a share that leaves some for both"
        )
    return train, held_out


def _train_and_validation(
    training: TrainingConfig, data: Dataset, stack: contextlib.ExitStack
) -> tuple[Shuffled, Digits | None]:
    source = _rows_of(data, stack)
    has_validation = "validation" in data.splits
    if source is not None and training.validation and not has_validation and len(source) <= _FEW:
        source = None
    if source is not None:
        if training.distractors:
            raise UsageError(f"{data.name} is read from its file; distractors need images in memory, e.g. mnist")
        if has_validation:
            return InFile(source), data.split("validation")
        return InFile.hold_out(source, training.validation) if training.validation else (InFile(source), None)
    whole = data.split(training_split(data))
    if has_validation:
        return InMemory(with_distractors(whole, training)), data.split("validation")
    train, validation = split_validation(whole, training.validation)
    return InMemory(with_distractors(train, training)), validation


def with_distractors(digits: Digits, training: TrainingConfig) -> Digits:
    """Append the distractors that the settings ask for: images that are not digits, with the label `NONE`."""
    if not training.distractors:
        return digits
    drawn = draw_distractors(round(training.distractors * len(digits)), digits, seed=training.seed)
    labels = np.full(len(drawn), NONE, np.uint8)
    return Digits(np.concatenate([digits.images, drawn]), np.concatenate([digits.labels, labels]))


def training_split(data: Dataset) -> str:
    """Return "train", or the name of the only split of a file that is not divided into splits.

    Raises:
        DatasetError: when there are only other splits.
    """
    if data.splits == (WHOLE,):
        return WHOLE
    data.expect_split("train")
    return "train"


def _rows_of(data: Dataset, stack: contextlib.ExitStack) -> RowSource | None:
    """Open the training images as rows of a file, if they are in a file with random access to rows; else None."""
    split = training_split(data)
    if split not in data.openers:
        return None
    source = stack.enter_context(data.openers[split]())
    return source if isinstance(source, RowSource) else None


def _test_images(training: TrainingConfig, data: Dataset, find: Callable[[str], Dataset]) -> tuple[str, Digits]:
    other = find(training.test) if training.test else data
    splits = other.splits if training.test and len(other.splits) == 1 else ("test",)
    if splits[0] in other.splits and len(images := other.split(splits[0])):
        return other.name, images
    raise DatasetError(f"{other.name} has no test images; name a set or file that has some, e.g. --test mnist")
