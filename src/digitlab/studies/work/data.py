"""The images of a job: whole datasets, a share of them, or all folds but one; and how other machines get them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import Dataset, find_dataset, first_images, load_dataset
from digitlab.errors import DatasetError
from digitlab.values import Digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.scheduling.protocol import Inputs
    from digitlab.studies.job import Job

__all__ = ["Find", "find_for", "find_in", "folded", "inputs_of", "shared"]

Find = Callable[[str], Dataset]  # returns a dataset by its name


def find_for(job: Job, find: Find) -> Find:
    """The datasets as this job uses them: whole, a share of their images, or without one fold."""
    share, folds = job.settings.get("share"), job.settings.get("folds")
    fold = job.settings.get("fold", job.training.seed)

    def find_part(name: str) -> Dataset:
        data = find(name)
        if share is not None:
            data = shared(data, share)
        return data if folds is None else folded(data, fold, folds)

    return find_part


def shared(data: Dataset, share: float) -> Dataset:
    """The first ``share`` of each split; for a handmade set, only the copies of the first images are made."""

    def first(split: str) -> Digits:
        if data.handmade is not None:
            count = data.handmade.size(split) // data.handmade.copies
        else:
            with data.open(split) as source:
                count = source.count if source.count is not None else sum(map(len, source.batches()))
        return first_images(data, split, max(1, round(share * count)))

    # Cached in memory, as every epoch needs them; without openers, which read whole files.
    makers = {split: functools.cache(functools.partial(first, split)) for split in data.splits}
    return replace(data, makers=makers, openers={})


def folded(data: Dataset, fold: int, folds: int) -> Dataset:
    """Use one fold of the training images as test images, the others for training; the real test images are hidden.

    All images of a file without splits are training images.
    """
    from digitlab.training.data import training_split
    from digitlab.training.out_of_fold import stratified_folds

    @functools.cache
    def split() -> tuple[Digits, Digits]:
        train = data.split(training_split(data))
        fold_of = stratified_folds(train.labels, folds, 0)
        return train[np.flatnonzero(fold_of != fold)], train[np.flatnonzero(fold_of == fold)]

    makers: dict[str, Callable[[], Digits]] = {"train": lambda: split()[0], "test": lambda: split()[1]}
    return replace(data, makers=makers, openers={}, handmade=None)


def inputs_of(job: Job) -> Inputs:
    """Images and labels of the named datasets that a job needs, by "FORM SPLIT NAME".

    A dataset in a file is left out, because every node reads it itself; so are all datasets of a quick job, which needs
    few images.
    """
    if "training" not in job.settings or "share" in job.settings:
        return {}
    training, inputs = job.training, {}
    for name in {training.dataset, training.test or training.dataset}:
        try:
            data = load_dataset(name)
        except DatasetError:
            continue
        is_trained_on = name == training.dataset
        is_tested_on = name == (training.test or name) and "folds" not in job.settings  # not for folds
        for split in data.splits:
            if is_tested_on if split == "test" else is_trained_on:
                inputs[f"{data.form} {split} {name}"] = functools.partial(_arrays, name, split)
    return inputs


def _arrays(name: str, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    digits = load_dataset(name).split(split)
    return digits.images, digits.labels


def find_in(inputs: Inputs) -> Find:
    """Look up datasets in ``inputs``, which are read in place; fall back on `find_dataset` for others."""

    def find(name: str) -> Dataset:
        makers, forms = {}, set()
        for key, load in inputs.items():
            form, split, dataset_name = key.split(" ", 2)
            if dataset_name == name:
                makers[split] = functools.partial(_digits, load)
                forms.add(form)
        if not makers:
            return find_dataset(name)
        return Dataset(name, "sent with the job", makers, form="sobel" if "sobel" in forms else "grey")

    return find


def _digits(load: Callable[[], tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> Digits:
    return Digits(*load())
