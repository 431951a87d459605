"""Decode Caffe's ``Datum``, the record type of its LMDBs, with the protobuf library.

The message type is defined at run time, since a generated module could be too old for the installed protobuf.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import as_digits
from digitlab.datasets.formats.pictures import decode_picture
from digitlab.errors import DatasetError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.datasets.formats.lmdb_pages import Records
    from digitlab.values import Digits

__all__ = ["DatumDecoder", "datum_class"]

# Name, number, type and label of each field, as in Caffe's caffe.proto.
_FIELDS = (
    ("channels", 1, "TYPE_INT32", "LABEL_OPTIONAL"),
    ("height", 2, "TYPE_INT32", "LABEL_OPTIONAL"),
    ("width", 3, "TYPE_INT32", "LABEL_OPTIONAL"),
    ("data", 4, "TYPE_BYTES", "LABEL_OPTIONAL"),
    ("label", 5, "TYPE_INT32", "LABEL_OPTIONAL"),
    ("float_data", 6, "TYPE_FLOAT", "LABEL_REPEATED"),
    ("encoded", 7, "TYPE_BOOL", "LABEL_OPTIONAL"),
)


@functools.cache
def datum_class() -> Any:
    """Return the message class ``caffe.Datum``.

    Raises:
        MissingExtraError: without protobuf.
    """
    try:
        from google.protobuf import (  # type: ignore[import-untyped]
            descriptor_pb2,
            descriptor_pool,
            message_factory,
        )
    except ImportError as error:
        raise MissingExtraError("train", needed_for="an LMDB of Caffe") from error
    file = descriptor_pb2.FileDescriptorProto(name="digitlab/datum.proto", package="caffe", syntax="proto2")
    message = file.message_type.add(name="Datum")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, number, kind, label in _FIELDS:
        message.field.add(name=name, number=number, type=getattr(kinds, kind), label=getattr(kinds, label))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.Datum"))


@dataclass(frozen=True, slots=True)
class _Layout:
    """The positions of the 784 pixels and the label in records that are otherwise identical.

    template: uint8 (L,), a record
    pixels: offset of the pixels
    label: offset of the label's single byte
    """

    template: NDArray[np.uint8]
    pixels: int
    label: int

    def matches(self, records: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which records of uint8 (N, L) differ from the template only in pixels and the one-byte label."""
        after = self.pixels + 784
        before, label, behind = slice(0, self.pixels), self.label, slice(after, None)
        rest = np.concatenate((records[:, before], records[:, behind]), axis=1)
        expected = np.concatenate((self.template[before], self.template[behind]))
        free = label if label < self.pixels else label - 784
        same = rest == expected
        same[:, free] = records[:, label] < 0x80
        return np.asarray(same.all(axis=1))


def _layout_of(value: bytes, datum: Any) -> _Layout | None:
    """Locate pixels and label in a record by serialising it again with different values.

    None where that does not work, as for a record that protobuf itself would encode differently.
    """
    if datum.encoded or datum.float_data or not 0 <= datum.label < 0x7F or datum.SerializeToString() != value:
        return None
    template = np.frombuffer(value, np.uint8)
    other = type(datum)()
    other.CopyFrom(datum)
    other.data = bytes(byte ^ 0xFF for byte in datum.data)
    pixels = np.flatnonzero(np.frombuffer(other.SerializeToString(), np.uint8) != template)
    other.data, other.label = datum.data, datum.label ^ 1
    label = np.flatnonzero(np.frombuffer(other.SerializeToString(), np.uint8) != template)
    return _Layout(template, int(pixels[0]), int(label[0]))


class DatumDecoder:
    """Decoder of records; caches the byte layout of the last ordinary record, which the others usually share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._layout: _Layout | None = None

    def decode(self, records: Records) -> Digits:
        """Decode all images of a block.

        Raises:
            DatasetError: for the first record that is truncated, of another image size, or without label or image.
        """
        images: NDArray[np.uint8] = np.empty((len(records), 784), np.uint8)
        labels: NDArray[np.int64] = np.empty(len(records), np.int64)
        if len(records) and self._layout is None:
            images[0], labels[0] = self._take_one(records.value(0), records.name(0))
        alike = self._take_alike(records, images, labels)
        for row in np.flatnonzero(~alike).tolist():
            images[row], labels[row] = self._take_one(records.value(row), records.name(row))
        return as_digits(images, labels, self._path, records.name)

    def _take_alike(self, records: Records, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Decode the records that have the known layout; return which, bool (N,)."""
        layout, alike = self._layout, np.zeros(len(records), np.bool_)
        if layout is None:
            return alike
        size = len(layout.template)
        fitting = np.flatnonzero(records.sizes == size)
        if len(fitting):
            values = np.lib.stride_tricks.sliding_window_view(records.buffer, size)[records.starts[fitting]]
            alike[fitting] = matching = layout.matches(values)
            images[alike] = values[matching, layout.pixels : layout.pixels + 784]
            labels[alike] = values[matching, layout.label]
        return alike

    def _take_one(self, value: bytes, name: str) -> tuple[NDArray[np.uint8], int]:
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

        datum = datum_class()()
        try:
            datum.ParseFromString(value)
        except DecodeError as error:
            raise DatasetError(
                f"{self._path}: {name} is truncated or not a Caffe Datum ({len(value)} bytes)"
            ) from error
        if not datum.HasField("label"):
            raise DatasetError(f"{self._path}: {name} has no label; expected 0 to 9")
        pixels = self._pixels(datum, name)
        self._layout = _layout_of(value, datum) or self._layout
        return pixels, datum.label

    def _pixels(self, datum: Any, name: str) -> NDArray[np.uint8]:
        """Extract the image of a record, uint8 (784,)."""
        if datum.encoded:
            return decode_picture(datum.data, f"{self._path}: {name}").reshape(784)
        shape = (datum.channels, datum.height, datum.width)
        if shape != (1, 28, 28):
            raise DatasetError(f"{self._path}: {name} has channels, height, width {shape}; expected (1, 28, 28)")
        if datum.float_data and not datum.data:
            values: NDArray[Any] = np.array(datum.float_data, np.float32)
        else:
            values = np.frombuffer(datum.data, np.uint8)
        if len(values) != 784:
            raise DatasetError(f"{self._path}: {name} has {len(values)} pixels; expected 784")
        label: NDArray[np.uint8] = np.zeros(1, np.uint8)
        return as_digits(values[np.newaxis], label, self._path, lambda _: name).images.reshape(784)
