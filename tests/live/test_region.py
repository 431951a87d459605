import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.errors import UsageError
from digitlab.live import Region, box_of_text, remembered_region
from digitlab.live.region import default_box
from digitlab.live.remembered import forget_region, remember_region

shares = st.floats(0.0, 1.0, allow_nan=False)


@st.composite
def regions(draw):
    left, right = sorted((draw(shares), draw(shares)))
    top, bottom = sorted((draw(shares), draw(shares)))
    return Region(left * 0.9, top * 0.9, right * 0.9 + 0.1, bottom * 0.9 + 0.1)


def test_the_usual_region_is_that_of_s0():
    assert default_box((480, 640, 3)) == (220, 140, 420, 340)
    assert Region.default((480, 640, 3)).box((480, 640, 3)) == (220, 140, 420, 340)


@pytest.mark.parametrize(
    "shape", [(240, 320), (720, 1280), (1080, 1920), (1280, 720), (64, 64), (16, 400), (20, 20), (1, 1)]
)
def test_it_is_a_square_in_the_middle_of_any_frame(shape):
    x0, y0, x1, y1 = default_box(shape)
    assert Region.default(shape).box(shape) == (x0, y0, x1, y1)
    assert x1 - x0 == y1 - y0
    assert abs((x0 + x1) - shape[1]) <= 1
    assert abs((y0 + y1) - shape[0]) <= 1


@given(regions(), st.integers(1, 2000), st.integers(1, 2000))
def test_a_region_is_a_box_within_any_frame(region, height, width):
    x0, y0, x1, y1 = region.box((height, width))
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height


@given(regions(), st.floats(-2, 2), st.floats(-2, 2))
def test_moved_it_stays_within(region, right, down):
    moved = region.moved(right, down)
    assert moved.right - moved.left == pytest.approx(region.right - region.left, abs=1e-9)


def test_a_box_is_found_again_in_a_frame_of_twice_the_size():
    region = Region.of_box((10, 20, 110, 220), (480, 640))
    assert region.box((480, 640)) == (10, 20, 110, 220)
    assert region.box((960, 1280)) == (20, 40, 220, 440)


def test_what_lies_outside_the_frame_is_cut_off_or_refused():
    assert Region.of_box((600, 400, 900, 900), (480, 640)).box((480, 640)) == (600, 400, 640, 480)
    with pytest.raises(UsageError, match="within the frame of 640×480"):
        Region.of_box((700, 0, 900, 100), (480, 640))


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "1,2,3,4,5", "-1,0,5,5", "0,0,0,5", "1e3,0,5,5"])
def test_texts_that_are_no_box(text):
    with pytest.raises(UsageError, match="region"):
        box_of_text(text)


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5, 0.6), (0.5, 0.1, 0.4, 0.6), (-0.1, 0, 1, 1), (0, 0, 1.1, 1)])
def test_shares_that_are_no_region(shares):
    with pytest.raises(UsageError, match="expected left < right"):
        Region(*shares)


def test_it_is_remembered_until_it_is_forgotten(own_settings):
    assert remembered_region() is None
    remember_region(Region(0.1, 0.2, 0.3, 0.4))
    assert remembered_region() == Region(0.1, 0.2, 0.3, 0.4)
    forget_region()
    assert remembered_region() is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"region": [1, 2]}', '{"region": [0.5, 0, 0.4, 1]}', '{"region": "x"}', "\xff"]
)
def test_a_damaged_settings_file_is_as_none(own_settings, content):
    own_settings.mkdir()
    (own_settings / "live.json").write_bytes(content.encode("latin-1"))
    assert remembered_region() is None
    remember_region(Region(0.1, 0.2, 0.3, 0.4))
    assert remembered_region() == Region(0.1, 0.2, 0.3, 0.4)


def test_other_settings_stay(own_settings):
    own_settings.mkdir()
    (own_settings / "live.json").write_text('{"theme": "dark"}')
    remember_region(Region(0.1, 0.2, 0.3, 0.4))
    assert json.loads((own_settings / "live.json").read_text())["theme"] == "dark"


def test_a_box_of_any_size_is_cut_off_at_the_frame():
    assert Region.of_box(box_of_text(f"0,0,{'9' * 400},60"), (480, 640)).box((480, 640)) == (0, 0, 640, 60)
