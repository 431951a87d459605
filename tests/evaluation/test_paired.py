from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import ShapeError
from digitlab.evaluation import log_loss_of
from digitlab.evaluation.intervals import wilson
from digitlab.evaluation.paired import Paired, disagreements, judge, losses_of, paired_interval, resampled_means

counts = st.integers(0, 200)


def sure_of(digits: np.ndarray) -> np.ndarray:
    """Probabilities: nine tenths for these digits."""
    return np.where(np.eye(10)[digits] > 0, 0.91, 0.01).astype(np.float32)


def answers(both: int, only_first: int, only_second: int, neither: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two networks' answers with these counts, and the labels."""
    labels = np.arange(both + only_first + only_second + neither) % 10
    right = [np.repeat(which, (both, only_first, only_second, neither)) for which in ([1, 1, 0, 0], [1, 0, 1, 0])]
    first, second = (sure_of(np.where(each == 1, labels, (labels + 1) % 10)) for each in right)
    return first, second, labels


def compare_pair(first: np.ndarray, second: np.ndarray, labels: np.ndarray, seed: int = 0) -> Paired:
    losses = losses_of([first, second], labels)
    return judge((first, second), labels, losses[0] - losses[1], resampled_means(losses[:1] - losses[1:], seed)[:, 0])


@settings(max_examples=60, deadline=None)
@given(counts, counts, counts, counts)
def test_the_counts_and_the_exact_test(both: int, only_first: int, only_second: int, neither: int) -> None:
    if not both + only_first + only_second + neither:
        return
    first, second, labels = answers(both, only_first, only_second, neither)
    pair = compare_pair(first, second, labels)
    assert (pair.both, pair.only_first, pair.only_second, pair.neither) == (both, only_first, only_second, neither)
    assert len(pair.differing) == only_first + only_second
    # A fair coin, thrown for each image that only one got right: heads so far from the middle, or further.
    alone = only_first + only_second
    fewer = min(only_first, only_second)
    tail = sum(math.comb(alone, heads) for heads in range(fewer + 1)) / 2**alone
    assert pair.p == pytest.approx(min(1.0, 2 * tail))
    assert pair.accuracy == pytest.approx(
        (only_first - only_second) / len(answers(both, only_first, only_second, neither)[2])
    )


@given(counts, counts, counts, counts)
def test_the_interval_holds_the_difference_and_turns_with_the_pair(both: int, one: int, other: int, none: int) -> None:
    count = both + one + other + none
    if not count:
        return
    low, high = paired_interval(both, one, other, none)
    assert -1 - 1e-9 <= low <= (one - other) / count <= high <= 1 + 1e-9
    assert (-high, -low) == pytest.approx(paired_interval(both, other, one, none))


def test_the_interval_is_narrower_than_that_of_answers_to_different_images() -> None:
    low, high = paired_interval(9850, 60, 40, 50)
    apart = [wilson(right, 10_000) for right in (9910, 9890)]
    unpaired = math.hypot(0.9910 - apart[0].low, apart[1].high - 0.9890)
    assert 0.002 - low < unpaired
    assert low < 0.002 < high


def test_nineteen_intervals_of_twenty_hold_the_true_difference() -> None:
    rng = np.random.default_rng(0)
    shares = (0.90, 0.05, 0.02, 0.03)
    held = 0
    for cells in rng.multinomial(400, shares, 1000):
        low, high = paired_interval(*cells.tolist())
        held += low <= 0.03 <= high
    assert 930 <= held <= 970


def test_the_difference_of_log_loss_has_an_interval() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 10, 2000)
    first = rng.dirichlet(np.ones(10), 2000).astype(np.float32)
    first[np.arange(2000), labels] += 1
    first /= first.sum(axis=1, keepdims=True)
    second = 0.9 * first + 0.01
    pair = compare_pair(first, second, labels)
    assert pair.loss == pytest.approx(log_loss_of(first, labels) - log_loss_of(second, labels))
    assert pair.loss_interval.low < pair.loss < pair.loss_interval.high
    again, other = compare_pair(first, second, labels), compare_pair(first, second, labels, seed=1)
    assert again.loss_interval == pair.loss_interval
    assert other.loss_interval == pytest.approx(pair.loss_interval, rel=0.1)
    assert len(pair.differing) == 0
    # The interval is of the pairs: far narrower than either loss is known.
    assert np.ptp(pair.loss_interval) < 0.01


def test_a_single_image_can_be_compared() -> None:
    pair = compare_pair(*answers(0, 1, 0, 0))
    assert (pair.accuracy, pair.p) == (1.0, 1.0)


def test_disagreements_are_sorted_by_who_is_right_and_how_far_apart() -> None:
    labels = np.array([0, 1, 2, 3, 4, 5])
    first, second = sure_of(np.array([0, 1, 7, 3, 8, 9])), sure_of(np.array([0, 2, 2, 6, 8, 6]))
    first[3] = 0.05
    first[3, 3] = 0.55
    found = disagreements(first, second, labels)
    assert {kind: rows.tolist() for kind, rows in found.items()} == {
        "only_first": [1, 3],
        "only_second": [2],
        "neither": [5],
    }


def test_answers_to_other_numbers_of_images_are_refused() -> None:
    first, second, labels = answers(3, 1, 1, 1)
    with pytest.raises(ShapeError, match=r"expected \(6, 10\), received \(5, 10\)"):
        compare_pair(first, second[:5], labels)
