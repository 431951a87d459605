from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from digitlab.datasets.shuffling import InFile, InMemory, Shuffled, prefetched
from digitlab.values import Digits


def numbered(count: int) -> Digits:
    """Digits whose first two pixels say their row; labels sorted, the worst case for a file."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    return Digits(images, (np.arange(count) * 10 // count).astype(np.uint8))


def rows_of(digits: Digits) -> list[int]:
    return (digits.images[:, 0, 0] + 256 * digits.images[:, 0, 1].astype(int)).tolist()


class File:
    """A source of rows that remembers how much was asked for at once."""

    def __init__(self, count: int) -> None:
        self.digits, self.most = numbered(count), 0

    def __len__(self) -> int:
        return len(self.digits)

    def read(self, start: int, stop: int) -> Digits:
        self.most = max(self.most, stop - start)
        return self.digits[start:stop]


@pytest.mark.parametrize("count", [1, 255, 256, 1000, 5000])
@pytest.mark.parametrize("kind", ["memory", "file"])
def test_every_image_comes_once_in_an_order_of_the_seed(kind: str, count: int) -> None:
    source: Shuffled = InMemory(numbered(count)) if kind == "memory" else InFile(File(count))  # type: ignore[arg-type]
    assert len(source) == count
    orders = []
    for seed in (1, 1, 2):
        portions = list(source.portions(np.random.default_rng(seed), 600))
        assert all(len(portion) == 600 for portion in portions[:-1])
        orders.append([row for portion in portions for row in rows_of(portion)])
    assert sorted(orders[0]) == list(range(count))
    assert orders[0] == orders[1]
    assert count < 255 or orders[0] != orders[2]


def test_a_sorted_file_is_mixed() -> None:
    portion = next(InFile(File(20_000)).portions(np.random.default_rng(0), 8_000))  # type: ignore[arg-type]
    for start in range(0, 8_000, 200):
        assert len(np.unique(portion.labels[start : start + 200])) >= 7


def test_a_file_is_read_a_chunk_at_a_time() -> None:
    file = File(5000)
    for _ in InFile(file).portions(np.random.default_rng(0), 1000):  # type: ignore[arg-type]
        pass
    assert file.most <= 256


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5])
def test_what_is_held_out_of_a_file_is_never_trained_on(fraction: float) -> None:
    train, validation = InFile.hold_out(File(5200), fraction)  # type: ignore[arg-type]
    seen = [row for portion in train.portions(np.random.default_rng(0), 700) for row in rows_of(portion)]
    assert sorted([*seen, *rows_of(validation)]) == list(range(5200))
    assert len(train) == len(seen)
    assert len(validation) == pytest.approx(5200 * fraction, abs=256)
    assert len(np.unique(validation.labels)) >= min(10, len(validation) // 256)


def test_portions_are_prepared_ahead_and_in_order() -> None:
    source = InMemory(numbered(500)).portions(np.random.default_rng(0), 100)
    assert list(prefetched(source, lambda number, portion: (number, len(portion)))) == [(n, 100) for n in range(5)]


def test_what_the_thread_raises_reaches_the_consumer() -> None:
    def broken() -> Iterator[Digits]:
        yield numbered(3)
        raise ValueError("row 7")

    received = prefetched(broken(), lambda _, portion: portion)
    assert len(next(received)) == 3
    with pytest.raises(ValueError, match="row 7"):
        next(received)


def test_leaving_early_leaves_no_thread() -> None:
    received = prefetched(InMemory(numbered(500)).portions(np.random.default_rng(0), 10), lambda _, portion: portion)
    next(received)
    received.close()
    assert not any(thread.name == "digitlab-portions" for thread in threading.enumerate())
