"""The protocols of all formats: a source of labelled images, and a sink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.values import Digits

__all__ = ["BATCH", "Closing", "ImageSink", "ImageSource", "MemorySource", "RowSource"]

# Images per batch: 0.8 MB of pixels, 3.2 MB as float32. Larger ones exceed the processor's cache and gain nothing.
BATCH = 1024


class ImageSource(Protocol):
    """Labelled images in a file, read in batches with bounded memory; a context manager.

    count: the number of images, None where it is known only after reading all (CSV); class folders may yield fewer,
        as broken pictures are left out
    """

    @property
    def count(self) -> int | None:
        """The number of images, None where it is known only after reading all."""

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in the file's order, at most ``size`` at a time; may be called repeatedly.

        Raises:
            DatasetError: at the first unusable record; the message names it.
        """

    def close(self) -> None:
        """Close the file; the source cannot be used afterwards."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


@runtime_checkable
class RowSource(ImageSource, Protocol):
    """A source whose rows can be read in any order, as training from a file larger than memory needs."""

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Digits:
        """Read rows ``start`` to ``stop`` (exclusive), clipped to the file as a slice is.

        Raises:
            DatasetError: at the first unusable row; the message names it.
        """


class ImageSink(Protocol):
    """A writer of labelled images; the file is created when its ``with`` block ends without error."""

    def write(self, digits: Digits) -> None:
        """Append images."""


class Closing:
    """Mixin that makes a source a context manager; most sources keep nothing open between batches."""

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class MemorySource(Closing):
    """A `RowSource` of images in memory, or memory-mapped."""

    def __init__(self, digits: Digits) -> None:
        self._digits = digits
        self.count = len(digits)

    def __len__(self) -> int:
        return self.count

    def read(self, start: int, stop: int) -> Digits:
        """Return rows ``start`` to ``stop``; see `RowSource.read`."""
        return self._digits[start:stop]

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in order; see `ImageSource.batches`."""
        for start in range(0, self.count, size):
            yield self.read(start, start + size)
