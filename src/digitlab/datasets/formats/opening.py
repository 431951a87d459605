"""Find the format of a file: by its first bytes when reading, by its name when writing."""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from digitlab.datasets.formats.caffe_lmdb import LmdbSource, lmdb_writer
from digitlab.datasets.formats.checks import expect_a_split, in_split_order, labels_are_loose, listed
from digitlab.datasets.formats.class_folder import ClassFolderSource, class_folder_writer, is_class_folder
from digitlab.datasets.formats.csv_lines import CsvSource, csv_writer
from digitlab.datasets.formats.hdf5 import Hdf5Source, PixelType, hdf5_form, hdf5_splits, hdf5_writer
from digitlab.datasets.formats.idx import idx_writer, is_idx_name, open_idx
from digitlab.datasets.formats.lmdb_pages import MAGIC
from digitlab.datasets.formats.mat import mat_source, mat_splits
from digitlab.datasets.formats.npz import NpzSource, npy_source, npz_splits, npz_writer
from digitlab.datasets.formats.parquet import ParquetSource
from digitlab.datasets.formats.pickled import pickled_source, pickled_splits
from digitlab.datasets.formats.picture_tree import holds_pictures, is_picture_tree, split_named, tree_splits
from digitlab.datasets.formats.polarity import INVERTED, inverted, parted_name, preparation_in
from digitlab.datasets.formats.tfrecord import TfRecordSource, starts_like_tfrecord
from digitlab.errors import DatasetError, StorageError, UsageError
from digitlab.kinds import ARRAYS, TORCH, ZIP, kind_of
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from digitlab.datasets.formats.protocol import ImageSink, ImageSource

__all__ = ["dataset_writer", "form_of", "open_dataset_file", "splits_of"]

_WRITTEN = "NAME.h5, NAME.npz, NAME.csv, NAME.lmdb"
_KNOWN = (
    f"{_WRITTEN}, NAME.mat, NAME.pkl.gz, NAME.parquet, NAME.tfrecord, "
    "NAME-images-idx3-ubyte[.gz] with its labels, or a folder with subfolders 0 to 9 of pictures (NAME/)"
)
_FROM_PYTHON = "In Python, numpy.savez('NAME.npz', images=images, labels=labels) writes one"
_ENDINGS = {".h5": "hdf5", ".hdf5": "hdf5", ".npz": "npz", ".csv": "csv", ".lmdb": "lmdb", ".mdb": "lmdb"}
_READ_ONLY = {".mat": "mat", ".pkl": "pickle", ".pickle": "pickle", ".parquet": "parquet", ".tfrecord": "tfrecord",
              ".tfrecords": "tfrecord"}  # fmt: skip
_SHARDS = {"parquet": ("*.parquet",), "tfrecord": ("*.tfrecord*",)}
# MNIST's test set is named t10k in its files.
_IDX_SPLITS = {"train": "train", "t10k": "test", "test": "test", "validation": "validation"}


def open_dataset_file(path: str | Path, split: str | None = None) -> ImageSource:
    """Open a file or folder of labelled images; the source is a context manager.

    HDF5 and raw IDX give a `RowSource`, which reads rows in any order. ``split`` chooses among the groups of
    an HDF5, the ``x_train``, ``x_test`` … of an npz, or the pairs of a folder with MNIST's IDX files. Images are
    as stored; with ``NAME#inverted``, each pixel is replaced by 255 − its value.

    Raises:
        DatasetError: when it is missing, damaged, of unknown format, or has splits and none was chosen.
        StorageError: when it may not be read.
        MissingExtraError: for HDF5 without h5py and LMDB without protobuf.
    """
    preparation = preparation_in(path)
    path, polarity = parted_name(path)
    source = _opened(path, _format_of(path), split, preparation)
    return inverted(source) if polarity == INVERTED else source


def _opened(path: Path, format_: str, split: str | None, preparation: str | None) -> ImageSource:
    if format_ == "npy":
        return npy_source(path, preparation)
    if format_ in ("mat", "pickle"):
        return (mat_source if format_ == "mat" else pickled_source)(path, split, preparation)
    if format_ in _SHARDS:
        files = _shards(path, format_)
        if len(files) > 1 or split is not None:
            expect_a_split(path, tuple(files) if len(files) > 1 else (), split)
        chosen = files[split] if split is not None else next(iter(files.values()))
        return (ParquetSource if format_ == "parquet" else TfRecordSource)(path, chosen, preparation)
    if format_ == "tree":
        return ClassFolderSource(path, split, preparation)
    return _opened_own(path, format_, split, preparation)


