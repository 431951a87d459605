import re

import numpy as np
import pytest

from digitlab.camera import SyntheticPage
from digitlab.errors import SourceError


def frames_of(source):
    with source:
        return [frame.image for frame in iter(source.read, None)]


def test_the_page_sways_and_is_the_same_each_time():
    first, again = (frames_of(SyntheticPage("42", frames=4, realtime=False)) for _ in range(2))
    assert [image.shape for image in first] == [(480, 640, 3)] * 4
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert not np.array_equal(first[0], first[3])


def test_there_is_ink_for_each_digit_and_none_on_an_empty_page():
    def dark(text):
        return int((frames_of(SyntheticPage(text, frames=1, realtime=False))[0].mean(axis=2) < 120).sum())

    assert dark("") == 0
    assert all(dark(str(digit)) > 500 for digit in range(10))
    assert dark("0123456789/0123456789") > dark("01234")


def test_a_single_digit_stands_in_the_middle():
    image = frames_of(SyntheticPage("8", frames=1, realtime=False))[0]
    rows, columns = np.nonzero(image.mean(axis=2) < 120)
    assert 140 <= rows.min() < rows.max() < 340  # S0's region of interest
    assert 220 <= columns.min() < columns.max() < 420


@pytest.mark.parametrize(
    ("text", "digits", "size", "rate"),
    [
        ("synthetic", "0123456789", (640, 480), 30.0),
        ("synthetic:", "0123456789", (640, 480), 30.0),
        ("synthetic:6885/42,1280x720,25fps", "6885/42", (1280, 720), 25.0),
        ("SYNTHETIC:7, 12.5fps", "7", (640, 480), 12.5),
        ("synthetic:blank", "", (640, 480), 30.0),
    ],
)
def test_how_it_is_written(text, digits, size, rate):
    page = SyntheticPage.parse(text)
    assert (page.text, page.size, page.rate) == (digits, size, rate)


@pytest.mark.parametrize(
    "text",
    [
        "synthetic:abc",
        "synthetic:1,huge",
        "synthetic:1,9999x9999",
        "synthetic:" + "1" * 21,
        "synthetic:1,0fps",
        "synthetic:٣",
    ],
)
def test_what_cannot_be_drawn(text):
    with pytest.raises(SourceError, match=rf"^{re.escape(text)}: "):
        SyntheticPage.parse(text)
