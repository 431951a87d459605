"""IDX, MNIST's own format: ``NAME-images-idx3-ubyte`` and ``NAME-labels-idx1-ubyte``, each raw or ``.gz``.

LeCun, Cortes, Burges: "The MNIST database". Big-endian: magic 2051, count, rows, columns, pixels; magic 2049, count,
labels.
"""

from __future__ import annotations

import contextlib
import gzip
import shutil
import struct
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

import numpy as np

from digitlab.datasets.formats.checks import as_labels, labels_are_loose, no_bomb, no_labels, other_labels
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError, counted
from digitlab.storage import atomic_paths, refusing, saying_what_failed
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from digitlab.datasets.formats.protocol import ImageSink

__all__ = ["IdxSource", "RawIdxSource", "idx_writer", "is_idx_name", "open_idx", "other_of_pair"]

_IMAGES_MAGIC, _LABELS_MAGIC = 2051, 2049
_EXTENDED_MAGIC = 0x0C02  # of QMNIST's labels: a two-dimensional array of 32-bit integers
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)


def is_idx_name(name: str) -> bool:
    """Return whether a file is named like one of a pair.

    >>> [is_idx_name(name) for name in ("t10k-images-idx3-ubyte.gz", "mine-labels-idx1-ubyte", "mine.idx")]
    [True, True, False]
    """
    return ("images" in name and "idx3" in name) or ("labels" in name and "idx1" in name)


def other_of_pair(path: Path) -> tuple[Path, Path]:
    """Return the images file and the labels file, given either; each may be compressed or not.

    Raises:
        DatasetError: when the name does not belong to a pair.
    """
    if not is_idx_name(path.name):
        raise DatasetError(
            f"{path}: the name does not belong to a pair; expected NAME-images-idx3-ubyte and NAME-labels-idx1-ubyte"
        )
    # Replaced from the right: "labels-of-anna-images-idx3-ubyte" is a valid name.
    if "idx3" in path.name:
        other = "labels".join(path.name.rsplit("images", 1)).replace("idx3", "idx1")
    else:
        other = "images".join(path.name.rsplit("labels", 1)).replace("idx1", "idx3")
    twin = path.with_name(other)
    swapped = path.with_name(other.removesuffix(".gz") if other.endswith(".gz") else f"{other}.gz")
    if not twin.exists() and swapped.exists():
        twin = swapped
    return (path, twin) if "idx3" in path.name else (twin, path)


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of the pair, opened and its header checked."""

    path: Path
    magic: int

    @property
    def header(self) -> int:
        return 16 if self.magic == _IMAGES_MAGIC else 8

    @property
    def row(self) -> int:
        return 784 if self.magic == _IMAGES_MAGIC else 1

    @property
    def sides(self) -> list[list[int]]:
        """The dimensions that may follow the number of rows in the header."""
        return [[], [28, 28]]

    @property
    def packed(self) -> bool:
        return self.path.suffix == ".gz"

    @contextlib.contextmanager
    def open(self) -> Iterator[tuple[IO[bytes], int]]:
        """Open the file and check its header; yield it, positioned after the header, and its number of rows."""
        if not self.path.is_file():
            raise DatasetError(f"there is no {self.path}; images and labels are expected in the same folder")
        with contextlib.ExitStack() as opened:
            with saying_what_failed(self.path, "read"):
                file: IO[bytes] = opened.enter_context(self.path.open("rb"))
                if self.packed:
                    file = cast("IO[bytes]", opened.enter_context(gzip.GzipFile(fileobj=file)))
                with refusing(self.path, "damaged gzip", *_DAMAGE):
                    count = self._count(file.read(self.header))
                self._expect_size(count)
            yield file, count

    def _count(self, header: bytes) -> int:
        if len(header) < self.header:
            raise DatasetError(
                f"{self.path}: ends after {counted(len(header), 'byte')}; expected a header of {self.header}"
            )
        magic, count, *sides = struct.unpack(f">{self.header // 4}I", header)
        if magic != self.magic:
            raise DatasetError(f"{self.path}: its magic number is {magic}; expected {self.magic}")
        if sides not in self.sides:
            raise DatasetError(f"{self.path}: its images are {sides[0]}×{sides[1]}; expected 28×28")
        return int(count)

    def _expect_size(self, count: int) -> None:
        expected, size = self.header + count * self.row, self.path.stat().st_size
        if self.packed:
            no_bomb(self.path, "it", stored=size, unpacked=expected)
        elif size != expected:
            raise DatasetError(
                f"{self.path}: has {size:,} bytes; expected {expected:,} for the {counted(count, 'row')} of its header"
            )

    def read(self, file: IO[bytes], first: int, rows: int) -> NDArray[Any]:
        """Read the next ``rows`` rows, uint8 (rows, row)."""
        with saying_what_failed(self.path, "read"), refusing(self.path, f"damaged from row {first} on", *_DAMAGE):
            content = file.read(rows * self.row)
        if len(content) < rows * self.row:
            raise DatasetError(f"{self.path}: ends in row {first + len(content) // self.row}; the header says more")
        return np.frombuffer(content, np.uint8).reshape(rows, self.row)

    def expect_end(self, file: IO[bytes], count: int) -> None:
        """Require that nothing follows the last row; reading past it also checks gzip's checksum."""
        with saying_what_failed(self.path, "read"), refusing(self.path, "damaged gzip", *_DAMAGE):
            if file.read(1):
                raise DatasetError(
                    f"{self.path}: has more data after its {counted(count, 'row')}; expected the end of the file"
                )


