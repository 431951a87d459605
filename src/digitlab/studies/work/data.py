"""The images of a cell: a share of a set for quick runs, or all folds but one."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import first_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.datasets import Dataset
    from digitlab.values import Digits

__all__ = ["folded", "shared"]


def shared(data: Dataset, share: float) -> Dataset:
    """The first ``share`` of each split; of a handmade set, copies of the first images: no others are made."""

    def first(split: str) -> Digits:
        if data.handmade is not None:
            count = data.handmade.size(split) // data.handmade.copies
        else:
            with data.open(split) as source:
                count = source.count if source.count is not None else sum(map(len, source.batches()))
        return first_images(data, split, max(1, round(share * count)))

    # Once in memory, for an epoch after another asks for them; a piece of a file is no file.
    makers = {split: functools.cache(functools.partial(first, split)) for split in data.splits}
    return replace(data, makers=makers, openers={})


def folded(data: Dataset, fold: int, folds: int) -> Dataset:
    """Training images without a fold; that fold as test images. The real test images cannot be reached."""
    from digitlab.training.out_of_fold import stratified_folds

    @functools.cache
    def parted() -> tuple[Digits, Digits]:
        train = data.split("train")
        fold_of = stratified_folds(train.labels, folds, 0)
        return train[np.flatnonzero(fold_of != fold)], train[np.flatnonzero(fold_of == fold)]

    makers: dict[str, Callable[[], Digits]] = {"train": lambda: parted()[0], "test": lambda: parted()[1]}
    return replace(data, makers=makers, openers={}, handmade=None)
