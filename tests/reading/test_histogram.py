"""Medians by counting are those by sorting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from digitlab.reading.histogram import counted, distances, lower_median, quantile

pictures = arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@given(pictures, st.floats(0.0, 1.0))
def test_medians_and_shares_are_those_of_the_sorted_pixels(picture: NDArray[np.uint8], share: float) -> None:
    counts = counted(picture)
    assert counts.sum() == picture.size
    assert quantile(counts, 0.5) == np.median(picture)
    assert lower_median(counts) == np.quantile(picture, 0.5, method="inverted_cdf")
    assert quantile(counts, share) == pytest.approx(np.quantile(picture, share))


@given(pictures, st.integers(0, 255))
def test_distances_are_those_of_each_pixel(picture: NDArray[np.uint8], level: int) -> None:
    away = np.abs(picture.astype(int) - level)
    assert distances(counted(picture), level).tolist() == np.bincount(away.ravel(), minlength=256).tolist()
