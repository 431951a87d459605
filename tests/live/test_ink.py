import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.live.frame_reading import look
from digitlab.live.ink import FrameInk, compared, cut_patch

BOX = (100, 80, 150, 160)
PAPER, INK = (235, 230, 220), (40, 45, 90)


def page(*lines, paper=PAPER, ink=INK, size=(240, 320)):
    image = np.full((*size, 3), paper, np.uint8)
    for start, end in lines:
        cv2.line(image, start, end, ink, 7, cv2.LINE_AA)
    return image


SEVEN = (((105, 85), (145, 85)), ((145, 85), (120, 155)))
BAR = ((110, 120), (145, 120))


@pytest.fixture
def seven():
    return cut_patch(page(*SEVEN), BOX, 0.3)


def test_ink_that_stays_is_the_same_and_a_bar_more_is_not(seven):
    assert compared(seven, page(*SEVEN), BOX)[0] == "same"
    assert compared(seven, page(*SEVEN, BAR), BOX)[0] == "changed"
    barred = cut_patch(page(*SEVEN, BAR), BOX, 0.3)
    assert compared(barred, page(*SEVEN), BOX)[0] == "wiped"  # the bar became paper


def test_ink_that_is_gone_is_erased_and_a_hand_over_it_covers_it(seven):
    assert compared(seven, page(), BOX)[0] == "erased"
    half = page(*SEVEN)
    half[115:] = PAPER  # an eraser
    assert compared(seven, half, BOX)[0] == "wiped"
    covered = page(*SEVEN)
    covered[110:, 90:160] = (205, 160, 130)
    assert compared(seven, covered, BOX)[0] == "covered"


@pytest.mark.parametrize("thickness", [3, 12, 24])
@pytest.mark.parametrize("margin", [0.3, -0.06])
def test_thick_strokes_that_are_gone_are_erased_too(thickness, margin):
    box = BOX if margin > 0 else (60, 40, 200, 200)
    thick = page()
    for start, end in SEVEN:
        cv2.line(thick, start, end, INK, thickness, cv2.LINE_AA)
    patch = cut_patch(thick, box, margin)
    assert patch is not None
    assert compared(patch, thick, box)[0] == "same"
    assert compared(patch, page(), box)[0] == "erased"
    more = thick.copy()
    cv2.line(more, (100, 120), (110, 150), INK, max(7, thickness), cv2.LINE_AA)
    assert compared(patch, more, box)[0] == "changed"


@settings(deadline=None)
@given(st.floats(0.5, 1.1), st.integers(-4, 4), st.integers(-4, 4), st.integers(0, 99))
def test_light_shaking_hands_and_grain_change_nothing(gain, right, down, seed):
    patch = cut_patch(page(*SEVEN), BOX, 0.3)
    assert patch is not None
    moved = np.roll(page(*SEVEN), (down, right), (0, 1)).astype(np.float32) * gain
    moved += np.random.default_rng(seed).normal(0, 4, moved.shape)
    assert compared(patch, np.clip(moved, 0, 255).astype(np.uint8), BOX)[0] == "same"


def test_what_moves_behind_ink_of_another_colour_changes_nothing():
    """Ink that a program lays over the picture of a webcam."""
    green = {"ink": (20, 220, 40)}
    patch = cut_patch(page(*SEVEN, paper=(120, 110, 105), **green), BOX, 0.3)
    behind = page(paper=(120, 110, 105))
    behind[60:130, 80:125] = (95, 80, 90)
    for start, end in SEVEN:
        cv2.line(behind, start, end, green["ink"], 7, cv2.LINE_AA)
    assert compared(patch, behind, BOX)[0] == "same"


def test_a_page_held_by_a_hand_stays_the_same(page_of, reader):
    first, *later = page_of("68")
    for found in look(first, "page", (0, 0, 1, 1), reader).detections:
        patch = cut_patch(first, found.box, found.margin)
        for image in later:
            assert compared(patch, image, found.box)[0] == "same"


def test_new_ink_is_seen_anywhere_and_only_once(seven):
    frames = FrameInk()
    for number in range(4):
        assert not frames.new(page(*SEVEN), number / 10, (0.0, 0.0), [seven])
    stroke = ((220, 60), (220, 180))
    seen = [frames.new(page(*SEVEN, stroke), 0.4 + number / 10, (0.0, 0.0), [seven]) for number in range(6)]
    assert seen.count(True) == 1
    assert True in seen[:3]


@pytest.mark.parametrize("size", [(320, 240), (1, 300), (300, 1), (480, 640)])
def test_a_camera_may_be_turned_or_set_to_another_size(size):
    frames, blank = FrameInk(), np.full((*size, 3), PAPER, np.uint8)
    for number in range(12):
        image = page(*SEVEN) if number // 3 % 2 == 0 else blank
        assert not frames.new(image, number * 0.04, (0.0, 0.0))


def test_ink_close_to_a_digit_and_things_of_another_colour_do_not_count(seven):
    frames = FrameInk()
    frames.new(page(*SEVEN), 0.0, (0.0, 0.0), [seven])
    other = page(*SEVEN, BAR)
    cv2.line(other, (220, 60), (220, 180), (210, 60, 50), 7)
    assert not any(frames.new(other, 0.1 + number / 10, (0.0, 0.0), [seven]) for number in range(5))
