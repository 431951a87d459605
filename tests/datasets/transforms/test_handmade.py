from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from digitlab.datasets.transforms import handmade_blocks, make_handmade, plain_loop, sobel_images, transform_images
from digitlab.datasets.transforms.batches import generator
from digitlab.datasets.transforms.handmade import NOISE_DEVIATION, Changes, draw_changes, move_images, noisy_sobel
from digitlab.datasets.transforms.plain_loop import move_one, transform_with
from digitlab.errors import UsageError
from digitlab.values import Digits


def moved_one_by_one(images, changes):
    return np.stack(
        [move_one(*row) for row in zip(images, changes.scales, changes.angles, changes.shifts, strict=True)]
    )


def still(count, **given):
    changes = {"scales": 1.0, "angles": 0, "shifts": (0, 0), **given}
    shapes = {"scales": (count,), "angles": (count,), "shifts": (count, 2)}
    return Changes(**{name: np.broadcast_to(np.array(value), shapes[name]) for name, value in changes.items()})


def test_drawn_changes_fill_their_ranges():
    changes = draw_changes(np.random.default_rng(0), 20_000)
    assert (changes.scales.min(), changes.scales.max()) == (0.5, 1.5)
    assert_array_equal(changes.scales, np.round(changes.scales, 2))
    assert_array_equal(np.unique(changes.angles), np.arange(-20, 21))
    large = changes.scales > 1
    for rows, right, down in ((large, range(-2, 3), range(-2, 2)), (~large, range(-4, 5), range(-4, 3))):
        assert_array_equal(np.unique(changes.shifts[rows, 0]), right)
        assert_array_equal(np.unique(changes.shifts[rows, 1]), down)


def test_drawn_angles_are_even():
    counts = np.bincount(draw_changes(np.random.default_rng(1), 41_000).angles + 20)
    assert abs(counts - 1000).max() < 160  # five deviations


def test_moves_as_the_plain_loop_to_one_level_a_step(few):
    changes = draw_changes(np.random.default_rng(3), len(few))
    difference = np.abs(move_images(few, changes).astype(int) - moved_one_by_one(few, changes))
    assert difference.max() <= 2
    assert (difference > 0).mean() < 0.05


@pytest.mark.parametrize("scale", [0.5, 0.51, 0.73, 0.98, 0.99, 1.0, 1.01, 1.02, 1.03, 1.27, 1.5])
def test_scales_as_opencv(few, scale):
    changes = still(100, scales=scale)
    difference = np.abs(move_images(few[:100], changes).astype(int) - moved_one_by_one(few[:100], changes))
    assert difference.max() <= 1


def test_makes_the_plain_loops_images(few):
    changes = draw_changes(np.random.default_rng(4), len(few))
    noise = np.random.default_rng(5).standard_normal(few.shape)
    ours = noisy_sobel(move_images(few, changes), noise.astype(np.float32))
    difference = np.abs(ours.astype(int) - transform_with(few, changes, noise * NOISE_DEVIATION))
    assert difference.max() <= 4
    assert (difference > 1).mean() < 0.001
    assert (difference > 0).mean() < 0.1


def test_noise_and_sobel_alone_differ_by_one_level_at_most(few):
    noise = np.random.default_rng(5).standard_normal(few.shape)
    theirs = transform_with(few, still(len(few)), noise * NOISE_DEVIATION)
    difference = np.abs(noisy_sobel(few, noise.astype(np.float32)).astype(int) - theirs)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.003


def test_the_plain_loop_makes_the_same_kind_of_images(digits):
    ours = transform_images(digits.images[:400], np.random.default_rng(0))
    theirs = plain_loop(digits.images[:400], np.random.default_rng(0))
    assert theirs.shape == ours.shape
    assert abs(ours.mean() - theirs.mean()) < 1.5
    assert abs(ours.std() - theirs.std()) < 1.5


@given(st.integers(-4, 4), st.integers(-4, 2))
@settings(max_examples=20, deadline=None)
def test_a_shift_moves_every_pixel_and_leaves_0_behind(right, down):
    image = np.random.default_rng(0).integers(1, 256, (1, 28, 28), np.uint8)
    moved = move_images(image, still(1, shifts=(right, down)))[0]
    rows, columns = np.mgrid[:28, :28] - np.array([down, right])[:, None, None]
    inside = (rows >= 0) & (rows < 28) & (columns >= 0) & (columns < 28)
    assert_array_equal(moved[inside], image[0][rows[inside], columns[inside]])
    assert not moved[~inside].any()


def test_what_leaves_the_frame_by_rotation_does_not_come_back_by_the_shift():
    image = np.full((1, 28, 28), 255, np.uint8)
    moved = move_images(image, still(1, angles=20, shifts=(4, 2)))[0]
    assert not moved[:2].any()
    assert not moved[:, :4].any()


@pytest.mark.parametrize(("plain", "transformed"), [(1, 0), (0, 1), (1, 1), (2, 3)])
def test_makes_copy_after_copy_with_their_labels(digits, plain, transformed):
    some = digits[slice(0, 40)]
    made = make_handmade(some, plain, transformed, seed=7)
    assert len(made) == 40 * (plain + transformed)
    assert_array_equal(made.labels, np.tile(some.labels, plain + transformed))
    for copy in range(plain):
        assert_array_equal(made.images[40 * copy : 40 * (copy + 1)], sobel_images(some.images))
    for copy in range(transformed):
        start = 40 * (plain + copy)
        assert_array_equal(made.images[start : start + 40], transform_images(some.images, generator(7, copy, 0)))


def test_sets_share_their_transformed_copies(digits):
    one, six = (make_handmade(digits, 0, number, seed=1) for number in (1, 2))
    both = make_handmade(digits, 1, 2, seed=1)
    assert_array_equal(six.images[: len(digits)], one.images)
    assert_array_equal(both.images[len(digits) :], six.images)
    assert (six.images[: len(digits)] != six.images[len(digits) :]).any()


def test_threads_do_not_change_the_bytes(digits):
    one, two = (make_handmade(digits, 1, 2, seed=3, jobs=jobs) for jobs in (1, 2))
    assert_array_equal(one.images, two.images)
    assert_array_equal(one.labels, two.labels)


def test_blocks_are_small_and_lazy(digits):
    blocks = handmade_blocks(digits, 1, 10**9, seed=0, jobs=2)
    assert [len(next(blocks)) for _ in range(4)] == [1000, 203, 1000, 203]
    blocks.close()  # type: ignore[attr-defined]


def test_no_copies_or_no_images_make_an_empty_set(digits):
    none = Digits(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8))
    assert len(make_handmade(digits, 0, 0, seed=0)) == 0
    assert len(make_handmade(none, 1, 6, seed=0)) == 0


def test_refuses_negative_copies(digits):
    with pytest.raises(UsageError, match="copies are -1 plain and 2 transformed"):
        make_handmade(digits, -1, 2, seed=0)
