"""NumPy's npz: ``images`` and ``labels``, ``X`` and ``y``, ``data`` and ``target`` …, also per split: ``x_train`` ….

The two arrays are read side by side from the zip archive, in batches; no pickle is ever loaded.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import (
    REST,
    as_labels,
    as_pixels,
    expect_a_split,
    expect_image_shape,
    expect_numbers,
    expect_same_length,
    in_split_order,
    labels_are_loose,
    listed,
    no_bomb,
    no_labels,
    other_labels,
)
from digitlab.datasets.formats.fitting import ArraySource, Fitter
from digitlab.datasets.formats.named_arrays import Pair, images_and_labels, pairs_of
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError
from digitlab.npy_files import DAMAGE, read_header
from digitlab.storage import atomic_path, refusing, saying_what_failed
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.datasets.formats.protocol import ImageSink

__all__ = ["NpzSource", "npy_source", "npz_splits", "npz_writer", "write_npz_splits"]

_PAIRS = (("images", "labels"), ("data", "labels"), ("x", "y"))
_DAMAGE = (OSError, *DAMAGE)
_MAX_MEMBERS = 1000


@dataclass(frozen=True, slots=True)
class _Array:
    """A member of the archive: its npy header, and ``header``, the offset of its data."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    header: int

    @property
    def row(self) -> int:
        """Bytes per row."""
        return int(np.prod(self.shape[1:], dtype=object)) * self.dtype.itemsize


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with contextlib.ExitStack() as stack:
        with saying_what_failed(path, "read"):
            file = stack.enter_context(path.open("rb"))
        with refusing(path, "is not a readable npz file", *_DAMAGE):
            archive = stack.enter_context(zipfile.ZipFile(file))
        if len(archive.infolist()) > _MAX_MEMBERS:
            raise DatasetError(f"{path}: has {len(archive.infolist()):,} arrays; expected at most {_MAX_MEMBERS:,}")
        yield archive


