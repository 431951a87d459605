from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from digitlab.datasets.transforms import sobel_images
from digitlab.datasets.transforms.plain_loop import sobel_one
from digitlab.datasets.transforms.sobel import edge_strength, to_full_range
from digitlab.errors import ShapeError

SOME = arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(28), st.just(28)))


def strengths_one_by_one(images):
    """|gx| + |gy| by a call of OpenCV for each image, with OpenCV's own border."""
    pairs = [[cv2.Sobel(image, cv2.CV_64F, *d, ksize=5) for d in ((1, 0), (0, 1))] for image in images]
    return np.abs(np.array(pairs)).sum(1)


@given(SOME)
@settings(max_examples=30, deadline=None)
def test_does_not_see_polarity(images):
    assert_array_equal(sobel_images(images), sobel_images(255 - images))


@given(SOME, st.integers(2, 5), st.integers(0, 45))
@settings(max_examples=30, deadline=None)
def test_does_not_see_contrast_or_light(images, gain, offset):
    dark = images // 6
    assert_array_equal(sobel_images(dark), sobel_images(dark * np.uint8(gain) + np.uint8(offset)))


@given(SOME)
@settings(max_examples=30, deadline=None)
def test_goes_from_0_to_255_or_is_all_0(images):
    for image in sobel_images(images):
        assert (image.min(), image.max()) in {(0, 255), (0, 0)}


def test_strength_is_that_of_one_image_at_a_time(few):
    assert_array_equal(edge_strength(few), strengths_one_by_one(few))


def test_strength_is_exact_up_to_sixteen_bits():
    images = np.random.default_rng(0).integers(0, 65_536, (150, 28, 28)).astype(np.float32)
    images[:20] = np.where(images[:20] > 32_000, 65_535, 0)
    assert_array_equal(edge_strength(images), strengths_one_by_one(images))


def test_stretch_is_the_whole_part_of_the_exact_quotient(few):
    strength = edge_strength(few).astype(np.int64).reshape(len(few), -1)
    low, high = strength.min(1, keepdims=True), strength.max(1, keepdims=True)
    assert_array_equal(sobel_images(few).reshape(len(few), -1), 255 * (strength - low) // (high - low))


def test_agrees_with_s0_but_where_its_rounding_falls_below_a_whole_number(few):
    ours, theirs = sobel_images(few).astype(int), np.stack([sobel_one(image) for image in few]).astype(int)
    strength = strengths_one_by_one(few)
    low, high = strength.min((1, 2), keepdims=True), strength.max((1, 2), keepdims=True)
    whole = (255 * (strength - low)) % (high - low) == 0
    assert_array_equal(ours[~whole], theirs[~whole])
    assert set(np.unique(ours - theirs)) <= {0, 1}


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_one_grey_gives_zeros(grey):
    assert not sobel_images(np.full((2, 28, 28), grey, np.uint8)).any()


def test_stretch_does_not_mix_images():
    strength = np.zeros((2, 28, 28), np.float32)
    strength[0, 0, 0], strength[1, 0, 0] = 10, 1000
    strength[0, 0, 1], strength[1, 0, 1] = 5, 5
    assert_array_equal(to_full_range(strength)[:, 0, :2], [[255, 127], [255, 1]])


def test_takes_views_and_read_only_images(few):
    view = few[::-2]
    view.setflags(write=False)
    assert_array_equal(sobel_images(view), sobel_images(few)[::-2])


def test_refuses_other_shapes():
    with pytest.raises(ShapeError, match="received float64"):
        sobel_images(np.zeros((1, 28, 28)))  # type: ignore[arg-type]
