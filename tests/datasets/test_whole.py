from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets.catalogue import Dataset, whole_of
from digitlab.values import Digits


def part(count: int, label: int) -> Digits:
    return Digits(np.full((count, 28, 28), label, np.uint8), np.full(count, label, np.uint8))


PARTED = Dataset(
    "three", "", {"train": lambda: part(5, 1), "validation": lambda: part(1, 2), "test": lambda: part(3, 3)}
)


def test_every_row_knows_its_split() -> None:
    whole = whole_of(PARTED)
    assert whole.digits.labels.tolist() == [1] * 5 + [2] + [3] * 3
    assert [whole.place(row) for row in (0, 4, 5, 6, 8)] == [
        ("train", 0), ("train", 4), ("validation", 0), ("test", 0), ("test", 2),
    ]  # fmt: skip
    assert whole.rows_of("test").tolist() == [6, 7, 8]
    assert whole.rows_of("train").tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(IndexError):
        whole.place(9)
