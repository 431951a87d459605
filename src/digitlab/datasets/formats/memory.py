"""Images in memory as an `ImageSource`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.datasets.formats.protocol import BATCH, Closing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.values import Digits

__all__ = ["MemorySource"]


class MemorySource(Closing):
    """A `RowSource` of images in memory, or memory-mapped."""

    def __init__(self, digits: Digits) -> None:
        self._digits = digits
        self.count = len(digits)

    def __len__(self) -> int:
        return self.count

    def read(self, start: int, stop: int) -> Digits:
        """The rows ``start`` to ``stop``; see `RowSource.read`."""
        return self._digits[start:stop]

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """All images in their order; see `ImageSource.batches`."""
        for start in range(0, self.count, size):
            yield self.read(start, start + size)
