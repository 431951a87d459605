from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.datasets.transforms import cut_out
from digitlab.errors import ShapeError, UsageError

WHITE = np.full((500, 28, 28), 255, np.uint8)


@given(st.integers(1, 28), st.integers(0, 2**32))
def test_what_is_hidden_is_one_square_in_each_image(size, seed):
    hidden = cut_out(WHITE[:20], np.random.default_rng(seed), size=size) == 0
    rows, columns = hidden.any(2), hidden.any(1)
    np.testing.assert_array_equal(hidden, rows[:, :, None] & columns[:, None, :])
    for along in (rows, columns):
        count = along.sum(1)
        assert (count >= size // 2).all()
        assert (count <= size).all()
        inside = ~(along[:, 0] | along[:, -1])
        assert (count[inside] == size).all()


def test_the_rest_stays_and_the_originals_too(few):
    before = few.copy()
    cut = cut_out(few, np.random.default_rng(0))
    np.testing.assert_array_equal(few, before)
    assert ((cut == few) | (cut == 0)).all()
    assert cut.dtype == np.uint8


def test_a_row_does_not_depend_on_the_number_of_rows(few):
    some, all_ = (cut_out(few[:count], np.random.default_rng(9)) for count in (7, 230))
    np.testing.assert_array_equal(some, all_[:7])


def test_every_pixel_is_a_centre_alike():
    hidden = cut_out(np.repeat(WHITE, 40, axis=0), np.random.default_rng(0), size=1) == 0
    assert (hidden.sum((1, 2)) == 1).all()
    counts = hidden.sum(0)
    expected = len(hidden) / 784
    assert np.abs(counts - expected).max() < 6 * np.sqrt(expected)


def test_no_images_give_no_images():
    assert cut_out(np.empty((0, 28, 28), np.uint8), np.random.default_rng(0)).shape == (0, 28, 28)


@pytest.mark.parametrize("size", [0, -1, 29])
def test_other_sizes_are_refused(size):
    with pytest.raises(UsageError, match="expected 1 to 28"):
        cut_out(WHITE[:1], np.random.default_rng(0), size=size)


def test_other_images_are_refused():
    with pytest.raises(ShapeError):
        cut_out(np.zeros((1, 32, 32), np.uint8), np.random.default_rng(0))