class _ExtendedLabels(_Part):
    """QMNIST's labels: eight 32-bit integers per row, the digit first."""

    @property
    def header(self) -> int:
        return 12

    @property
    def row(self) -> int:
        return 32

    @property
    def sides(self) -> list[list[int]]:
        return [[8]]

    def read(self, file: IO[bytes], first: int, rows: int) -> NDArray[Any]:
        """Read the next labels, (rows, 1)."""
        return super().read(file, first, rows).view(">i4")[:, :1]


class IdxSource(Closing):
    """Sequential source of a pair of files, of which one or both may be compressed."""

    def __init__(self, images: Path, labels: Path) -> None:
        self._images, self._labels = _Part(images, _IMAGES_MAGIC), _Part(labels, _LABELS_MAGIC)
        if "idx2" in labels.name:
            self._labels = _ExtendedLabels(labels, _EXTENDED_MAGIC)
        with contextlib.ExitStack() as opened:
            self.count = self._open(opened)[2]

    def _open(self, opened: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes], int]:
        images, count = opened.enter_context(self._images.open())
        labels, labelled = opened.enter_context(self._labels.open())
        if labelled != count:
            raise DatasetError(
                f"{self._labels.path}: has {counted(labelled, 'label')}; expected {count:,}, "
                f"one for each image of {self._images.path.name}"
            )
        return images, labels, count

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in the file's order; see `ImageSource.batches`.

        Raises:
            DatasetError: at the first row that is truncated, damaged or has a label other than 0 to 9.
        """
        with contextlib.ExitStack() as opened:
            images, labels, count = self._open(opened)
            for start in range(0, count, size):
                yield self._digits(images, labels, start, min(size, count - start))
            self._images.expect_end(images, count)
            self._labels.expect_end(labels, count)

    def _digits(self, images: IO[bytes], labels: IO[bytes], start: int, rows: int) -> Digits:
        pixels = self._images.read(images, start, rows).reshape(-1, 28, 28)
        values = self._labels.read(labels, start, rows).ravel()
        checked = as_labels(values, self._labels.path, lambda row: f"labels[{start + row}]", self._others)
        return Digits(pixels, checked)

    def _others(self) -> str:
        with contextlib.ExitStack() as opened:
            _, labels, count = self._open(opened)
            starts = range(0, count, 1 << 20)
            return other_labels(self._labels.read(labels, at, min(1 << 20, count - at)) for at in starts)


class RawIdxSource(IdxSource):
    """Random-access source of a pair of uncompressed files."""

    def __init__(self, images: Path, labels: Path) -> None:
        super().__init__(images, labels)
        with contextlib.ExitStack() as opened:
            self._image_file, self._label_file, _ = self._open(opened)
            self._opened = opened.pop_all()

    def __len__(self) -> int:
        return self.count

    def read(self, start: int, stop: int) -> Digits:
        """Read rows ``start`` to ``stop``; see `RowSource.read`.

        Raises:
            DatasetError: at the first row with a label other than 0 to 9.
        """
        start, stop, _ = slice(start, stop).indices(self.count)
        self._image_file.seek(self._images.header + start * 784)
        self._label_file.seek(self._labels.header + start * self._labels.row)
        return self._digits(self._image_file, self._label_file, start, max(0, stop - start))

    def close(self) -> None:
        """Close both files."""
        self._opened.close()


class UnlabelledIdxSource(Closing):
    """Source of an images file alone, where no labels are needed."""

    def __init__(self, images: Path) -> None:
        self._images = _Part(images, _IMAGES_MAGIC)
        with self._images.open() as (_, self.count):
            pass

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in the file's order; see `ImageSource.batches`."""
        with self._images.open() as (file, count):
            for start in range(0, count, size):
                rows = min(size, count - start)
                yield Digits(self._images.read(file, start, rows).reshape(-1, 28, 28), no_labels(rows))
            self._images.expect_end(file, count)


