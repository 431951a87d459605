"""Decoder for a camera server's responses that checks every length and type: the server is not trusted.

Ice packs a response into an encapsulation: its length, the version of the encoding, then the values. Version 1.1 writes
a class instance in place ("compact": the name of its class, its members; "sliced": also their length, and nested
instances behind it); version 1.0 writes numbers in place, and the instances at the end. Source: the Ice manual, "Data
Encoding". All integers are little-endian.

ImageDescription may contain an md5sum, but the bytes do not say whether it does: of the two interpretations, only one
ends exactly where the response ends.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Picture", "complaint_in", "picture_in", "question", "texts_in"]

_DATA = "::jderobot::ImageData"
_DESCRIPTION = "::jderobot::ImageDescription"

# Flags of a slice in version 1.1.
_TYPE_ID = 0x03
_TYPE_ID_TEXT, _TYPE_ID_NUMBER = 0x01, 0x02
_OPTIONAL_MEMBERS = 0x04
_TABLE = 0x08
_LENGTH = 0x10
_LAST = 0x20


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as received: the numbers come from the server and may contradict each other.

    taken: capture time by the server's clock, seconds and microseconds since 1970; (0, 0) from servers without it
    """

    width: int
    height: int
    format: str
    taken: tuple[int, int]
    pixels: memoryview


class _Malformed(Exception):  # noqa: N818 - never leaves this module
    """The bytes do not have the expected structure."""


def question(texts: Sequence[str], version: tuple[int, int] = (1, 1)) -> bytes:
    r"""Encode the parameters of a request, all of them strings.

    >>> question(["RGB8"])
    b'\x0b\x00\x00\x00\x01\x01\x04RGB8'
    """
    body = b"".join(_size(len(text)) + text for text in (text.encode() for text in texts))
    return struct.pack("<iBB", 6 + len(body), *version) + body


def _size(count: int) -> bytes:
    return bytes([count]) if count < 255 else b"\xff" + struct.pack("<i", count)


def picture_in(answer: bytes) -> Picture:
    """Decode the picture in the response to getImageData.

    Raises:
        SourceError: when it contains none.
    """
    reason = None
    for md5sum in (True, False):
        try:
            return _picture(_Bytes(answer), md5sum=md5sum)
        except _Malformed as error:
            reason = error
    raise SourceError(f"the server's response is not a picture of JdeRobot ({reason})")


def texts_in(answer: bytes) -> list[str]:
    """Decode a response that is a list of strings.

    Raises:
        SourceError: when it is not.
    """
    try:
        stream = _Bytes(answer)
        stream.version()
        texts = [stream.text() for _ in range(stream.count())]
        stream.must_end()
    except _Malformed as error:
        raise SourceError(f"the server's response is not a list of formats ({error})") from error
    return texts


def complaint_in(answer: bytes) -> tuple[str, str]:
    """Return name and text of the exception in a response, e.g. ("DataNotExistException", "no format H264").

    The name is "unknown" if the response cannot be decoded.
    """
    try:
        stream = _Bytes(answer)
        name, what = _complaint_1_0(stream) if stream.version() == (1, 0) else _complaint_1_1(stream)
    except _Malformed:
        return "unknown", ""
    return name.rpartition(":")[2], " ".join(what.split())[:200]


