"""All images of a dataset across its splits, for cross-validation and other new partitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.shuffling import joined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.datasets.catalogue import Dataset
    from digitlab.values import Digits

__all__ = ["Whole", "whole_of"]


@dataclass(frozen=True, slots=True)
class Whole:
    """The images of all splits, one split after the other.

    sizes: by split, in that order
    """

    digits: Digits
    sizes: dict[str, int]

    def place(self, row: int) -> tuple[str, int]:
        """The split of a row, and the row within it."""
        for split, size in self.sizes.items():
            if row < size:
                return split, row
            row -= size
        raise IndexError(f"row {row} lies behind the last of {len(self.digits)}")

    def rows_of(self, split: str) -> NDArray[np.int64]:
        """The rows of a split: int64 (its size,)."""
        splits = tuple(self.sizes)
        start = sum(self.sizes[before] for before in splits[: splits.index(split)])
        return np.arange(start, start + self.sizes[split])


def whole_of(dataset: Dataset) -> Whole:
    """All of a dataset, in memory.

    Raises:
        DatasetError: as `Dataset.split`.
    """
    parts = {split: dataset.split(split) for split in dataset.splits}
    return Whole(joined(list(parts.values())), {split: len(part) for split, part in parts.items()})
