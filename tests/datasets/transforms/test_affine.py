from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from digitlab.datasets.transforms import augment_affine, realtime_images, sobel_images
from digitlab.datasets.transforms.affine import AffineRanges, draw_matrices
from digitlab.datasets.transforms.warp import about_centre, warp
from digitlab.errors import ShapeError, UsageError

PADDING = {"constant": "constant", "nearest": "edge", "reflect": "symmetric", "wrap": "wrap"}


def bilinear(image, matrix, fill):
    """The plain definition, in 64-bit numbers, on an image padded by 40 pixels."""
    padded = np.pad(image.astype(float), 40, mode=PADDING[fill])  # type: ignore[call-overload]
    x, y = np.einsum("ij,jrc->irc", matrix, np.stack([*np.mgrid[:28, :28][::-1], np.ones((28, 28))])) + 40
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, low = x - left, y - top
    above = padded[top, left] * (1 - right) + padded[top, left + 1] * right
    below = padded[top + 1, left] * (1 - right) + padded[top + 1, left + 1] * right
    return above * (1 - low) + below * low


@pytest.mark.parametrize("fill", PADDING)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_warp_is_bilinear_with_each_fill(fill, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (3, 28, 28), np.uint8)
    matrices = draw_matrices(rng, 3, AffineRanges(rotation=90, width_shift=0.3, height_shift=0.3, shear=20, zoom=0.3))
    expected = np.stack([bilinear(image, matrix, fill) for image, matrix in zip(images, matrices, strict=True)])
    assert np.abs(warp(images, matrices, fill) - expected).max() < 0.6  # half a level, and float32 coordinates


@pytest.mark.parametrize("fill", PADDING)
def test_nothing_to_do_changes_nothing(few, fill):
    assert_array_equal(
        augment_affine(few, np.random.default_rng(0), rotation=0, width_shift=0, shear=0, zoom=0, fill=fill), few
    )
    assert_array_equal(warp(few, about_centre(np.tile(np.eye(2), (len(few), 1, 1))), fill), few)


def test_wrapping_round_by_whole_images_changes_nothing(few):
    identity = np.tile(np.eye(2), (len(few), 1, 1))
    assert_array_equal(warp(few, about_centre(identity, np.full((len(few), 2), 28.0)), "wrap"), few)
    assert_array_equal(warp(few, about_centre(identity, np.full((len(few), 2), -56.0)), "reflect"), few)


def test_a_full_turn_of_four_quarters_changes_nothing(few):
    quarter = about_centre(np.tile([[0.0, -1.0], [1.0, 0.0]], (len(few), 1, 1)))
    assert_array_equal(warp(few, quarter), np.rot90(few, axes=(1, 2)))


def test_matrices_compose_as_keras_does():
    """Rotation, shift, shear, zoom about (13.5, 13.5), spelled out for one set of drawn numbers."""
    ranges = AffineRanges(rotation=20, width_shift=0.1, height_shift=0.2, shear=10, zoom=0.3)
    drawn = np.random.default_rng(9).uniform(-1, 1, 6)
    turn, slant = np.deg2rad(20 * drawn[0]), np.deg2rad(10 * drawn[1])
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    shift = np.array([[1, 0, 2.8 * drawn[2]], [0, 1, 5.6 * drawn[3]], [0, 0, 1]])
    shear = np.array([[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]])
    zoom = np.diag([1 + 0.3 * drawn[4], 1 + 0.3 * drawn[5], 1])
    to, back = np.eye(3), np.eye(3)
    to[:2, 2], back[:2, 2] = 13.5, -13.5
    expected = to @ rotation @ shift @ shear @ zoom @ back
    assert_allclose(draw_matrices(np.random.default_rng(9), 1, ranges)[0], expected[:2], atol=1e-12)


def test_drawn_numbers_stay_in_their_ranges():
    shifts = draw_matrices(np.random.default_rng(0), 5000, AffineRanges(width_shift=0.02, height_shift=0.1))[:, :, 2]
    assert 0.5 < np.abs(shifts[:, 0]).max() <= 0.56
    assert 2.7 < np.abs(shifts[:, 1]).max() <= 2.8
    turns = draw_matrices(np.random.default_rng(0), 5000, AffineRanges(rotation=8))[:, 1, 0]
    assert 7.9 < np.rad2deg(np.arcsin(np.abs(turns).max())) <= 8
    zooms = draw_matrices(np.random.default_rng(0), 5000, AffineRanges(zoom=0.08))
    assert_allclose([zooms[:, 0, 0].min(), zooms[:, 1, 1].max()], [0.92, 1.08], atol=1e-3)
    assert (zooms[:, 0, 0] != zooms[:, 1, 1]).any()


def test_s1_moves_little(few):
    changed = augment_affine(few, np.random.default_rng(0))
    assert (changed != few).any((1, 2)).all()
    assert abs(changed.mean() / few.mean() - 1) < 0.05


def test_realtime_images_are_sobel_images(few):
    images = realtime_images(few, np.random.default_rng(0))
    assert_array_equal(images.max((1, 2)), np.full(len(few), 255))
    assert (images != sobel_images(few)).any((1, 2)).all()


@pytest.mark.parametrize("wrong", [{"rotation": -1}, {"zoom": 1}, {"shear": float("nan")}, {"fill": "mirror"}])
def test_refuses_impossible_ranges(few, wrong):
    with pytest.raises(UsageError, match="expected"):
        augment_affine(few, np.random.default_rng(0), **wrong)


def test_refuses_another_number_of_matrices(few):
    with pytest.raises(ShapeError, match="matrices"):
        warp(few, np.zeros((1, 2, 3)))
