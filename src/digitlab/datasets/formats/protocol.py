"""What every format offers: a source of labelled images to read, a sink to write them to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.values import Digits

__all__ = ["BATCH", "Closing", "ImageSink", "ImageSource", "RowSource"]

# Images moved at once: 0.8 MB of pixels, 3.2 MB as float32. Larger ones leave the processor's cache and gain nothing.
BATCH = 1024


class ImageSource(Protocol):
    """Labelled images in a file, read one batch after the other in bounded memory; a context manager.

    count: how many images there are, None where only reading them all tells (CSV)
    """

    @property
    def count(self) -> int | None:
        """How many images the file holds, None where only reading them all tells."""

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """All images from the first on, in the file's order, at most ``size`` at a time; may be called again.

        Raises:
            DatasetError: at the first record that cannot be used, naming it.
        """

    def close(self) -> None:
        """Give the file back; the source is of no use afterwards."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


@runtime_checkable
class RowSource(ImageSource, Protocol):
    """A source whose rows can be read in any order: what training needs of a file larger than memory."""

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Digits:
        """The rows ``start`` to ``stop`` (exclusive), clipped to the file as a slice is.

        Raises:
            DatasetError: at the first row that cannot be used, naming it.
        """


class ImageSink(Protocol):
    """Where labelled images are written; what was written counts only once its ``with`` block ends without error."""

    def write(self, digits: Digits) -> None:
        """Append images."""


class Closing:
    """A source as a context manager; most hold nothing open between two batches."""

    def close(self) -> None:
        """Nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