class _Bytes:
    """A cursor over the bytes of a response."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.position = 0

    def take(self, count: int) -> memoryview:
        if not 0 <= count <= len(self._data) - self.position:
            raise _Malformed(f"{count:,} bytes announced, {len(self._data) - self.position:,} left")
        self.position += count
        return self._data[self.position - count : self.position]

    def byte(self) -> int:
        return self.take(1)[0]

    def int32(self) -> int:
        return int.from_bytes(self.take(4), "little", signed=True)

    def int64(self) -> int:
        return int.from_bytes(self.take(8), "little", signed=True)

    def size(self) -> int:
        short = self.byte()
        return short if short < 255 else self.int32()

    def count(self) -> int:
        """Read the number of elements that follow; each has at least one byte, which bounds the memory to allocate."""
        count = self.size()
        if not 0 <= count <= len(self._data) - self.position:
            raise _Malformed(f"{count:,} values announced, {len(self._data) - self.position:,} bytes left")
        return count

    def bytes(self) -> memoryview:
        return self.take(self.size())

    def text(self) -> str:
        return str(self.bytes(), "utf-8", "replace")

    def version(self) -> tuple[int, int]:
        """Read the header of an encapsulation, which must span all bytes; return the version of the encoding."""
        length, version = self.int32(), (self.byte(), self.byte())
        if length != len(self._data):
            raise _Malformed(f"{length:,} bytes announced, {len(self._data):,} received")
        if version not in ((1, 0), (1, 1)):
            raise _Malformed(f"encoding {version[0]}.{version[1]}; expected 1.0 or 1.1")
        return version

    def must_be_at(self, end: int) -> None:
        if self.position != end:
            raise _Malformed("the lengths of its parts do not add up")

    def must_end(self) -> None:
        self.must_be_at(len(self._data))


@dataclass(slots=True)
class _Description:
    width: int
    height: int
    format: str


def _description(stream: _Bytes, *, md5sum: bool) -> _Description:
    width, height, _size_in_bytes = stream.int32(), stream.int32(), stream.int32()  # some servers never set the size
    found = _Description(width, height, stream.text())
    if md5sum:
        stream.bytes()
    return found


def _taken(stream: _Bytes) -> tuple[int, int]:
    return stream.int64(), stream.int64()


def _picture(stream: _Bytes, *, md5sum: bool) -> Picture:
    read = _picture_1_0 if stream.version() == (1, 0) else _picture_1_1
    picture = read(stream, md5sum=md5sum)
    stream.must_end()
    return picture


# Version 1.1.


def _picture_1_1(stream: _Bytes, *, md5sum: bool) -> Picture:
    names: list[str] = []
    flags, end = _instance_1_1(stream, names, _DATA)
    taken = _taken(stream)
    if flags & _TABLE:
        stream.size()  # index of the description in the table after this slice
        pixels = stream.bytes()
        _end_slice(stream, end)
        if stream.count() != 1:
            raise _Malformed("expected exactly one description")
        described = _description_1_1(stream, names, md5sum=md5sum)
    else:
        described = _description_1_1(stream, names, md5sum=md5sum)
        pixels = stream.bytes()
        _end_slice(stream, end)
    return Picture(described.width, described.height, described.format, taken, pixels)


def _description_1_1(stream: _Bytes, names: list[str], *, md5sum: bool) -> _Description:
    _, end = _instance_1_1(stream, names, _DESCRIPTION)
    described = _description(stream, md5sum=md5sum)
    _end_slice(stream, end)
    return described


def _instance_1_1(stream: _Bytes, names: list[str], name: str) -> tuple[int, int | None]:
    """Advance to the members of an instance of exactly this class; return its flags and, if known, the members' end."""
    if stream.size() != 1:
        raise _Malformed(f"no {name} where one is expected")
    flags = stream.byte()
    if flags & _TYPE_ID == _TYPE_ID_TEXT:
        names.append(stream.text())
        found = names[-1]
    elif flags & _TYPE_ID == _TYPE_ID_NUMBER and 0 < (number := stream.size()) <= len(names):
        found = names[number - 1]
    else:
        raise _Malformed("an instance without the name of its class")
    if found != name or not flags & _LAST or flags & _OPTIONAL_MEMBERS:
        raise _Malformed(f"an instance of {found[:100]!r}; expected {name!r}")
    return flags, stream.position + stream.int32() if flags & _LENGTH else None


def _end_slice(stream: _Bytes, end: int | None) -> None:
    if end is not None:
        stream.must_be_at(end)


def _complaint_1_1(stream: _Bytes) -> tuple[str, str]:
    # Each slice has a type name, whatever its flags; the last is JderobotException's, the only one with a member.
    name = ""
    while True:
        flags, found = stream.byte(), stream.text()
        name = name or found
        if flags & _LENGTH:
            stream.int32()
        if flags & _LAST:
            return name, stream.text()


# Version 1.0.


def _picture_1_0(stream: _Bytes, *, md5sum: bool) -> Picture:
    names: list[str] = []
    root = -stream.int32()
    data: dict[int, tuple[tuple[int, int], int, memoryview]] = {}
    descriptions: dict[int, _Description] = {}
    while count := stream.count():
        for _ in range(count):
            number = stream.int32()
            while (name := _name_1_0(stream, names)) != "::Ice::Object":
                end = stream.position + stream.int32()
                if name == _DATA:
                    data[number] = _taken(stream), -stream.int32(), stream.bytes()
                elif name == _DESCRIPTION:
                    descriptions[number] = _description(stream, md5sum=md5sum)
                else:
                    raise _Malformed(f"an instance of {name[:100]!r}")
                stream.must_be_at(end)
            stream.take(stream.int32() - 4)  # the slice of ::Ice::Object, empty except for a count that is always 0
    if root not in data or data[root][1] not in descriptions:
        raise _Malformed("no picture with a description")
    taken, place, pixels = data[root]
    described = descriptions[place]
    return Picture(described.width, described.height, described.format, taken, pixels)


def _name_1_0(stream: _Bytes, names: list[str]) -> str:
    if not stream.byte():
        names.append(stream.text())
        return names[-1]
    number = stream.size()
    if not 0 < number <= len(names):
        raise _Malformed("an instance without the name of its class")
    return names[number - 1]


def _complaint_1_0(stream: _Bytes) -> tuple[str, str]:
    stream.byte()  # whether instances follow
    first = name = stream.text()
    while name != "::jderobot::JderobotException":
        stream.take(stream.int32() - 4)
        name = stream.text()
    stream.int32()
    return first, stream.text()
