from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from digitlab.errors import DatasetError, ShapeError
from digitlab.evaluation import accuracy_of, log_loss_of, measure, surest_mistakes

CLASSES = list(range(10))


def random_answers(seed: int, count: int, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(10, 0.3), count).astype(np.float32)
    return probabilities, rng.integers(0, classes, count).astype(np.uint8)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 60), st.integers(1, 10))
def test_every_number_is_scikit_learns(seed: int, count: int, classes: int) -> None:
    probabilities, labels = random_answers(seed, count, classes)
    measured = measure(probabilities, labels)
    answers = probabilities.argmax(1)
    exact = probabilities.astype(np.float64) / probabilities.astype(np.float64).sum(1, keepdims=True)
    assert measured.accuracy == pytest.approx(reference.accuracy_score(labels, answers), abs=1e-12)
    assert measured.loss == pytest.approx(reference.log_loss(labels, exact, labels=CLASSES), rel=1e-9)
    expected = reference.precision_recall_fscore_support(labels, answers, labels=CLASSES, zero_division=0)
    for ours, theirs in zip(
        (measured.precision, measured.recall, measured.f1, measured.support), expected, strict=True
    ):
        np.testing.assert_allclose(ours, theirs)
    np.testing.assert_array_equal(
        measured.confusion_matrix, reference.confusion_matrix(labels, answers, labels=CLASSES)
    )


def test_rows_of_the_confusion_matrix_are_the_truth() -> None:
    matrix = np.array(measure(np.eye(10)[[3, 3, 5]], [3, 5, 5]).confusion_matrix)
    assert matrix[5, 3] == 1
    assert matrix[3, 5] == 0


def test_a_sure_mistake_weighs_much_and_not_infinitely() -> None:
    loss = log_loss_of(np.eye(10, dtype=np.float32)[[1]], np.array([2]))
    assert 30 < loss < 40


def test_the_surest_mistakes_come_first() -> None:
    probabilities = np.full((4, 10), 0.1, np.float32)
    probabilities[0, 3], probabilities[1, 3], probabilities[2, 3], probabilities[3, 3] = 0.5, 0.9, 0.99, 0.7
    assert surest_mistakes(probabilities, np.array([0, 0, 3, 0])).tolist() == [1, 3, 0]
    assert surest_mistakes(probabilities, np.array([0, 0, 3, 0]), most=1).tolist() == [1]
    assert accuracy_of(probabilities, np.array([0, 0, 3, 0])) == 0.25


@pytest.mark.parametrize(
    ("probabilities", "labels", "error", "message"),
    [
        (np.zeros((0, 10)), [], DatasetError, "no images"),
        (np.ones((2, 9)) / 9, [0, 1], ShapeError, r"\(N, 10\)"),
        (np.ones((2, 10)) / 10, [0], ShapeError, "one for each row"),
        (np.full((1, 10), np.nan), [0], DatasetError, "NaN"),
        (np.ones((2, 10)), [0, 1], DatasetError, "softmax"),
        (np.eye(10)[:1] * 3 - 0.2, [0], DatasetError, "sum to 1"),
        (np.ones((2, 10)) / 10, [0, 10], DatasetError, r"labels\[1\] is 10"),
        (np.ones((2, 10)) / 10, [-1, 0], DatasetError, r"labels\[0\] is -1"),
    ],
)
def test_bad_input_is_named(probabilities: np.ndarray, labels: list[int], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        measure(probabilities, np.array(labels, np.int64))
