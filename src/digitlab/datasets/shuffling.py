"""Read training images in a new order each epoch, a portion at a time, from memory or from a file too large for it.

While one portion is trained on, the next is prepared: gathered or read, shuffled, augmented (`prefetched`).
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from digitlab.datasets.formats.protocol import RowSource

__all__ = ["InFile", "InMemory", "Shuffled", "joined", "prefetched"]

_CHUNK = 256  # rows of a file read at once; the chunk size of our HDF5 files (formats.hdf5.CHUNK)


class Shuffled(Protocol):
    """Training images that can be read in random order any number of times."""

    def __len__(self) -> int: ...

    def portions(self, rng: np.random.Generator, rows: int) -> Iterator[Digits]:
        """Yield every image once, in an order from ``rng``, ``rows`` at a time; the last portion may be smaller."""


class InMemory:
    """Images in memory, or memory-mapped."""

    def __init__(self, digits: Digits) -> None:
        self._digits = digits

    def __len__(self) -> int:
        return len(self._digits)

    def portions(self, rng: np.random.Generator, rows: int) -> Iterator[Digits]:
        """Yield portions, as `Shuffled.portions`; all orders are equally likely."""
        order = rng.permutation(len(self))
        for start in range(0, len(order), rows):
            yield self._digits[order[start : start + rows]]


class InFile:
    """Images in a file: chunks in random order, rows shuffled within each portion.

    At most a portion and a chunk are in memory. A portion of 30,000 rows mixes more than 100 chunks of the whole file,
    so that even a file sorted by class is shuffled well.

    left_out: chunks that are held out for validation
    """

    def __init__(self, source: RowSource, left_out: frozenset[int] = frozenset()) -> None:
        self._source = source
        self._chunks = [chunk for chunk in range(-(-len(source) // _CHUNK)) if chunk not in left_out]
        self._count = sum(min(_CHUNK, len(source) - chunk * _CHUNK) for chunk in self._chunks)

    def __len__(self) -> int:
        return self._count

    def portions(self, rng: np.random.Generator, rows: int) -> Iterator[Digits]:
        """Yield portions, as `Shuffled.portions`.

        Raises:
            DatasetError: at the first unusable row; the message names it.
        """
        waiting: list[Digits] = []
        for index in rng.permutation(len(self._chunks)).tolist():
            waiting.append(self._read(self._chunks[index]))
            if sum(map(len, waiting)) >= rows:
                whole = joined(waiting)
                yield whole[:rows][rng.permutation(rows)]
                waiting = [whole[rows:]]
        rest = joined(waiting)
        if len(rest):
            yield rest[rng.permutation(len(rest))]

    def _read(self, chunk: int) -> Digits:
        return self._source.read(chunk * _CHUNK, (chunk + 1) * _CHUNK)

    @staticmethod
    def hold_out(source: RowSource, fraction: float) -> tuple[InFile, Digits]:
        """Hold out about ``fraction`` of a file for validation: chunks spread evenly over it, read into memory."""
        chunks = -(-len(source) // _CHUNK)
        count = min(chunks - 1, max(1, round(chunks * fraction))) if chunks > 1 else 0
        held_out = frozenset(round((index + 0.5) * chunks / count - 0.5) for index in range(count))
        validation = joined([source.read(chunk * _CHUNK, (chunk + 1) * _CHUNK) for chunk in sorted(held_out)])
        return InFile(source, held_out), validation


def joined(parts: list[Digits]) -> Digits:
    """Concatenate several `Digits`."""
    if not parts:
        return Digits(np.empty((0, 28, 28), np.uint8), np.empty(0, np.uint8))
    if len(parts) == 1:
        return parts[0]
    return Digits(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


T = TypeVar("T")


def prefetched(portions: Iterator[Digits], prepare: Callable[[int, Digits], T]) -> Generator[T, None, None]:
    """Yield ``prepare(number, portion)`` for each portion, computed one ahead of the consumer in a thread.

    Exceptions of the thread are raised here. Closing the generator early ends the thread.
    """
    ahead = _Ahead()

    def work() -> None:
        try:
            for number, portion in enumerate(portions):
                if not ahead.put(prepare(number, portion)):
                    return
            ahead.put(_END)
        except BaseException as error:  # noqa: BLE001 - it belongs to the consumer
            ahead.put(_Raised(error))

    thread = threading.Thread(target=work, name="digitlab-portions", daemon=True)
    thread.start()
    try:
        while (item := ahead.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            yield item
    finally:
        ahead.left.set()
        thread.join()


_END = object()


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Ahead:
    """A queue for one item between two threads; ``left`` is set when the consumer has stopped."""

    def __init__(self) -> None:
        self.left = threading.Event()
        self._slot: queue.Queue[Any] = queue.Queue(maxsize=1)
        self.get = self._slot.get

    def put(self, item: object) -> bool:
        """Put an item as soon as the slot is free; return False if the consumer has stopped."""
        while not self.left.is_set():
            with contextlib.suppress(queue.Full):
                self._slot.put(item, timeout=0.1)
                return True
        return False
