import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.camera.jpeg_parts import JpegParts
from faulty_camera import card

CARDS = [card(number, (64, 48)) for number in range(6)]


def message(pictures, *, length=True, boundary="picture"):
    parts = []
    for picture in pictures:
        told = f"Content-Length: {len(picture)}\r\n" if length else ""
        parts.append(f"--{boundary}\r\nContent-Type: image/jpeg\r\n{told}\r\n".encode() + picture + b"\r\n")
    return b"".join(parts)


def fed(data, chunk=None, most=16_000_000):
    """All pictures, where each was asked for as soon as it was there."""
    parts, found = JpegParts(most), []
    for start in range(0, len(data), chunk or len(data)):
        parts.feed(data[start : start + (chunk or len(data))])
        if (picture := parts.newest()) is not None:
            found.append(picture)
    return found, parts


@given(chunk=st.integers(1, 300), length=st.booleans())
@settings(deadline=None, max_examples=25)
def test_however_the_bytes_are_cut_the_pictures_are_the_same(chunk, length):
    found, parts = fed(message(CARDS, length=length), chunk)
    assert found == CARDS
    assert (parts.skipped, parts.passed) == (0, 0)


def test_a_picture_is_whole_with_its_last_byte_and_not_with_the_next_boundary():
    data = message(CARDS[:1])
    found, _ = fed(data[: data.rindex(b"\xff\xd9") + 2])
    assert found == CARDS[:1]


def test_the_newest_wins():
    found, parts = fed(message(CARDS))
    assert found == CARDS[-1:]
    assert parts.passed == len(CARDS) - 1


@given(where=st.floats(0.02, 0.98))
@settings(deadline=None, max_examples=40)
def test_a_picture_that_lacks_its_end_costs_no_other(where):
    cut = CARDS[1][: int(where * len(CARDS[1]))]
    found, parts = fed(message([CARDS[0], cut, CARDS[2], *[CARDS[3]] * 40]), chunk=200)
    assert found[0] == CARDS[0]
    assert set(found) <= {CARDS[0], CARDS[2], CARDS[3]}  # a cut in a header may swallow what its length names
    assert CARDS[3] in found
    assert parts.skipped >= 1


@given(noise=st.binary(max_size=3000), chunk=st.integers(1, 500))
@settings(deadline=None, max_examples=60)
def test_noise_between_pictures_is_passed_over(noise, chunk):
    found, _ = fed(message(CARDS[:1]) + noise + message([CARDS[1]] * 30), chunk)
    assert found[0] == CARDS[0]
    assert found[-1] == CARDS[1]


@given(
    data=st.lists(
        st.sampled_from([b"\n", b"\xff", b"\xd8", b"\xff\xd8\xff", b"\xda", b"\x00\x08", b"x" * 50]), max_size=200
    )
)
@settings(deadline=None, max_examples=60)
def test_what_is_kept_is_limited(data):
    parts = JpegParts(most=400)
    for piece in data:
        parts.feed(piece)
        parts.newest()
        assert len(parts._bytes) <= 400 + 50


def test_a_picture_that_never_ends_is_given_up():
    endless = CARDS[0][:-2] + b"\x11" * 2000
    found, parts = fed(message([endless]) + message([CARDS[1]]), chunk=100, most=1500)
    assert found == [CARDS[1]]
    assert parts.skipped == 1


def test_a_thumbnail_inside_is_no_picture():
    thumbnail = b"\xff\xe1" + (2 + len(CARDS[0])).to_bytes(2) + CARDS[0]
    picture = CARDS[1][:2] + thumbnail + CARDS[1][2:]
    assert fed(message([picture]), chunk=77)[0] == [picture]


def test_progressive_pictures_have_several_scans():
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    picture = bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1])
    assert picture.count(b"\xff\xda") > 1
    assert fed(message([picture]), chunk=100)[0] == [picture]


@pytest.mark.parametrize(("height", "width"), [(60_000, 60_000), (0, 10)])
def test_a_picture_of_impossible_size_is_left_out(height, width):
    at = CARDS[0].index(b"\xff\xc0")
    huge = CARDS[0][: at + 5] + height.to_bytes(2) + width.to_bytes(2) + CARDS[0][at + 9 :]
    found, parts = fed(message([huge, CARDS[1]]))
    assert found == [CARDS[1]]
    assert parts.skipped == 1


def test_pictures_need_no_line_of_their_own():
    data = b"".join(b"mjpeg 0001" + bytes(40) + picture for picture in CARDS)
    assert fed(data, chunk=64)[0] == CARDS


def test_the_thumbnail_of_a_damaged_picture_is_no_picture():
    thumbnail = b"\xff\xe1" + (2 + len(CARDS[0])).to_bytes(2) + CARDS[0]
    damaged = CARDS[1][:2] + thumbnail + b"\x00" + CARDS[1][3:]
    found, parts = fed(message([damaged, CARDS[2]]), chunk=77)
    assert found == [CARDS[2]]
    assert parts.skipped == 1
