from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from digitlab.errors import DatasetError, ShapeError
from digitlab.evaluation import accuracy_of, log_loss_of, measure, surest_mistakes
from digitlab.evaluation.checks import softmax

CLASSES = list(range(10))
SCORES = {"precision": reference.precision_score, "recall": reference.recall_score, "f1": reference.f1_score}


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def random_answers(seed: int, count: int, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(10, 0.3), count).astype(np.float32)
    return probabilities, rng.integers(0, classes, count).astype(np.uint8)


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Float32 or float64; sure, unsure or tied; of all classes or of few; from a single image on."""
    count, classes = draw(st.integers(1, 60)), draw(st.integers(1, 10))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    kind = draw(st.sampled_from(["any", "sure", "tied", "float32"]))
    probabilities = rng.dirichlet(np.full(10, 0.01 if kind == "sure" else 0.3), count)
    if kind == "tied":
        probabilities = rng.integers(0, 3, (count, 10)) + np.float64(1e-3)
        probabilities /= probabilities.sum(1, keepdims=True)
    if kind == "float32":
        probabilities = probabilities.astype(np.float32)
    labels = rng.integers(0, classes, count)
    if draw(st.booleans()):  # mostly right
        labels = np.where(rng.random(count) < 0.8, probabilities.argmax(1), labels)
    return probabilities, labels


@settings(max_examples=60, deadline=None)
@given(answers())
def test_every_number_is_scikit_learns(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    probabilities, labels = drawn
    measured = measure(probabilities, labels)
    said = probabilities.argmax(1)
    exact = probabilities.astype(np.float64)
    shares = exact / exact.sum(1, keepdims=True)
    assert measured.images == len(labels)
    assert measured.accuracy == close(reference.accuracy_score(labels, said))
    assert measured.loss == close(reference.log_loss(labels, shares, labels=CLASSES))
    assert measured.brier == close(reference.brier_score_loss(labels, shares, labels=CLASSES, scale_by_half=False))
    assert measured.top_2 == close(reference.top_k_accuracy_score(labels, exact, k=2, labels=CLASSES))
    assert measured.top_3 == close(reference.top_k_accuracy_score(labels, exact, k=3, labels=CLASSES))
    expected = reference.precision_recall_fscore_support(labels, said, labels=CLASSES, zero_division=0)
    for ours, theirs in zip(
        (measured.precision, measured.recall, measured.f1, measured.support), expected, strict=True
    ):
        known = [0.0 if each is None else each for each in ours]
        np.testing.assert_allclose(known, theirs, rtol=0, atol=1e-9)
    predicted, has_images = np.isin(CLASSES, said), np.isin(CLASSES, labels)
    for ours, defined in ((measured.precision, predicted), (measured.recall, has_images), (measured.f1, has_images)):
        assert [each is not None for each in ours] == defined.tolist()  # 0/0 is not 0
    for average in ("macro", "weighted"):
        for name, score in SCORES.items():
            theirs = score(labels, said, labels=np.unique(labels), average=average, zero_division=0)
            assert getattr(measured, f"{name}_{average}") == close(theirs)
    np.testing.assert_array_equal(measured.confusion_matrix, reference.confusion_matrix(labels, said, labels=CLASSES))


@settings(max_examples=40, deadline=None)
@given(answers())
def test_areas_are_scikit_learns_or_none_where_there_is_none(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    probabilities, labels = drawn
    measured = measure(probabilities, labels)
    for digit in range(10):
        own, scores = labels == digit, probabilities[:, digit]
        if own.any():
            assert measured.average_precision[digit] == close(reference.average_precision_score(own, scores))
        else:
            assert measured.average_precision[digit] is None
        if own.any() and not own.all():
            assert measured.auc[digit] == close(reference.roc_auc_score(own, scores))
        else:
            assert measured.auc[digit] is None


def test_averaged_areas_are_scikit_learns_where_every_digit_occurs() -> None:
    rng = np.random.default_rng(4)
    probabilities, labels = rng.dirichlet(np.ones(10), 300), np.arange(300) % 10
    measured = measure(probabilities, labels)
    assert measured.auc_macro == close(reference.roc_auc_score(labels, probabilities, multi_class="ovr"))
    truth = np.eye(10, dtype=int)[labels]
    assert measured.average_precision_macro == close(reference.average_precision_score(truth, probabilities))


def test_a_digit_that_does_not_occur_is_left_out_of_the_means() -> None:
    answers = np.eye(10)[[1, 1, 2, 2]]
    measured = measure(answers, [1, 1, 2, 2])
    assert measured.precision == measured.recall == measured.f1 == (None, 1, 1, *[None] * 7)
    assert (measured.precision_macro, measured.recall_macro, measured.f1_macro) == (1, 1, 1)
    assert measured.auc == (None, 1, 1, *[None] * 7)
    assert (measured.auc_macro, measured.average_precision_macro) == (1, 1)


def test_all_of_one_digit() -> None:
    measured = measure(np.eye(10)[[3, 3, 5]], [3, 3, 3], bootstrap=50)
    assert measured.auc_macro is None
    assert measured.auc == (None,) * 10
    assert measured.average_precision_macro == 1
    assert measured.support[3] == 3
    assert measured.recall_macro == pytest.approx(2 / 3)  # of 3; of 5, which was predicted once, there is none to find
    assert "auc_macro" not in measured.intervals


def test_a_single_image() -> None:
    measured = measure(np.full((1, 10), 0.1), [0], bootstrap=50)
    assert measured.accuracy == 1
    assert measured.accuracy_interval.low < 0.3
    assert measured.loss == pytest.approx(np.log(10))
    assert measured.brier == pytest.approx(0.9)
    assert measured.ece == pytest.approx(0.9)
    assert measured.intervals["loss"] == pytest.approx((np.log(10), np.log(10)))


def test_the_numbers_can_be_written_as_json() -> None:
    probabilities, labels = random_answers(1, 50, 3)
    content = measure(probabilities, labels, bootstrap=20).as_dict()
    read = json.loads(json.dumps(content, allow_nan=False))
    assert read["auc"][5] is None
    assert read["intervals"]["loss"] == list(content["intervals"]["loss"])
    assert read["accuracy_interval"] == list(content["accuracy_interval"])
    assert {key: read[key] for key in ("loss", "brier", "ece")} == {
        key: content[key] for key in ("loss", "brier", "ece")
    }


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
        (np.full((1, 10), np.inf), [0], DatasetError, "infinity"),
        (np.ones((2, 10)), [0, 1], DatasetError, "softmax"),
        (np.ones((2, 10)) * 7, [0, 1], DatasetError, "If these are logits"),
        (np.eye(10)[:2] * 12 - 3, [0, 1], DatasetError, "look like logits: apply softmax"),
        (np.log(np.full((2, 10), 0.1)), [0, 1], DatasetError, "look like logits: apply softmax"),
        (np.full((2, 10), 10.0), [0, 1], DatasetError, "per cent: divide by 100"),
        (np.full((2, 10), 0.4), [0, 1], DatasetError, "sums to 4 .* sigmoid outputs"),
        (np.array([["a"] * 10]), [0], DatasetError, "expected numbers"),
        (np.eye(10)[:1] * 3 - 0.2, [0], DatasetError, "sum to 1"),
        (np.ones((2, 10)) / 10, [0, 10], DatasetError, r"labels\[1\] is 10"),
        (np.ones((2, 10)) / 10, [-1, 0], DatasetError, r"labels\[0\] is -1"),
        (np.ones((2, 10)) / 10, [0.5, 0], DatasetError, r"labels\[0\] is 0.5"),
        (np.ones((2, 10)) / 10, [np.nan, 0], DatasetError, r"labels\[0\] is nan"),
        (np.ones((2, 10)) / 10, np.eye(10)[:2], ShapeError, "one for each row"),
    ],
)
def test_bad_input_is_named(
    probabilities: np.ndarray, labels: list[float], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        measure(probabilities, np.array(labels))


def test_rounded_probabilities_are_probabilities() -> None:
    probabilities, labels = random_answers(8, 20)
    measured = measure(np.round(probabilities, 4), labels)
    assert measured.brier == pytest.approx(measure(probabilities, labels).brier, abs=1e-3)


def test_softmax_makes_probabilities_of_logits_and_of_logarithms() -> None:
    probabilities, _ = random_answers(9, 20)
    logits = np.log(probabilities.astype(np.float64) + 1e-300)
    np.testing.assert_allclose(softmax(logits + 1000), probabilities, atol=1e-6)
    assert softmax(np.array([[1e300, *[-1e300] * 9]])).tolist() == [[1, *[0] * 9]]
    with pytest.raises(DatasetError, match="NaN"):
        softmax(np.full((1, 10), np.nan))
    with pytest.raises(ShapeError):
        softmax(np.zeros(10))
