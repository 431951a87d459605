"""HDF5 in the layout of the thesis S0: ``data`` (N, 28, 28, 1) and ``labels`` (N,), at the root or per split.

S0 stores pixels 0..255 as float32; ``uint8`` is four times smaller and can be read as well. A split is a group.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from digitlab.datasets.formats.checks import (
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
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError, MissingExtraError, StorageError, UsageError
from digitlab.storage import atomic_path, refusing, saying_what_failed
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["CHUNK", "Hdf5Sink", "Hdf5Source", "PixelType", "hdf5_form", "hdf5_splits", "hdf5_writer"]

PixelType = Literal["float32", "uint8"]

# Rows per chunk: 0.8 MB as float32, which fits HDF5's cache of 1 MB; a training batch is 128 or 256.
CHUNK = 256

_FORM = "form"  # a file attribute that is not part of S0's layout

_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)
_MAX_CHUNK_BYTES = 64 << 20
# Allowed filters, by HDF5's ids: deflate, shuffle, a checksum, h5py's lzf. Others are decoded by code with known
# overflows (n-bit, scale-offset), or by a library that HDF5 searches for and loads because a file names it.
_FILTERS = frozenset({1, 2, 3, 32000})


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("train", needed_for="HDF5 files") from error
    return h5py


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    h5py = _h5py()
    # HDF5 hides the reason (permission, …) in a long message; opening the file ourselves first gives a clear one.
    with saying_what_failed(path, "read"):
        path.open("rb").close()
    with refusing(path, "is not a readable HDF5 file", *_DAMAGE):
        file = h5py.File(path, "r", locking="best-effort")
    with file:
        yield file


def _own(group: Any, name: str) -> Any:
    """Return the object with this name; None if there is none or it is a link, which may lead to another file."""
    link = group.get(name, getlink=True)
    return group.get(name) if isinstance(link, _h5py().HardLink) else None


def _groups(file: Any) -> tuple[str, ...]:
    """Return the splits of a file."""
    h5py = _h5py()
    if isinstance(_own(file, "data"), h5py.Dataset):
        return ()
    return in_split_order(
        name for name in file if isinstance(_own(file, name), h5py.Group) and _own(file[name], "data") is not None
    )


def hdf5_splits(path: Path) -> tuple[str, ...]:
    """Return the splits that a file holds as groups; empty if ``data`` is at its root.

    Raises:
        DatasetError: when it is not an HDF5 file.
        StorageError: when it may not be read.
    """
    with _opened(path) as file, refusing(path, "damaged HDF5", *_DAMAGE):
        return _groups(file)


def hdf5_form(path: Path) -> Literal["grey", "sobel"]:
    """Return the form written by `Hdf5Sink.mark`: "sobel" for files marked so, "grey" for all others.

    Raises:
        DatasetError: when it is not an HDF5 file.
        StorageError: when it may not be read.
    """
    with _opened(path) as file, refusing(path, "damaged HDF5", *_DAMAGE):
        if _FORM not in file.attrs:
            return "grey"
        stored = file.attrs.get_id(_FORM)
        # Checked before it is read: an untrusted attribute may have any type and size.
        is_ours = stored.shape == () and stored.dtype.kind == "S" and stored.dtype.itemsize <= 16
        return "sobel" if is_ours and file.attrs[_FORM] == b"sobel" else "grey"


class Hdf5Source(Closing):
    """Random-access source of the images and labels of a file, or of one of its splits.

    The labels are checked and loaded when the file is opened (one byte per row); the images stay in the file.
    """

    def __init__(self, path: Path, split: str | None = None) -> None:
        self._path = path
        with contextlib.ExitStack() as opened:
            file = opened.enter_context(_opened(path))
            with refusing(path, "damaged HDF5", *_DAMAGE):
                self._images, labels, self._name = self._find(file, split)
                self._check(self._images, labels)
                self._labels = self._read_labels(labels)
            self._opened = opened.pop_all()
        self.count = len(self._labels)

    def _find(self, file: Any, split: str | None) -> tuple[Any, Any, str]:
        splits = _groups(file)
        expect_a_split(self._path, splits, split)
        group, prefix = (file[split], f"{split}/") if split else (file, "")
        images = self._dataset(group, "data", prefix)
        if labels_are_loose() and "labels" not in group:
            return images, no_labels(len(images) if images.shape else 0), f"{prefix}data"
        return images, self._dataset(group, "labels", prefix), f"{prefix}data"

    def _dataset(self, group: Any, name: str, prefix: str) -> Any:
        dataset = _own(group, name)
        if not isinstance(dataset, _h5py().Dataset):
            contents = listed(sorted(group)) or "nothing"
            raise DatasetError(
                f"{self._path}: there is no dataset {prefix}{name}; expected data and labels, found: {contents}"
            )
        return dataset

    def _check(self, images: Any, labels: Any) -> None:
        for dataset, name in ((images, self._name), (labels, self._label_name)):
            if dataset.shape is None:
                raise DatasetError(f"{self._path}: {name} is empty; expected one row per image")
            expect_numbers(self._path, name, dataset.dtype)
        expect_image_shape(self._path, self._name, images.shape)
        expect_same_length(self._path, self._name, images.shape, self._label_name, labels.shape)
        for dataset, name in ((images, self._name), (labels, self._label_name)):
            if not isinstance(dataset, np.ndarray):
                _expect_own_bytes(dataset, self._path, name)

    @property
    def _label_name(self) -> str:
        return self._name.removesuffix("data") + "labels"

    def _read_labels(self, labels: Any) -> NDArray[np.uint8]:
        values: NDArray[np.uint8] = np.empty(len(labels), np.uint8)
        block = 1 << 20
        for start in range(0, len(labels), block):
            values[start : start + block] = as_labels(
                labels[start : start + block],
                self._path,
                lambda row, start=start: f"{self._label_name}[{start + row}]",  # type: ignore[misc]
                lambda: other_labels(labels[at : at + block] for at in range(0, len(labels), block)),
            )
        return values

    def __len__(self) -> int:
        return self.count

    def read(self, start: int, stop: int) -> Digits:
        """Read rows ``start`` to ``stop``; see `RowSource.read`.

        Raises:
            DatasetError: at the first row that is not an image of whole numbers 0 to 255, or is damaged.
        """
        start, stop, _ = slice(start, stop).indices(self.count)
        with refusing(self._path, f"rows {start} to {stop - 1} cannot be read", *_DAMAGE):
            values = self._images[start:stop]
        return Digits(
            as_pixels(values, self._path, lambda row: f"{self._name}[{start + row}]"), self._labels[start:stop]
        )

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in the file's order; see `ImageSource.batches`.

        Raises:
            DatasetError: as `read`.
        """
        for start in range(0, self.count, size):
            yield self.read(start, start + size)

    def close(self) -> None:
        """Close the file."""
        self._opened.close()