def open_idx(path: Path) -> IdxSource | UnlabelledIdxSource:
    """Open a pair, given either file.

    Raises:
        DatasetError: if a file of the pair is missing, a magic number or size is wrong, or the lengths differ.
        StorageError: when the files may not be read.
    """
    images, labels = other_of_pair(path)
    if not labels.exists():  # try QMNIST's name for its labels
        extended = labels.name.removesuffix(".gz").replace("idx1-ubyte", "idx2-int")
        existing = [candidate for ending in ("", ".gz") if (candidate := labels.with_name(extended + ending)).exists()]
        labels = existing[0] if existing else labels
    if labels_are_loose() and images.exists() and not labels.exists():
        return UnlabelledIdxSource(images)
    packed = ".gz" in (images.suffix, labels.suffix)
    return IdxSource(images, labels) if packed else RawIdxSource(images, labels)


class _IdxSink:
    def __init__(self, images: IO[bytes], labels: IO[bytes]) -> None:
        self._images, self._labels = images, labels
        self._count = 0
        self._write_headers()

    def write(self, digits: Digits) -> None:
        self._images.write(np.ascontiguousarray(digits.images).data)
        self._labels.write(np.ascontiguousarray(digits.labels).data)
        self._count += len(digits)

    def finish(self) -> None:
        """Write the headers again, with the final count."""
        self._images.seek(0)
        self._labels.seek(0)
        self._write_headers()

    def _write_headers(self) -> None:
        self._images.write(struct.pack(">4I", _IMAGES_MAGIC, self._count, 28, 28))
        self._labels.write(struct.pack(">2I", _LABELS_MAGIC, self._count))


@contextlib.contextmanager
def idx_writer(path: Path) -> Iterator[ImageSink]:
    """Write a pair, compressed where the given name ends in ``.gz``.

    Raises:
        DatasetError: when the name does not belong to a pair.
        StorageError: when it cannot be written; neither file remains then.
    """
    compressed = path.suffix == ".gz"
    images, labels = (
        part if (part.suffix == ".gz") == compressed else part.with_name(f"{part.name}.gz" if compressed else part.stem)
        for part in other_of_pair(path)
    )
    with atomic_paths(images, labels) as (image_path, label_path):
        with image_path.open("w+b") as image_file, label_path.open("w+b") as label_file:
            sink = _IdxSink(image_file, label_file)
            yield sink
            sink.finish()
        if compressed:
            _pack(image_path)
            _pack(label_path)


def _pack(path: Path) -> None:
    # Compressed at the end: the count in the header is known only then.
    raw = path.with_name(f"{path.name}.raw")
    path.rename(raw)
    try:
        with raw.open("rb") as source, path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            shutil.copyfileobj(source, packed, 1 << 20)
    finally:
        raw.unlink()
