from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.errors import DatasetError, ShapeError
from digitlab.evaluation.label_errors import found_among, rank_labels


def answers(*rows: dict[int, float]) -> np.ndarray:
    said = np.zeros((len(rows), 10))
    for row, shares in zip(said, rows, strict=True):
        row[list(shares)] = list(shares.values())
    return said


def test_the_surest_disagreement_comes_first() -> None:
    said = answers({4: 0.9, 9: 0.1}, {4: 0.2, 9: 0.8}, {1: 1.0}, {4: 0.5, 9: 0.5})
    found = rank_labels(said, [4, 4, 7, 4])
    assert found.rows.tolist() == [2, 1, 3, 0]
    assert found.given.tolist() == [7, 4, 4, 4]
    assert found.guesses.tolist() == [1, 9, 9, 9]
    assert found.scores == pytest.approx([-1.0, -0.6, 0.0, 0.8])
    assert found.suspicious == 2  # a tie is no suspicion
    assert len(found) == 4


def test_rows_may_have_names_of_their_own_and_be_narrowed() -> None:
    said = answers({4: 0.9, 9: 0.1}, {4: 0.2, 9: 0.8}, {1: 1.0})
    found = rank_labels(said, [4, 4, 7], np.array([10, 20, 30]))
    assert found.rows.tolist() == [30, 20, 10]
    part = found.among(np.array([10, 20, 99]))
    assert (part.rows.tolist(), part.given.tolist(), part.guesses.tolist()) == ([20, 10], [4, 4], [9, 9])
    assert found.among(np.array([], int)).suspicious == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_scores_rise_and_say_which_is_likelier(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    said, labels = rng.dirichlet(np.full(10, 0.3), count), rng.integers(0, 10, count)
    found = rank_labels(said, labels)
    assert sorted(found.rows.tolist()) == list(range(count))
    assert np.all(np.diff(found.scores) >= 0)
    assert np.all((found.scores >= -1) & (found.scores <= 1))
    assert np.all(found.guesses != found.given)
    wrong = said.argmax(axis=1) != labels
    assert found.suspicious == wrong.sum()
    assert set(found.rows[: found.suspicious].tolist()) == set(np.flatnonzero(wrong).tolist())


def test_a_missing_class_and_a_single_image_are_no_hindrance() -> None:
    found = rank_labels(answers({3: 0.7, 5: 0.3}), [3])
    assert (found.guesses.tolist(), found.suspicious) == ([5], 0)


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(ShapeError, match="labels"):
        rank_labels(answers({1: 1.0}), [1, 2])
    with pytest.raises(DatasetError, match="no images"):
        rank_labels(np.empty((0, 10)), [])
    with pytest.raises(DatasetError, match="softmax"):
        rank_labels(answers({1: 5.0, 2: -3.0}), [1])


def test_known_errors_are_counted_among_the_first() -> None:
    assert found_among([7, 3, 9, 1], {3, 1, 5}, [1, 2, 3, 4, 50]) == {1: 0, 2: 1, 3: 1, 4: 2, 50: 2}
    assert found_among([], {3}, [5]) == {5: 0}
