from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from digitlab.errors import UsageError
from digitlab.evaluation.seeds import differ, over_seeds


def samples() -> st.SearchStrategy[list[float]]:
    return st.lists(st.integers(9000, 10_000), min_size=2, max_size=8, unique=True).map(
        lambda values: [value / 10_000 for value in values]
    )


@settings(max_examples=50, deadline=None)
@given(samples(), samples())
def test_the_difference_is_welchs_as_scipy_has_it(first: list[float], second: list[float]) -> None:
    ours = differ(first, second)
    theirs = stats.ttest_ind(first, second, equal_var=False)
    low, high = theirs.confidence_interval(0.95)
    assert ours.interval == pytest.approx((low, high), rel=1e-9, abs=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(samples())
def test_the_mean_has_students_interval(values: list[float]) -> None:
    spread = over_seeds(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert spread.interval == pytest.approx((low, high), rel=1e-9)
    assert spread.deviation == pytest.approx(np.std(values, ddof=1))
    assert spread.spreads


def test_a_share_has_no_interval_beyond_all() -> None:
    spread = over_seeds([0.985, 0.99], shares=True)
    assert spread.interval is not None
    assert spread.interval.high == 1.0
    assert over_seeds([0.985, 0.99]).interval == pytest.approx((0.95573, 1.01927), abs=1e-5)


def test_one_value_has_no_spread() -> None:
    spread = over_seeds([0.99])
    assert (spread.mean, spread.deviation, spread.interval) == (0.99, None, None)
    assert not spread.spreads


def test_equal_values_do_not_spread_by_rounding() -> None:
    assert not over_seeds([0.9912] * 3).spreads
    assert not over_seeds([0.1 + 0.2, 0.3]).spreads


def test_one_value_against_several_is_as_uncertain_as_one_more_of_them() -> None:
    several = [0.990, 0.992, 0.991, 0.993]
    inside, outside = differ([0.9915], several), differ([0.95], several)
    assert inside.p > 0.5
    assert outside.p < 0.01
    assert differ(several, [0.95]).interval == pytest.approx([-end for end in reversed(outside.interval)])
    reach = stats.t.ppf(0.975, 3) * np.std(several, ddof=1) * np.sqrt(1 + 1 / 4)
    assert outside.interval.high - outside.difference == pytest.approx(reach)


def test_where_nothing_spreads_the_interval_is_the_difference() -> None:
    same, apart = differ([0.9, 0.9], [0.9, 0.9, 0.9]), differ([0.9, 0.9], [0.8, 0.8])
    assert (same.difference, same.interval, same.p) == (0.0, (0.0, 0.0), 1.0)
    assert apart.interval == pytest.approx((0.1, 0.1))
    assert apart.p == 0.0


@pytest.mark.parametrize(("first", "second"), [([], [1.0, 2.0]), ([1.0], [2.0]), ([1.0, 2.0], [])])
def test_too_few_values_are_refused(first: list[float], second: list[float]) -> None:
    with pytest.raises(UsageError, match="two or more on one of them"):
        differ(first, second)
    with pytest.raises(UsageError, match="no value"):
        over_seeds([])