def _names(archive: zipfile.ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def _pairs(names: list[str]) -> dict[str, Pair]:
    """Pair the arrays by split, "" for a file without splits; by our own names, or else by those of other programs."""
    pairs: dict[str, Pair] = {}
    for without_labels in (False, True) if labels_are_loose() else (False,):
        for images, labels in _PAIRS:
            for name in names:
                ending = name.removeprefix(images)
                has_labels = labels + ending in names
                if name.startswith(images) and ending[:1] in ("", "_") and (without_labels or has_labels):
                    pairs.setdefault(ending[1:], Pair(name, labels + ending if has_labels else None))
    plain = pairs.pop("", None)
    if plain and (plain.labels or not pairs):
        return {"": plain}
    return pairs or pairs_of(dict.fromkeys(names, ()))  # X_train, train_images, target …


def _splits(pairs: dict[str, Pair]) -> tuple[str, ...]:
    return in_split_order(split or REST for split in pairs) if any(pairs) else ()


def npz_splits(path: Path) -> tuple[str, ...]:
    """Return the splits that a file names (``x_train``, ``y_train``, …); empty if it holds one pair of arrays.

    Raises:
        DatasetError: when it is not an npz.
        StorageError: when it may not be read.
    """
    with _opened(path) as archive:
        return _splits(_pairs(_names(archive)))


class NpzSource(Closing):
    """Sequential source of the images and labels of an npz, or of one of its splits."""

    def __init__(self, path: Path, split: str | None = None) -> None:
        self._path = path
        with _opened(path) as archive:
            images, labels = self._choose(_names(archive), split)
            self._images = self._describe(archive, images)
            self._labels = None if labels is None else self._describe(archive, labels)
            expect_image_shape(path, images, self._images.shape)
            if self._labels is not None:
                expect_same_length(path, images, self._images.shape, self._labels.name, self._labels.shape)
            for array in (self._images, self._labels):
                if array is not None:
                    self._expect_size(archive.getinfo(f"{array.name}.npy"), array)
        self.count = self._images.shape[0]

    def _choose(self, names: list[str], split: str | None) -> tuple[str, str | None]:
        """Choose the names of the images and labels; labels are None if missing, under ``loose_labels`` only."""
        pairs = _pairs(names)
        expect_a_split(self._path, _splits(pairs), split)
        name = "" if split == REST and "" in pairs else split or ""
        if name in pairs:
            return pairs[name]
        if labels_are_loose() and len(names) == 1:
            return names[0], None
        contents = listed(sorted(names)) or "no array"
        if not names:
            contents += ". A zip of pictures must be unpacked first, into class folders 0 … 9"
        elif any(name in names for name, _ in _PAIRS):
            contents += (
                f". Without labels: `digitlab classify {self._path} --out OUT.npz` gives them the reader's answers"
            )
        else:
            contents += ". In Python, numpy.savez('NEW.npz', images=…, labels=…) gives them these names"
        raise DatasetError(f"{self._path}: expected the arrays images and labels, found: {contents}")

    def _describe(self, archive: zipfile.ZipFile, name: str) -> _Array:
        info = archive.getinfo(f"{name}.npy")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DatasetError(f"{self._path}: {name} is not compressed with deflate; write it with numpy.savez")
        with refusing(self._path, f"{name} is damaged", *_DAMAGE), archive.open(info) as member:
            shape, fortran, dtype = read_header(member)
            header = member.tell()
        expect_numbers(self._path, name, dtype)
        if fortran and len(shape) > 1:
            raise DatasetError(
                f"{self._path}: {name} is stored column by column; write numpy.ascontiguousarray({name})"
            )
        return _Array(name, dtype, shape, header)

    def _expect_size(self, info: zipfile.ZipInfo, array: _Array) -> None:
        size = array.header + array.shape[0] * array.row
        if info.file_size != size:
            raise DatasetError(
                f"{self._path}: {array.name} has {info.file_size:,} bytes; "
                f"expected {size:,} for {array.dtype} {array.shape}"
            )
        no_bomb(self._path, array.name, stored=info.compress_size, unpacked=size)

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in the file's order; see `ImageSource.batches`.

        Raises:
            DatasetError: at the first row that is damaged, not an image of whole numbers 0 to 255, or wrongly labelled.
        """
        with contextlib.ExitStack() as stack:
            archive = stack.enter_context(_opened(self._path))
            images = stack.enter_context(self._numbers(archive, self._images))
            labels = None if self._labels is None else stack.enter_context(self._numbers(archive, self._labels))
            for start in range(0, self.count, size):
                rows = min(size, self.count - start)
                pixels = self._pixels(self._read(images, self._images, start, rows), start)
                yield Digits(pixels, self._labels_of(labels, start, rows))

    def _pixels(self, values: NDArray[Any], start: int) -> NDArray[np.uint8]:
        return as_pixels(values, self._path, lambda row: f"{self._images.name}[{start + row}]")

    def _labels_of(self, member: IO[bytes] | None, start: int, rows: int) -> NDArray[np.uint8]:
        array = self._labels
        if array is None or member is None:
            return no_labels(rows)
        values = self._read(member, array, start, rows)
        return as_labels(values, self._path, lambda row: f"{array.name}[{start + row}]", self._others)

    @contextlib.contextmanager
    def _numbers(self, archive: zipfile.ZipFile, array: _Array) -> Iterator[IO[bytes]]:
        with contextlib.ExitStack() as stack:
            with refusing(self._path, f"{array.name} is damaged", *_DAMAGE):
                member = stack.enter_context(archive.open(f"{array.name}.npy"))
                member.read(array.header)
            yield member

    def _read(self, member: IO[bytes], array: _Array, start: int, rows: int) -> NDArray[Any]:
        with refusing(self._path, f"{array.name} is damaged from row {start} on", *_DAMAGE):
            content = member.read(rows * array.row)
            if len(content) < rows * array.row:
                raise EOFError(f"ends in row {start + len(content) // array.row}")
            return np.frombuffer(content, array.dtype).reshape(rows, *array.shape[1:])

    def _others(self) -> str:
        starts = range(0, self.count, 1 << 20)
        array = self._labels
        assert array is not None  # noqa: S101 - only labels can be wrong ones
        with _opened(self._path) as archive, self._numbers(archive, array) as member:
            return other_labels(self._read(member, array, start, min(1 << 20, self.count - start)) for start in starts)


class _NpzSink:
    def __init__(self, images: IO[bytes], labels: IO[bytes]) -> None:
        self._images, self._labels = images, labels
        self.count = 0

    def write(self, digits: Digits) -> None:
        self._images.write(np.ascontiguousarray(digits.images).data)
        self._labels.write(np.ascontiguousarray(digits.labels).data)
        self.count += len(digits)

    def finish(self, archive: zipfile.ZipFile, names: tuple[str, str] = ("images", "labels")) -> None:
        for name, numbers, shape in zip(names, (self._images, self._labels), ((28, 28), ()), strict=True):
            # A ZipInfo without a time is dated 1980, so the same images give the same bytes.
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                header = {"descr": "|u1", "fortran_order": False, "shape": (self.count, *shape)}
                np.lib.format.write_array_header_1_0(member, header)
                numbers.seek(0)
                shutil.copyfileobj(numbers, member, 1 << 20)


def write_npz_splits(path: Path, splits: Mapping[str, Iterable[Digits]]) -> dict[str, int]:
    """Write ``x_train``, ``y_train`` …, or ``images`` and ``labels`` for a single split; return the images per split.

    Raises:
        StorageError: when it cannot be written; no file remains then.
    """
    written = {}
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for split, batches in splits.items():
            with (
                tempfile.TemporaryFile(dir=temporary.parent) as images,
                tempfile.TemporaryFile(dir=temporary.parent) as labels,
            ):
                sink = _NpzSink(images, labels)
                for digits in batches:
                    sink.write(digits)
                sink.finish(archive, (f"x_{split}", f"y_{split}") if len(splits) > 1 else ("images", "labels"))
                written[split] = sink.count
    return written


@contextlib.contextmanager
def npz_writer(path: Path) -> Iterator[ImageSink]:
    """Write ``images`` and ``labels``, uint8, uncompressed, so that ``numpy.load`` is quick.

    Raises:
        StorageError: when it cannot be written; no file remains then.
    """
    # The header, before the data, holds the count, which is known only at the end: data goes to temporary files first.
    with (
        atomic_path(path) as temporary,
        tempfile.TemporaryFile(dir=temporary.parent) as images,
        tempfile.TemporaryFile(dir=temporary.parent) as labels,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        sink = _NpzSink(images, labels)
        yield sink
        sink.finish(archive)


def npy_source(path: Path, preparation: str | None) -> ArraySource:
    """Open the images of an npy file, memory-mapped.

    Raises:
        DatasetError: when it is damaged, or holds Python objects or no images.
    """
    with refusing(path, "is not a readable .npy file", OSError, ValueError, EOFError, SyntaxError, MemoryError):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    images, labels = images_and_labels(path, array, None)
    return ArraySource(path, images, labels, Fitter(path, preparation))
