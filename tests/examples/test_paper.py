from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from digitlab.datasets import load_dataset
from digitlab.errors import ShapeError, UsageError
from digitlab.examples.handwriting import stroke
from digitlab.examples.paper import Layout, paper_page
from digitlab.examples.paper_video import digits_of
from digitlab.examples.simulated_camera import MARGIN, hand_motion, held_still


@pytest.mark.parametrize("seed", range(4))
def test_digits_are_dark_on_lit_paper_where_the_boxes_say(seed):
    page = paper_page(digits_of("2017\n83", seed=seed), seed=seed)
    light = page.image.mean(axis=2)
    written = np.zeros(light.shape, bool)
    for x0, y0, x1, y1 in page.boxes:
        written[y0:y1, x0:x1] = True
        assert light[y0:y1, x0:x1].min() < 0.6 * np.median(light)
        for edge in (light[y0, x0:x1], light[y1 - 1, x0:x1], light[y0:y1, x0], light[y0:y1, x1 - 1]):
            assert edge.min() < 0.9 * np.median(light)  # the box is tight
    around = light[~written]
    assert np.percentile(around, 1) > 90
    assert (around < 80).mean() < 0.002  # what the lens blurs over the edge of a box
    assert page.text == "2017\n83"
    assert len(page.boxes) == 6


@settings(max_examples=15, deadline=None)
@given(st.text("0123456789", min_size=1, max_size=8), st.integers(0, 1000))
def test_boxes_are_in_the_picture_in_reading_order_and_apart(text, seed):
    boxes = paper_page(digits_of(text, seed=seed), seed=seed).boxes
    assert all(0 <= x0 < x1 <= 640 and 0 <= y0 < y1 <= 480 for x0, y0, x1, y1 in boxes)
    assert all(left[2] < right[0] for left, right in pairwise(boxes))


def test_a_few_digits_are_as_tall_as_asked():
    page = paper_page(digits_of("853"), Layout(digit_height=100))
    assert all(80 <= y1 - y0 <= 110 for _, y0, _, y1 in page.boxes)


def test_the_seed_decides_all():
    first, again, other = (paper_page(digits_of("5"), seed=seed).image for seed in (1, 1, 2))
    assert_array_equal(first, again)
    assert (first != other).any()


def test_a_pen_has_its_colour():
    page = paper_page(digits_of("8"), Layout(pen="blue"))
    x0, y0, x1, y1 = page.boxes[0]
    inside = page.image[y0:y1, x0:x1].reshape(-1, 3).astype(int)
    red, _, blue = inside[inside.sum(axis=1).argmin()]
    assert blue > red + 30


def test_paper_may_stay_empty():
    page = paper_page([], Layout((320, 240)))
    assert page.image.shape == (240, 320, 3)
    assert (page.boxes, page.text) == ((), "")


def test_too_many_digits_are_refused():
    with pytest.raises(UsageError, match="do not fit"):
        paper_page(digits_of("1234567890" * 8))


@pytest.mark.parametrize("arguments", [{"pen": "green"}, {"size": (20, 480)}])
def test_an_impossible_layout_is_refused(arguments):
    with pytest.raises(UsageError):
        Layout(**arguments)


@given(st.integers(0, 9999), st.floats(1.0, 8.0))
@settings(max_examples=60, deadline=None)
def test_a_stroke_keeps_the_size_of_its_digit(row, scale):
    image = load_dataset("mnist").split("test").images[row]
    coverage = stroke(image, scale)
    assert coverage.dtype == np.float32
    assert 0.0 <= coverage.min() <= coverage.max() <= 1.0
    assert abs(max(coverage.shape) - 20 * scale) <= 2.5 * scale


def test_an_empty_digit_is_refused():
    with pytest.raises(ShapeError, match="ink"):
        stroke(np.zeros((28, 28), np.uint8), 4.0)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_hand_moves_a_little_and_smoothly(seed):
    poses = hand_motion(300, fps=30, size=(640, 480), seed=seed)
    corners = np.array([(0, 0, 1), (640, 0, 1), (0, 480, 1), (640, 480, 1)], float) + np.array([MARGIN, MARGIN, 0])
    seen = corners @ np.moveaxis(poses, 1, 2)
    away = np.linalg.norm(seen - corners @ held_still().T, axis=2)
    assert away.max() < MARGIN
    assert np.linalg.norm(np.diff(seen, axis=0), axis=2).max() < 5.0
    assert np.degrees(np.abs(np.arctan2(poses[:, 1, 0], poses[:, 0, 0]))).max() <= 2.0


def test_text_becomes_its_digits():
    first, second = digits_of("09\n3")
    assert (first.labels.tolist(), second.labels.tolist()) == ([0, 9], [3])


@pytest.mark.parametrize("text", ["", "12a", "1\n\n2", "-1", "²", "١"])
def test_text_that_is_no_number_is_refused(text):
    with pytest.raises(UsageError, match="not a number"):
        digits_of(text)