def _expect_own_bytes(dataset: Any, path: Path, name: str) -> None:
    """Reject data stored in other files, data that was never written, and decompression bombs."""
    if dataset.is_virtual or dataset.external:
        raise DatasetError(f"{path}: {name} is stored in other files; expected it in this one")
    properties = dataset.id.get_create_plist()
    if {properties.get_filter(number)[0] for number in range(properties.get_nfilters())} - _FILTERS:
        raise DatasetError(f"{path}: {name} has an unsupported filter; expected gzip, lzf or no compression")
    size = dataset.size * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if dataset.compression is None and stored < size:
        raise DatasetError(f"{path}: {name} has {stored:,} bytes; expected {size:,} for the shape {dataset.shape}")
    no_bomb(path, name, stored=stored, unpacked=size)
    if dataset.chunks is not None:
        _expect_honest_chunks(dataset, path, name)


def _expect_honest_chunks(dataset: Any, path: Path, name: str) -> None:
    size = int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize
    if size > _MAX_CHUNK_BYTES:
        raise DatasetError(f"{path}: {name} has chunks of {size:,} bytes; expected at most {_MAX_CHUNK_BYTES:,}")
    if dataset.compression is None:
        return
    if dataset.compression not in ("gzip", "lzf"):
        raise DatasetError(f"{path}: {name} is compressed with {dataset.compression}; expected gzip, lzf or none")

    def check(chunk: Any) -> None:
        # HDF5 does not limit the unpacked size of a chunk. A small one cannot fill memory (deflate: at most 1030:1).
        if chunk.size > 2 * size + 65536 or (
            chunk.size > 100_000 and _inflates_past(dataset, chunk.chunk_offset, size)
        ):
            raise DatasetError(
                f"{path}: {name}, chunk at row {chunk.chunk_offset[0]} unpacks to more than its {size:,} bytes"
            )

    dataset.id.chunk_iter(check)


def _inflates_past(dataset: Any, offset: tuple[int, ...], size: int) -> bool:
    if dataset.compression != "gzip":
        return False  # lzf: at most 88:1
    packed, inflater, total = dataset.id.read_direct_chunk(offset)[1], zlib.decompressobj(), 0
    while packed and not inflater.eof and total <= size:
        total += len(inflater.decompress(packed, 1 << 20))
        packed = inflater.unconsumed_tail
    return total > size


