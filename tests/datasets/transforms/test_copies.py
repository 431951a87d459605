from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets.transforms import MOST_COPIES, mean_answer, tta_copies
from digitlab.errors import UsageError


def test_the_first_copy_is_the_images_themselves_and_the_others_differ(few):
    copies = list(tta_copies(few, MOST_COPIES))
    np.testing.assert_array_equal(copies[0], few)
    assert len({copy.tobytes() for copy in copies}) == MOST_COPIES
    assert all(copy.shape == few.shape and copy.dtype == np.uint8 for copy in copies)


def test_the_next_four_are_moved_by_a_pixel(few):
    _, right, left, down, up = tta_copies(few, 5)
    np.testing.assert_array_equal(right[:, :, 1:], few[:, :, :-1])
    np.testing.assert_array_equal(left[:, :, :-1], few[:, :, 1:])
    np.testing.assert_array_equal(down[:, 1:], few[:, :-1])
    np.testing.assert_array_equal(up[:, :-1], few[:, 1:])
    assert not right[:, :, 0].any()


@pytest.mark.parametrize("count", range(1, MOST_COPIES + 1, 2))
def test_an_odd_number_of_copies_moves_nothing_on_the_whole(few, count):
    mean = np.mean(list(tta_copies(few, count)), axis=0)
    places = np.arange(28)
    for axis in (1, 2):
        before, after = (each.sum(axis) @ places / each.sum((1, 2)) for each in (few.astype(float), mean))
        assert np.abs(before - after).mean() < 0.02


@pytest.mark.parametrize("count", [1, 5])
def test_the_mean_answer_is_that_of_the_copies(few, count):
    def answer(images):
        return images[:, 4:14, 9].astype(np.float32) / 255

    expected = np.mean([answer(copy) for copy in tta_copies(few, count)], axis=0)
    found = mean_answer(answer, few, count)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("count", [0, -3, MOST_COPIES + 1])
def test_other_counts_are_refused_at_once(few, count):
    with pytest.raises(UsageError, match=f"expected 1 to {MOST_COPIES}"):
        tta_copies(few, count)