def _opened_own(path: Path, format_: str, split: str | None, preparation: str | None) -> ImageSource:
    """Open a file in one of the formats that digitlab can also write."""
    if format_ == "hdf5":
        return Hdf5Source(path, split)
    if format_ == "npz":
        return NpzSource(path, split)
    if format_ == "idx-folder":
        return open_idx(_choose_idx(path, split))
    expect_a_split(path, (), split)
    if format_ == "idx":
        return open_idx(path)
    if format_ == "lmdb":
        return LmdbSource(path)
    return CsvSource(path) if format_ == "csv" else ClassFolderSource(path, preparation=preparation)


def splits_of(path: str | Path) -> tuple[str, ...]:
    """Return the splits to choose from in `open_dataset_file`; empty if there is nothing to choose.

    Raises:
        DatasetError: as `open_dataset_file`.
        StorageError: when it may not be read.
    """
    path, _ = parted_name(path)
    format_ = _format_of(path)
    if format_ == "idx-folder":
        pairs = _idx_pairs(path)
        return in_split_order(pairs) if len(pairs) > 1 else ()
    if format_ in _SHARDS:
        files = _shards(path, format_)
        return tuple(files) if len(files) > 1 else ()
    reader = {
        "hdf5": hdf5_splits, "npz": npz_splits, "mat": mat_splits, "pickle": pickled_splits, "tree": tree_splits,
    }.get(format_)  # fmt: skip
    return reader(path) if reader else ()


def _shards(path: Path, format_: str) -> dict[str, list[Path]]:
    """Group a folder's files by split, with names as Hugging Face's: data/train-00000-of-00001.parquet."""
    if path.is_file():
        return {"": [path]}
    with saying_what_failed(path, "read"):
        names = [f"{above}{name}" for name in _SHARDS[format_] for above in ("", "*/", "*/*/")]
        files = sorted(file for name in names for file in path.glob(name) if file.is_file())
    by_split: dict[str, list[Path]] = {}
    for file in files:
        words = [*reversed(file.relative_to(path).parts[:-1]), *re.split(r"[-_.]", file.name)]
        by_split.setdefault(next((split for word in words if (split := split_named(word))), ""), []).append(file)
    return {split or "all": by_split[split] for split in in_split_order(by_split)}


def form_of(path: str | Path) -> Literal["grey", "sobel"]:
    """Return the form of a file's images: "sobel" only for an HDF5 marked so by `digitlab data build`.

    Raises:
        DatasetError: as `open_dataset_file`.
        StorageError: when it may not be read.
    """
    path, _ = parted_name(path)
    return hdf5_form(path) if _format_of(path) == "hdf5" else "grey"


def _format_of(path: Path) -> str:
    with saying_what_failed(path, "read"):
        if path.is_dir():
            return _folder_format(path)
        if not path.is_file():
            raise DatasetError(f"there is no file or folder {path}")
        with path.open("rb") as file:
            format_ = _format_by_content(file.read(64))
    if format_ == "gzip":
        format_ = _in_gzip(path)
    format_ = format_ or ("idx" if is_idx_name(path.name) else (_ENDINGS | _READ_ONLY).get(path.suffix.lower()))
    kind = kind_of(path)
    if format_ is None or (format_ == "npz" and kind not in (None, ARRAYS, ZIP)) or kind == TORCH:
        description = f"{path} is {kind.what}" if kind else f"{path} has an unknown format"
        raise DatasetError(f"{description}; expected {_KNOWN}. {_FROM_PYTHON}")
    return format_


def _folder_format(path: Path) -> str:
    if (path / "data.mdb").exists() or path.suffix.lower() == ".lmdb":
        return "lmdb"
    if is_class_folder(path):
        return "classes"
    if _idx_pairs(path):
        return "idx-folder"
    if shards := next((format_ for format_ in _SHARDS if _shards(path, format_)), None):
        return shards
    if is_picture_tree(path):
        return "tree"
    if (kind := kind_of(path)) is not None:
        raise DatasetError(f"{path} is {kind.what}; expected labelled images: {_KNOWN}")
    if holds_pictures(path):
        raise DatasetError(
            f"{path}: none of its pictures has a class; expected folders named 0 to 9, or file names that begin with "
            "the digit, as 3_12.png"
        )
    raise DatasetError(f"{path} has no images; expected data.mdb, folders named 0 to 9, or IDX files")


