"""Protobuf's wire format, as far as ONNX files need it: the fields of a message, parsed in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Protobuf", "field_bytes"]

_MOST_FIELDS = 300_000  # in the parts that are parsed; a network of 200 layers has some 5,000


class Protobuf:
    """A parser of messages with a limit on the number of fields in all of them.

    Every method raises ModelError for content that is not protobuf, or exceeds the limit.
    """

    def __init__(self, most: int = _MOST_FIELDS) -> None:
        self._most = self._left = most

    def messages(self, data: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Number and content of the fields that hold bytes: texts and messages."""
        for number, value in self.fields(data):
            if not isinstance(value, int):
                yield number, value

    def fields(self, data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """Number and value of each field of a message; fixed-size ones as whole numbers of their bytes."""
        place, end = 0, len(data)
        while place < end:
            self._count()
            key, place = _varint(data, place)
            number, kind = key >> 3, key & 7
            value: int | memoryview = 0
            if kind == 0:
                value, place = _varint(data, place)
            elif kind in (1, 5):
                value, place = self._fixed(data, place, 8 if kind == 1 else 4)
            elif kind == 2:
                length, place = _varint(data, place)
                value, place = data[place : place + length], place + length
            if place > end or kind in (3, 4, 6, 7) or not 0 < number < 1 << 29:
                raise ModelError("is not an ONNX model, or is damaged")
            yield number, value

    def packed(self, data: memoryview) -> Iterator[int]:
        """The numbers of a packed field."""
        place = 0
        while place < len(data):
            self._count()
            value, place = _varint(data, place)
            yield value

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ModelError(f"has more than {self._most:,} fields; expected one per weight array")

    @staticmethod
    def _fixed(data: memoryview, place: int, size: int) -> tuple[int, int]:
        return int.from_bytes(data[place : place + size], "little"), place + size


def field_bytes(number: int, content: bytes) -> bytes:
    """A field of bytes, encoded."""
    return _as_varint(number << 3 | 2) + _as_varint(len(content)) + content


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """The varint at ``place``, and where the next field begins."""
    value = 0
    for shift in range(0, 70, 7):
        if place + shift // 7 >= len(data):
            break
        byte = data[place + shift // 7]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + shift // 7 + 1
    raise ModelError("is not an ONNX model, or is damaged")