class Hdf5Sink:
    """Writer that appends to ``data`` and ``labels``, at the root or in the group of a split."""

    def __init__(self, file: Any, path: Path, dtype: PixelType, compression: str | None, held: _Held) -> None:
        self._file, self._path, self._held = file, path, held
        self._dtype, self._compression = dtype, compression
        self._datasets: dict[str, tuple[Any, Any]] = {}

    def write(self, digits: Digits, split: str = "") -> None:
        """Append images to the group ``split``, or to the root of the file.

        Raises:
            StorageError: when the disk is full.
        """
        if not self._datasets or split not in self._datasets:
            self._datasets[split] = self._create(split)
        images, labels = self._datasets[split]
        start, stop = len(labels), len(labels) + len(digits)
        try:
            images.resize(stop, axis=0)
            labels.resize(stop, axis=0)
            images[start:stop] = digits.images[..., np.newaxis].astype(self._dtype, copy=False)
            labels[start:stop] = digits.labels
        except (OSError, RuntimeError) as error:
            raise _unwritable(self._path, error) from error
        self._held.check(self._path)

    def _create(self, split: str) -> tuple[Any, Any]:
        if self._datasets and "" in {split, *self._datasets}:
            raise UsageError(f"{self._path}: a file has images at its root or in splits, not both")
        group = self._file.require_group(f"/{split}")
        images = group.create_dataset(
            "data",
            (0, 28, 28, 1),
            self._dtype,
            maxshape=(None, 28, 28, 1),
            chunks=(CHUNK, 28, 28, 1),
            compression=self._compression,
            fillvalue=0,
        )
        return images, group.create_dataset("labels", (0,), "int32", maxshape=(None,), chunks=(1 << 14,))

    def mark(self, form: Literal["grey", "sobel"]) -> None:
        """Mark the file's images as Sobel images; "grey" needs no mark."""
        if form == "sobel":
            self._file.attrs[_FORM] = np.bytes_(form)

    def finish(self) -> None:
        """Create two empty datasets if nothing was written."""
        if not self._datasets:
            self._create("")


@contextlib.contextmanager
def hdf5_writer(
    path: Path, dtype: PixelType = "float32", *, compression: Literal["gzip"] | None = None
) -> Iterator[Hdf5Sink]:
    """Write a file in S0's layout; ``sink.write(digits, split="train")`` creates a group per split.

    Raises:
        StorageError: when it cannot be written; no file remains then.
        MissingExtraError: without h5py.
    """
    h5py = _h5py()
    with atomic_path(path) as temporary, temporary.open("r+b", buffering=0) as raw:
        held = _Held(raw)
        with _closing(h5py.File(held, "w"), path) as file:
            sink = Hdf5Sink(file, path, dtype, compression, held)
            yield sink
            sink.finish()
        held.check(path)


class _Held:
    """The file object that HDF5 writes to; after an error it accepts all further writes, and discards them.

    When HDF5 cannot flush its buffers, it tries again when the file is closed, when its objects are freed, and when
    the process exits, which then crashes. So the error is stored for ``check`` and hidden from HDF5.
    """

    def __init__(self, raw: FileIO) -> None:
        self._raw = raw
        self._error: OSError | None = None
        self.read, self.seek, self.tell = raw.read, raw.seek, raw.tell

    def check(self, path: Path) -> None:
        """Raise StorageError when something could not be written."""
        if self._error is not None:
            raise _unwritable(path, self._error) from self._error

    def write(self, content: Any) -> int:
        """Write all of it, or store the error."""
        left = memoryview(content)
        with self._remembering():
            while left and self._error is None:
                left = left[self._raw.write(left) :]
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        """Set the length, or store the error."""
        with self._remembering():
            return self._raw.truncate(size)
        return size or 0

    def readinto(self, buffer: Any) -> int:
        """Fill the whole buffer; bytes beyond the end of the file are read as zeros."""
        got = self._raw.readinto(buffer) or 0
        buffer[got:] = bytes(len(buffer) - got)
        return len(buffer)

    def flush(self) -> None:
        """Do nothing: nothing is buffered here."""

    @contextlib.contextmanager
    def _remembering(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._error = self._error or error


@contextlib.contextmanager
def _closing(file: Any, path: Path) -> Iterator[Any]:
    try:
        yield file
    except BaseException:
        with contextlib.suppress(OSError, RuntimeError):  # the first error is the one to report
            file.close()
        raise
    try:
        file.close()
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: Exception) -> StorageError:
    # HDF5's messages have several lines and name the temporary file.
    number = getattr(error, "errno", None)
    reason = os.strerror(number) if number else "HDF5 could not write its buffers; is the disk full?"
    return StorageError(f"cannot write {path}: {reason}")