def _format_by_content(start: bytes) -> str | None:
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "npz"
    if start.startswith((b"\0\0\x08\x03", b"\0\0\x08\x01")):
        return "idx"
    if starts_like_tfrecord(start):
        return "tfrecord"
    if start[16:20] == MAGIC.to_bytes(4, "little"):
        return "lmdb"
    if start.startswith(b"\x93NUMPY") and labels_are_loose():  # one array: images without labels
        return "npy"
    starts = {b"\x1f\x8b": "gzip", b"MATLAB": "mat", b"PAR1": "parquet"}
    starts |= {b"\x80" + bytes([version]): "pickle" for version in range(2, 6)}
    return next((format_ for magic, format_ in starts.items() if start.startswith(magic)), None)


def _in_gzip(path: Path) -> str:
    """Decide whether a gzip file holds a pickle or IDX; for anything else, the IDX reader reports the error."""
    with path.open("rb") as file, contextlib.suppress(zlib.error):
        start = zlib.decompressobj(31).decompress(file.read(256), 2)
        if start[:1] == b"\x80" and not is_idx_name(path.name):
            return "pickle"
    return "pickle" if ".pkl" in path.name else "idx"


def _idx_pairs(path: Path) -> dict[str, Path]:
    """Map splits to the images files of a folder; a raw file takes precedence over a compressed one.

    Folders of such names do not count: archives of MNIST hold each file a second time, in a folder that is named so.

    Raises:
        DatasetError: when two sets have the same split, as EMNIST's letters and digits.
    """
    named = (file for file in path.iterdir() if "images" in file.name and is_idx_name(file.name))
    images_files = sorted((file for file in named if file.is_file()), reverse=True)
    pairs: dict[str, Path] = {}
    for file in images_files:
        words = file.name.split("-")
        split = next((_IDX_SPLITS[word] for word in words if word in _IDX_SPLITS), words[0])
        other = pairs.setdefault(split, file)
        if other.name.rpartition("images")[0] != file.name.rpartition("images")[0]:
            names = listed(sorted((other.name, file.name)))
            raise DatasetError(
                f"{path} contains several sets: {names}; choose one file, or give each set its own folder"
            )
        pairs[split] = file
    return pairs


def _choose_idx(path: Path, split: str | None) -> Path:
    with saying_what_failed(path, "read"):
        pairs = _idx_pairs(path)
    if split is None and len(pairs) == 1:
        return next(iter(pairs.values()))
    expect_a_split(path, tuple(pairs), split)
    return pairs[split or ""]


def dataset_writer(path: str | Path, *, dtype: PixelType = "float32") -> AbstractContextManager[ImageSink]:
    """Create a sink for the format given by the name; the file appears complete or not at all.

    A name without extension, or ending in ``/``, means a folder of pictures per class. An existing file is replaced
    when the new one is complete; a folder that is not empty is never replaced. ``dtype``: the pixel type in HDF5.

    Raises:
        UsageError: for a name without a known format.
        StorageError: when it cannot be written, or a folder of that name is not empty.
        MissingExtraError: for HDF5 without h5py, LMDB without lmdb and protobuf.
    """
    is_folder, path = str(path).endswith(("/", os.sep)), Path(path)
    if path.is_dir() and any(path.iterdir()):
        raise StorageError(f"cannot write {path}: the folder exists and is not empty; choose another name or remove it")
    format_ = "classes" if is_folder or not path.suffix else _ENDINGS.get(path.suffix.lower())
    if is_idx_name(path.name) and not is_folder:
        return idx_writer(path)
    if format_ == "hdf5":
        return hdf5_writer(path, dtype)
    writer = {"npz": npz_writer, "csv": csv_writer, "lmdb": lmdb_writer, "classes": class_folder_writer}.get(
        format_ or ""
    )
    if writer is None or path.suffix == ".mdb":
        raise UsageError(
            f"{path} has no known format for writing; expected {_WRITTEN}, NAME-images-idx3-ubyte[.gz], or a folder "
            "(NAME/)"
        )
    return writer(path)
