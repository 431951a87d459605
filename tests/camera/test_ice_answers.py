"""Answers taken apart without Ice: what no honest server sends."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.camera.ice.answers import complaint_in, picture_in, question, texts_in
from digitlab.errors import SourceError


def text(value):
    return bytes([len(value)]) + value.encode()


def encapsulated(body, version=(1, 1)):
    return struct.pack("<iBB", 6 + len(body), *version) + body


def picture(*, md5sum=True, pixels=b"\1\2\3\4\5\6", size=None):
    """An answer in the compact format of version 1.1, byte by byte."""
    described = struct.pack("<iii", 2, 1, 6) + text("RGB8") + (text("0123") if md5sum else b"")
    return (
        b"\x01\x21" + text("::jderobot::ImageData") + struct.pack("<qq", 1_500_000_000, 7)
        + b"\x01\x21" + text("::jderobot::ImageDescription") + described
        + bytes([len(pixels) if size is None else size]) + pixels
    )  # fmt: skip


@pytest.mark.parametrize("md5sum", [True, False])
def test_a_picture(md5sum):
    found = picture_in(encapsulated(picture(md5sum=md5sum)))
    assert (found.width, found.height, found.format) == (2, 1, "RGB8")
    assert found.taken == (1_500_000_000, 7)
    assert bytes(found.pixels) == b"\1\2\3\4\5\6"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 6,
        encapsulated(b""),
        encapsulated(b"\0"),
        encapsulated(picture(), (1, 2)),
        encapsulated(picture()) + b"\0",
        encapsulated(picture())[:-1],
        encapsulated(picture() + b"\0"),
        encapsulated(picture(size=200)),
        encapsulated(picture().replace(b"ImageData", b"ImageDate")),
        encapsulated(picture().replace(b"\x01\x21", b"\x01\x01")),
        encapsulated(b"\xff" + struct.pack("<i", -1)),
        encapsulated(struct.pack("<i", -1) + b"\xff" + struct.pack("<i", 2**31 - 1), (1, 0)),
    ],
)
def test_what_is_none_is_refused(answer):
    with pytest.raises(SourceError, match="not a picture of JdeRobot"):
        picture_in(answer)


def said(read, answer):
    """The complaint, or nothing where there is none to be had."""
    try:
        read(answer)
    except SourceError as error:
        return str(error)
    return ""


@given(st.binary(max_size=200), st.sampled_from([(1, 0), (1, 1)]))
def test_no_bytes_do_harm(body, version):
    for answer in (body, encapsulated(body, version)):
        for read in (picture_in, texts_in):
            assert "\n" not in said(read, answer)
        assert all("\n" not in part for part in complaint_in(answer))


@given(st.integers(0, 150), st.binary(min_size=1, max_size=8), st.booleans())
def test_no_damaged_picture_does_harm(place, damage, md5sum):
    answer = bytearray(encapsulated(picture(md5sum=md5sum)))
    answer[place : place + len(damage)] = damage
    assert "\n" not in said(picture_in, bytes(answer))


@given(st.lists(st.text(max_size=300), max_size=3))
def test_a_question_is_read_as_its_texts(texts):
    body = question(texts)[6:]
    assert texts_in(encapsulated(bytes([len(texts)]) + body)) == texts


def test_complaints():
    both = (
        b"\0" + text("::jderobot::DataNotExistException") + b"\x20" + text("::jderobot::JderobotException")
        + text("no H264\nhere")
    )  # fmt: skip
    assert complaint_in(encapsulated(both)) == ("DataNotExistException", "no H264 here")
    old = (
        b"\0" + text("::jderobot::HardwareFailedException") + struct.pack("<i", 4)
        + text("::jderobot::JderobotException") + struct.pack("<i", 9) + text("gone")
    )  # fmt: skip
    assert complaint_in(encapsulated(old, (1, 0))) == ("HardwareFailedException", "gone")
    assert complaint_in(b"nonsense") == ("unknown", "")
