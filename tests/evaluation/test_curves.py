from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from digitlab.errors import DatasetError
from digitlab.evaluation.curves import (
    Curve,
    error_reject,
    mean_roc,
    precision_recall_curves,
    reliability,
    roc_curves,
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    count, classes = draw(st.integers(1, 50)), draw(st.integers(1, 10))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    probabilities = np.round(rng.dirichlet(np.full(10, 0.3), count), draw(st.sampled_from([1, 17])))
    probabilities[:, 0] += 1e-9  # where all were rounded to 0
    return probabilities / probabilities.sum(1, keepdims=True), rng.integers(0, classes, count)


def area_under(curve: Curve) -> float:
    return float(np.trapezoid(curve.y, curve.x))


@settings(max_examples=40, deadline=None)
@given(answers())
def test_curves_are_scikit_learns(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    probabilities, labels = drawn
    rocs, recalls = roc_curves(probabilities, labels), precision_recall_curves(probabilities, labels)
    assert len(rocs) == len(recalls) == 10
    for digit in range(10):
        own, scores = labels == digit, probabilities[:, digit]
        assert (rocs[digit] is None) == (own.all() or not own.any())
        assert (recalls[digit] is None) == (not own.any())
        if (roc := rocs[digit]) is not None:
            assert roc.area == pytest.approx(reference.roc_auc_score(own, scores), abs=1e-9)
            assert area_under(roc) == pytest.approx(roc.area, abs=1e-9)
        if (curve := recalls[digit]) is not None:
            assert curve.area == pytest.approx(reference.average_precision_score(own, scores), abs=1e-9)
            # Steps before each point, as the docstring asks for.
            steps = np.diff(curve.x) @ curve.y[1:]
            assert steps == pytest.approx(curve.area, abs=1e-9)
            assert (curve.x[0], curve.y[0], curve.x[-1]) == (0, 1, 1)
            assert (np.diff(curve.x) >= 0).all()


@settings(max_examples=40, deadline=None)
@given(answers())
def test_the_mean_curve_has_the_mean_area(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    curves = [curve for curve in roc_curves(*drawn) if curve is not None]
    mean = mean_roc(*drawn)
    if mean is None:
        assert not curves
        return
    assert mean.area == pytest.approx(np.mean([curve.area for curve in curves]), abs=1e-12)
    assert area_under(mean) == pytest.approx(mean.area, abs=1e-9)
    assert (mean.x[0], mean.y[0]) == (0, 0)
    assert (mean.x[-1], mean.y[-1]) == pytest.approx((1, 1))
    assert (np.diff(mean.x) >= 0).all()
    assert (np.diff(mean.y) >= -1e-12).all()


@settings(max_examples=40, deadline=None)
@given(answers(), st.integers(1, 30))
def test_reliability_is_scikit_learns_calibration_curve(drawn: tuple[np.ndarray, np.ndarray], bins: int) -> None:
    probabilities, labels = drawn
    found = reliability(probabilities, labels, bins)
    right, confidence = probabilities.argmax(1) == labels, (probabilities / probabilities.sum(1, keepdims=True)).max(1)
    accuracy, mean_confidence = calibration_curve(right, confidence, n_bins=bins)
    np.testing.assert_allclose(found.accuracy, accuracy, atol=1e-9)
    np.testing.assert_allclose(found.confidence, mean_confidence, atol=1e-9)
    assert found.count.sum() == len(labels)
    assert found.error == pytest.approx(np.average(np.abs(accuracy - mean_confidence), weights=found.count), abs=1e-9)


def test_answers_that_are_right_as_often_as_they_say_are_calibrated() -> None:
    probabilities = np.full((10, 10), 0.2 / 9)
    probabilities[:, 4] = 0.8
    found = reliability(probabilities, [4] * 8 + [5, 6])
    assert found.error == pytest.approx(0, abs=1e-12)
    assert (found.count.tolist(), found.accuracy.tolist()) == ([10], [0.8])


def sure(confidences: list[float]) -> np.ndarray:
    """Answers "0" with these confidences."""
    rest = (1 - np.array(confidences)[:, np.newaxis]) / 9
    return np.where(np.arange(10) == 0, np.array(confidences)[:, np.newaxis], rest)


def test_refusing_the_unsure_leaves_fewer_errors() -> None:
    curve = error_reject(sure([0.9, 0.8, 0.7, 0.6]), [0, 0, 1, 1])
    np.testing.assert_allclose(curve.x, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(curve.y, [0.5, 1 / 3, 0, 0, 0])
    assert curve.area == pytest.approx(area_under(curve))


def test_equal_confidences_are_refused_together() -> None:
    curve = error_reject(sure([0.9, 0.9, 0.5, 0.5]), [0, 1, 1, 1])
    np.testing.assert_allclose(curve.x, [0, 0.5, 1])
    np.testing.assert_allclose(curve.y, [0.75, 0.5, 0.5])


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 1000))
def test_error_reject_counts(wrong: list[bool], seed: int) -> None:
    confidences = np.random.default_rng(seed).uniform(0.2, 1, len(wrong))
    curve = error_reject(sure(list(confidences)), np.array(wrong).astype(int))
    for share, error in list(zip(curve.x, curve.y, strict=True))[:-1]:
        kept = np.argsort(confidences)[round(share * len(wrong)) :]
        assert error == pytest.approx(np.mean(np.array(wrong)[kept]))


def test_a_single_image_has_curves() -> None:
    answer = np.full((1, 10), 0.1)
    assert roc_curves(answer, [3]) == (None,) * 10
    assert mean_roc(answer, [3]) is None
    assert [curve is not None for curve in precision_recall_curves(answer, [3])].index(True) == 3
    assert error_reject(answer, [0]).y.tolist() == [0, 0]
    assert reliability(answer, [0]).error == pytest.approx(0.9)


@pytest.mark.parametrize("curves", [roc_curves, mean_roc, precision_recall_curves, reliability, error_reject])
def test_logits_are_refused(curves: object) -> None:
    with pytest.raises(DatasetError, match="logits"):
        curves(np.array([[-3.0, *range(9)]]), [0])  # type: ignore[operator]
