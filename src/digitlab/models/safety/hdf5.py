"""HDF5 files of weights: checked before they are read; references to other files are refused.

HDF5 can link to other files, keep a dataset's bytes in other files, map parts of other files into one dataset, and load
filter libraries that a dataset names. Weights need none of this, only plain hard links and contiguous numbers.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import MissingExtraError, ModelError
from digitlab.models.safety.plain import refuse, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Store", "open_hdf5"]

_LARGEST_FILE = 650_000_000  # bytes; see archive.py
_MOST_OBJECTS = 20_000
_LARGEST_ATTRIBUTE = 5_000_000
_MOST_TEXT = 500_000_000  # bytes that a list of strings could expand to; Keras' lists can reach 20 MB by this measure
_DEEPEST = 24


@dataclass(frozen=True, slots=True)
class Store:
    """A checked file.

    groups, datasets: by path, reached by hard links only
    spare: bytes of the file that belong to no dataset: an upper limit for its strings
    """

    groups: dict[str, Any]
    datasets: dict[str, Any]
    spare: int

    def array(self, path: str) -> NDArray[Any]:
        """Return the numbers of one dataset.

        Raises:
            ModelError: when there is no such dataset, or it holds anything but finite numbers.
        """
        if path not in self.datasets:
            refuse(f"there is no dataset {shown(path)} in it")
        try:
            values: NDArray[Any] = self.datasets[path][()]
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise ModelError(f"{shown(path)} cannot be read ({shown(str(error))})") from error
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            refuse(f"{shown(path)} contains {values.dtype}; expected finite floating-point numbers")
        return values

    def text(self, group: str, name: str) -> str | None:
        """Return an attribute that is a single string; None if the group has no such attribute.

        Raises:
            ModelError: when it is something else, or too long.
        """
        value = self._attribute(group, name)
        if value is not None and (not isinstance(value, bytes | str) or len(value) > _LARGEST_ATTRIBUTE):
            refuse(f"its attribute {name} is {shown(value)}; expected a text")
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def names(self, group: str, name: str) -> list[str]:
        """Return an attribute that is a list of strings; Keras splits long ones into name0, name1 ….

        Raises:
            ModelError: when it is something else, or too long.
        """
        parts = [name] if name in self.groups[group].attrs else []
        while f"{name}{len(parts)}" in self.groups[group].attrs:
            parts.append(f"{name}{len(parts)}")
        texts_read: list[str] = []
        for part in parts:
            value = self._attribute(group, part)
            if not isinstance(value, np.ndarray) or value.ndim != 1:
                refuse(f"its attribute {part} of {shown(group)} is not a list of names")
            texts = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in value]
            if not all(isinstance(text, str) for text in texts):
                refuse(f"its attribute {part} of {shown(group)} is not a list of names")
            texts_read += texts
        return texts_read

    def _attribute(self, group: str, name: str) -> Any:
        import h5py

        attributes = self.groups[group].attrs
        if name not in attributes:
            return None
        try:
            attribute = h5py.h5a.open(self.groups[group].id, name.encode())
            count = math.prod(attribute.shape)
            # Variable-length strings are stored elsewhere, and all items of a list may refer to one large string.
            size = count * (self.spare if attribute.dtype.kind == "O" else attribute.dtype.itemsize)
            if size > (_MOST_TEXT if attribute.dtype.kind == "O" else _LARGEST_ATTRIBUTE):
                refuse(f"its attribute {name} is too large")
            return attributes[name]
        except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
            raise ModelError(f"its attribute {name} cannot be read ({shown(str(error))})") from error


@contextlib.contextmanager
def open_hdf5(path: Path) -> Iterator[Store]:
    """Open an HDF5 file of weights, after checking every link and dataset in it.

    Raises:
        ModelError: when it is not an HDF5 file, is damaged, refers to other files, or is too large.
        MissingExtraError: without h5py.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("train", needed_for="opening HDF5 models") from error
    size = path.stat().st_size
    if size > _LARGEST_FILE:
        refuse(f"it has {size:,} bytes; models have at most {_LARGEST_FILE:,}")
    try:
        file = h5py.File(path, "r", locking="best-effort")
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"not an HDF5 file that can be read ({shown(str(error))})") from error
    with file:
        try:
            walk = _Walk(file, size)
            walk.into(file, "")
        except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ModelError(f"damaged HDF5 ({shown(str(error))})") from error
        yield Store(walk.groups, walk.datasets, walk.left)


class _Walk:
    """Visits every object of a file once, by hard links."""

    def __init__(self, file: Any, size: int) -> None:
        self.groups: dict[str, Any] = {"": file}
        self.datasets: dict[str, Any] = {}
        self.left = size
        self._seen: set[int] = set()

    def into(self, group: Any, path: str) -> None:
        import h5py

        if path.count("/") > _DEEPEST or len(group) + len(self._seen) > _MOST_OBJECTS:
            refuse(f"its HDF5 has more than {_MOST_OBJECTS:,} parts, or is nested more than {_DEEPEST} deep")
        for name in group:
            below = f"{path}/{name}" if path else name
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                refuse(f"{shown(below)} is a link; expected the weights themselves in this file")
            self._note(group[name], below)

    def _note(self, item: Any, path: str) -> None:
        import h5py

        address = h5py.h5o.get_info(item.id).addr
        if address in self._seen:
            refuse(f"{shown(path)} is linked twice")
        self._seen.add(address)
        if isinstance(item, h5py.Group):
            self.groups[path] = item
            self.into(item, path)
        elif isinstance(item, h5py.Dataset):
            self._check(item, path)
            self.datasets[path] = item
        else:
            refuse(f"{shown(path)} is a {type(item).__name__}; expected groups and datasets")

    def _check(self, dataset: Any, path: str) -> None:
        if dataset.is_virtual or dataset.external:
            refuse(f"{shown(path)} stores its numbers in another file; expected them in this one")
        if dataset.shape is None or dataset.chunks is not None or dataset.id.get_create_plist().get_nfilters():
            refuse(f"{shown(path)} is empty, compressed or in chunks; expected plain weights")
        # Integers: optimisers' step counters, and Keras' storage of bfloat16.
        if dataset.dtype.kind not in "fiubV" or dataset.dtype.names or dataset.dtype.itemsize > 16:
            refuse(f"{shown(path)} contains {shown(str(dataset.dtype))}; expected numbers")
        size = dataset.size * dataset.dtype.itemsize
        self.left -= size
        if self.left < 0 or dataset.id.get_storage_size() < size:
            refuse(f"{shown(path)} claims the shape {shown(dataset.shape)}, for which the file has no bytes")
