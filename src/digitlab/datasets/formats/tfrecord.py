"""Read TFRecord files of ``tf.train.Example`` without TensorFlow: our own parser of the framing and the messages."""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import labels_are_loose, listed
from digitlab.datasets.formats.pictures import Encoded
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError, ModelError
from digitlab.network.check import Protobuf
from digitlab.storage import saying_what_failed
from digitlab.values import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from digitlab.values import Digits

__all__ = ["TfRecordSource", "starts_like_tfrecord"]

_LARGEST = 32 << 20  # bytes of a record
_MOST_FIELDS = 20_000
_IMAGES = ("image/encoded", "image_raw", "image", "img", "images", "data", "x", "pixels", "feature")
_LABELS = ("image/class/label", "label", "labels", "y", "class", "target", "digit")
_BYTES, _FLOATS = 1, 2


class TfRecordSource(Closing):
    """Source of the records of one or several files, in order; their number is known only at the end."""

    count: int | None = None

    def __init__(self, path: Path, files: Sequence[Path], preparation: str | None) -> None:
        self._files = files
        self._encoded = Encoded(path, preparation)
        self.sizes = self._encoded.sizes

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in the files' order; see `ImageSource.batches`.

        Raises:
            DatasetError: at the first record that is truncated, or holds no labelled image.
        """
        return self._encoded.batches(self._pairs(), size)

    def _pairs(self) -> Iterator[tuple[Any, Any, str]]:
        for path in self._files:
            for number, content in enumerate(_records(path)):
                name = f"{path}: record {number}"
                features = _features(content, name)
                image = _first(features, _IMAGES, name)
                alone = labels_are_loose() and not set(_LABELS) & set(features)
                yield image, NONE if alone else _first(features, _LABELS, name), name


def starts_like_tfrecord(start: bytes) -> bool:
    """Return whether the first twelve bytes are a record's length with a valid checksum."""
    return len(start) >= 12 and struct.unpack("<I", start[8:12])[0] == _masked_crc(start[:8])


def _records(path: Path) -> Iterator[bytes]:
    with saying_what_failed(path, "read"), path.open("rb") as file:
        number = 0
        while head := file.read(12):
            yield _record(file, head, f"{path}: record {number}")
            number += 1


def _record(file: IO[bytes], head: bytes, name: str) -> bytes:
    if not starts_like_tfrecord(head):  # the length has a checksum: a wrong one is never used
        raise DatasetError(f"{name} is truncated or damaged")
    length = struct.unpack("<Q", head[:8])[0]
    if length > _LARGEST:
        raise DatasetError(f"{name} has {length:,} bytes; expected a digit's picture, {_LARGEST:,} at most")
    content = file.read(length)
    if len(content) < length or len(file.read(4)) < 4:
        raise DatasetError(f"{name} is truncated")
    return content


def _features(content: bytes, name: str) -> dict[str, Any]:
    """Parse the features of an Example by name: bytes, or an array of numbers.

    Fields: Example {Features 1 {map 1 {key 1, Feature 2 {bytes_list 1 | float_list 2 | int64_list 3}}}}, list values 1.
    """
    by_name: dict[str, Any] = {}
    parser = Protobuf(_MOST_FIELDS)
    try:
        for _, features in parser.messages(memoryview(content)):
            for _, entry in parser.messages(features):
                parts = dict(parser.messages(entry))
                for kind, values in parser.messages(parts.get(2, memoryview(b""))):
                    by_name[bytes(parts.get(1, b"")).decode("utf-8", "replace")] = _values(parser, kind, values)
    except ModelError as error:
        raise DatasetError(f"{name} is not a tf.train.Example, or is damaged") from error
    return by_name


def _values(parser: Protobuf, kind: int, values: memoryview) -> Any:
    if kind == _BYTES:
        return next((bytes(each) for _, each in parser.messages(values)), b"")
    numbers: list[int | float] = []
    for _, value in parser.fields(values):
        if kind == _FLOATS:
            raw = value.to_bytes(4, "little") if isinstance(value, int) else bytes(value)
            numbers += np.frombuffer(raw[: len(raw) // 4 * 4], "<f4").tolist()
        else:
            numbers += [value] if isinstance(value, int) else parser.packed(value)
    return np.array([number - (1 << 64) if number >= 1 << 63 else number for number in numbers])


def _first(features: dict[str, Any], names: Sequence[str], name: str) -> Any:
    for feature in names:
        if feature in features:
            return features[feature]
    contents = listed(sorted(features)) or "nothing"
    raise DatasetError(f"{name} has no feature {names[1]} or {names[0]}; it has {contents}")


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)  # noqa: PLW2901 - Castagnoli's polynomial
        table.append(value)
    return table


_TABLE = _crc_table()


def _masked_crc(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
