from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from digitlab.datasets.transforms import CORRUPTIONS
from digitlab.datasets.transforms.corruptions.light import plasma
from digitlab.datasets.transforms.corruptions.noise import _motion_kernel

# Mean of the corrupted images less that of the clean ones (about 30 of 255): what each must do, roughly.
BRIGHTENING = {
    "shot-noise": (-12, -3),  # white is clipped, half of its counts are below it
    "impulse-noise": (12, 22),
    "glass-blur": (-3, 1),
    "motion-blur": (-2, 2),
    "shear": (-2, 4),
    "scale": (-19, -13),  # an area of 0.49
    "rotate": (-2, 2),
    "brightness": (105, 125),
    "translate": (-2, 2),
    "stripe": (110, 130),
    "fog": (30, 100),
    "spatter": (-2, 12),
    "dotted-line": (3, 12),
    "zigzag": (5, 18),
    "canny-edges": (-10, 10),
}


@pytest.fixture(scope="module")
def corrupted(few):
    return {name: corrupt(few[:100], np.random.default_rng(0)) for name, corrupt in CORRUPTIONS.items()}


def test_there_are_fifteen_named_for_the_command_line():
    assert set(CORRUPTIONS) == set(BRIGHTENING)
    assert len(CORRUPTIONS) == 15


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_image_changes_and_brightness_stays_sane(name, corrupted, few):
    clean = few[:100]
    assert (corrupted[name] != clean).any((1, 2)).all()
    low, high = BRIGHTENING[name]
    assert low < corrupted[name].mean() - clean.mean() < high


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_black_and_white_images_do_no_harm(name):
    plain = np.stack([np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)])
    assert CORRUPTIONS[name](plain, np.random.default_rng(0)).shape == plain.shape


def test_shot_noise_counts_in_thirds_and_keeps_black_black(corrupted, few):
    assert_array_equal(np.unique(corrupted["shot-noise"]), [0, 85, 170, 255])
    assert not corrupted["shot-noise"][few[:100] == 0].any()


def test_impulse_noise_touches_17_percent():
    grey = np.full((50, 28, 28), 100, np.uint8)
    noisy = CORRUPTIONS["impulse-noise"](grey, np.random.default_rng(0))
    assert [(noisy == level).mean() for level in (0, 255)] == pytest.approx([0.085, 0.085], abs=0.007)


def test_glass_blur_keeps_the_ink(few):
    blurred = CORRUPTIONS["glass-blur"](few[:50], np.random.default_rng(0)).sum((1, 2), dtype=float)
    assert_allclose(blurred, few[:50].sum((1, 2), dtype=float), rtol=0.05)


@pytest.mark.parametrize("angle", [-0.78, 0.0, 0.5])
def test_motion_kernels_start_in_the_middle_and_sum_to_1(angle):
    kernel = _motion_kernel(angle)
    assert kernel.sum() == pytest.approx(1)
    assert kernel[20, 20] > 0.15
    assert not kernel[:, :20].any()


def test_scale_turns_a_square_into_a_smaller_one():
    square = np.zeros((1, 28, 28), np.uint8)
    square[:, 4:24, 4:24] = 255
    shrunk = CORRUPTIONS["scale"](square, np.random.default_rng(0))
    assert shrunk.sum() / square.sum() == pytest.approx(0.49, abs=0.01)
    assert_array_equal(shrunk, shrunk[:, ::-1, ::-1])


def test_translate_moves_by_three_both_ways(few):
    moved = CORRUPTIONS["translate"](few[:60], np.random.default_rng(0))
    seen = set()
    for image, result in zip(few, moved, strict=False):
        matches = [
            (down, right)
            for down in (-3, 3)
            for right in (-3, 3)
            if np.array_equal(result[4:-4, 4:-4], np.roll(image, (down, right), (0, 1))[4:-4, 4:-4])
        ]
        assert len(matches) == 1
        seen.update(matches)
    assert len(seen) == 4


@pytest.mark.parametrize("name", ["shear", "rotate"])
def test_both_directions_come_up_equally(name):
    lopsided = np.zeros((400, 28, 28), np.uint8)
    lopsided[:, 4, 13:15] = 255
    columns = CORRUPTIONS[name](lopsided, np.random.default_rng(0)).sum(1, dtype=float)
    middles = columns @ np.arange(28) / columns.sum(1)
    assert 150 < (middles < 13.5).sum() < 250
    assert_allclose(np.abs(middles - 13.5), np.abs(middles - 13.5)[0], atol=0.1)


def test_stripe_is_its_own_inverse(few):
    stripe = CORRUPTIONS["stripe"]
    assert_array_equal(stripe(stripe(few, np.random.default_rng(0)), np.random.default_rng(0)), few)


def test_brightness_clips(few):
    lighter = CORRUPTIONS["brightness"](few, np.random.default_rng(0))
    assert np.abs(lighter - np.minimum(few + 127.5, 255)).max() <= 0.5


def test_fog_is_smooth_and_fills_its_range():
    wibbles = np.random.default_rng(0).uniform(-1, 1, (4, 64, 64)).astype(np.float32)
    fog = plasma(wibbles, 1.4)
    assert_array_equal([fog.min((1, 2)), fog.max((1, 2))], [[0] * 4, [1] * 4])
    assert np.abs(np.diff(fog, axis=2)).mean() < 0.05
    assert np.abs(fog[:, :, 0] - fog[:, :, -1]).mean() < 0.05, "a torus has no seam"


def test_fog_of_no_wibble_is_flat():
    assert not plasma(np.zeros((1, 16, 16), np.float32), 1.4).any()


def test_dotted_line_draws_two_columns_of_four():
    line = CORRUPTIONS["dotted-line"](np.zeros((20, 28, 28), np.uint8), np.random.default_rng(0))
    drawn = line.any(1)
    assert_array_equal(drawn, np.tile(np.arange(28) % 4 >= 2, (20, 1)))


def test_zigzag_crosses_the_image_and_turns_back_and_forth():
    zigzag = CORRUPTIONS["zigzag"](np.zeros((50, 28, 28), np.uint8), np.random.default_rng(0))
    flat = [image for image in zigzag if (image[2:26].max(0)[3:25] > 100).all()]
    assert len(flat) > 20
    for image in flat:
        turns = np.diff(np.sign(np.diff(image.argmax(0)[3:25].astype(int))))
        assert np.count_nonzero(turns) >= 4


def test_canny_edges_are_black_and_white_lines(corrupted):
    assert_array_equal(np.unique(corrupted["canny-edges"]), [0, 255])
    assert corrupted["canny-edges"].any((1, 2)).all()
