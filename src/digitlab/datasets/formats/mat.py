"""Our own reader of numeric arrays in MATLAB .mat files (levels 5 to 7), as used for SVHN, EMNIST, USPS and MNIST.

With our own reader, every size is checked before memory is allocated; other readers report no sizes inside structures.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import listed, no_bomb
from digitlab.datasets.formats.fitting import ArraySource, Fitter
from digitlab.datasets.formats.named_arrays import chosen, images_and_labels, pairs_of, splits_among
from digitlab.errors import DatasetError
from digitlab.storage import refusing, saying_what_failed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["mat_source", "mat_splits"]

_MATRIX, _COMPRESSED = 14, 15
_STRUCT = 2
_NUMERIC = range(6, 16)  # classes of arrays: double … uint64
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_DEEPEST, _MOST_ARRAYS = 8, 1000
_LARGEST = 4 << 30  # bytes of all variables together; the format allows no larger ones


def mat_source(path: Path, split: str | None, preparation: str | None) -> ArraySource:
    """Open the images and labels of a file or of one of its splits.

    Raises:
        DatasetError: when it is damaged, holds no images with labels, or a split must be chosen.
    """
    arrays = _arrays(path)
    pair = chosen(path, pairs_of({name: array.shape for name, array in arrays.items()}), split, listed(arrays))
    labels = arrays[pair.labels] if pair.labels else None
    # EMNIST's structure stores images column by column, the others row by row.
    images, flat = images_and_labels(path, arrays[pair.images], labels, columns_first="." in pair.images)
    return ArraySource(path, images, flat, Fitter(path, preparation))


def mat_splits(path: Path) -> tuple[str, ...]:
    """Return the splits that a file names; empty if there is nothing to choose."""
    return splits_among(pairs_of({name: each.shape for name, each in _arrays(path).items()}))


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read all numeric arrays; those inside a structure are named like "dataset.train.images"."""
    with saying_what_failed(path, "read"), path.open("rb") as file:
        head = file.read(128)
        if head.startswith(b"MATLAB 7.3"):
            raise DatasetError(f"{path} is a file of MATLAB 7.3; save it again in MATLAB: save('NAME.mat', '-v7')")
        if len(head) < 128 or head[126:128] != b"IM":
            raise DatasetError(f"{path} is truncated, or an unsupported kind of .mat file; expected level 5 (save -v7)")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise DatasetError(f"{path} has more than {_LARGEST:,} bytes; expected a dataset of digits")
    with refusing(path, "is damaged", struct.error, ValueError, KeyError, zlib.error, IndexError, UnicodeError):
        return _Reader(path).read(memoryview(content))


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path, self._left, self._found = path, _LARGEST, dict[str, Any]()

    def read(self, content: memoryview) -> dict[str, NDArray[Any]]:
        offset = 0
        while offset < len(content):
            kind, data, offset = _element(content, offset, padded=False)
            if kind == _COMPRESSED:
                kind, data, _ = _element(self._unpacked(data), 0)
            if kind == _MATRIX:
                self._matrix(data, "", 0)
        return self._found

    def _unpacked(self, data: memoryview) -> memoryview:
        """Unpack a compressed element; its size, in its first bytes, is checked before the rest is unpacked."""
        unpacker = zlib.decompressobj()
        start = unpacker.decompress(data, 8)
        size = struct.unpack_from("<I", start, 4)[0]
        self._left -= size
        if self._left < 0:
            raise DatasetError(f"{self._path}: its variables have more than {_LARGEST:,} bytes")
        no_bomb(self._path, "a variable", stored=len(data), unpacked=size)
        rest = unpacker.decompress(unpacker.unconsumed_tail, size) if size else b""
        if len(rest) < size:
            raise ValueError("a variable is truncated")
        return memoryview(start + rest)

    def _matrix(self, data: memoryview, name: str, depth: int) -> None:
        if depth > _DEEPEST or len(self._found) > _MOST_ARRAYS:
            raise ValueError("too many variables, or too deeply nested")
        if not data:
            return
        _, flags, offset = _element(data, 0)
        _, dims, offset = _element(data, offset)
        _, own, offset = _element(data, offset)
        name = name or bytes(own).decode("ascii")
        shape = tuple(np.frombuffer(dims, "<i4").tolist())
        if min(shape, default=-1) < 0:
            raise ValueError(f"{name} has the shape {shape}")
        matrix_class = flags[0]
        if matrix_class == _STRUCT:
            self._fields(data, offset, name, shape, depth)
        elif matrix_class in _NUMERIC:
            kind, numbers, _ = _element(data, offset)
            values = np.frombuffer(numbers, "<" + _TYPES[kind])
            if len(values) != math.prod(shape):
                raise ValueError(f"{name} has {len(values):,} numbers; expected {math.prod(shape):,} for {shape}")
            self._found[name] = values.reshape(shape, order="F")

    def _fields(self, data: memoryview, offset: int, name: str, shape: tuple[int, ...], depth: int) -> None:
        _, length, offset = _element(data, offset)
        _, names, offset = _element(data, offset)
        size = struct.unpack("<i", length)[0]
        if math.prod(shape) != 1 or size <= 0:
            return  # datasets do not come as arrays of structures
        for start in range(0, len(names), size):
            field = bytes(names[start : start + size]).split(b"\0")[0].decode("ascii")
            kind, inner, offset = _element(data, offset)
            if kind == _MATRIX:
                self._matrix(inner, f"{name}.{field}", depth + 1)


def _element(data: memoryview, offset: int, *, padded: bool = True) -> tuple[int, memoryview, int]:
    """Parse the element at ``offset``: its type, its content, and where the next one begins."""
    kind, size = struct.unpack_from("<II", data, offset)
    if kind >> 16:  # a small element: its size is in the upper half, its content in the tag
        if kind >> 16 > 4:
            raise ValueError("a small element of more than four bytes")
        return kind & 0xFFFF, data[offset + 4 : offset + 4 + (kind >> 16)], offset + 8
    start, end = offset + 8, offset + 8 + size
    if end > len(data):
        raise ValueError(f"ends within an element of {size:,} bytes")
    padding = -size % 8 if padded and kind != _COMPRESSED else 0
    return kind, data[start:end], end + padding
