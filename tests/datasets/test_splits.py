from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.datasets import hold_out
from digitlab.errors import UsageError
from digitlab.values import Digits


@given(st.lists(st.integers(0, 9), min_size=1, max_size=200), st.floats(0.05, 0.95))
def test_both_parts_together_are_the_whole_in_order(labels: list[int], fraction: float) -> None:
    numbers = np.arange(len(labels), dtype=np.uint8)
    whole = Digits(np.broadcast_to(numbers[:, None, None], (len(labels), 28, 28)), np.array(labels, np.uint8))
    kept, held = hold_out(whole, fraction)
    kept_rows, held_rows = kept.images[:, 0, 0], held.images[:, 0, 0]
    assert sorted([*kept_rows, *held_rows]) == numbers.tolist()
    assert (np.diff(kept_rows.astype(int)) > 0).all()
    for label in range(10):
        share = (held.labels == label).sum() - fraction * (whole.labels == label).sum()
        assert abs(share) <= 0.5 + 1e-9
        if (kept.labels == label).any() and (held.labels == label).any():
            assert kept_rows[kept.labels == label].max() < held_rows[held.labels == label].min()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_must_leave_something_on_both_sides(fraction: float) -> None:
    with pytest.raises(UsageError, match="more than 0 and less than 1"):
        hold_out(Digits(np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8)), fraction)
