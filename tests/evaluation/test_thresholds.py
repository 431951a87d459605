"""To the last bit what scikit-learn gives, which is not needed for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn import metrics as sk

from digitlab.evaluation import measure
from digitlab.evaluation.thresholds import average_precision, precision_recall, roc, roc_area


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Positives, some and not all, and scores with many ties or none."""
    count, seed, levels = draw(st.integers(2, 60)), draw(st.integers(0, 2**31)), draw(st.sampled_from([2, 5, 10**9]))
    rng = np.random.default_rng(seed)
    positive = rng.random(count) < 0.3
    positive[:2] = True, False
    return positive, rng.integers(0, levels, count) / levels


@settings(max_examples=100, deadline=None)
@given(scored())
def test_curves_and_areas_are_scikit_learns(case: tuple[np.ndarray, np.ndarray]) -> None:
    positive, scores = case
    x, y, _ = sk.roc_curve(positive, scores)
    assert_array_equal(roc(positive, scores), (x, y))
    assert roc_area(positive, scores) == sk.roc_auc_score(positive, scores)
    precision, recall, _ = sk.precision_recall_curve(positive, scores, drop_intermediate=True)
    assert_array_equal(precision_recall(positive, scores), (precision, recall))
    assert average_precision(positive, scores) == sk.average_precision_score(positive, scores)


@pytest.mark.parametrize("missing", [(), (3,), (0, 9), tuple(range(2, 10))])
@pytest.mark.parametrize("levels", [4, 10**9])
def test_the_metrics_of_classes_are_scikit_learns(missing: tuple[int, ...], levels: int) -> None:
    rng = np.random.default_rng(1)
    labels = rng.choice([digit for digit in range(10) if digit not in missing], 400)
    rows = rng.integers(1, levels, (400, 10)) + levels * (np.arange(10) == labels[:, None]) * (
        rng.random((400, 1)) < 0.8
    )
    rows = rows / rows.sum(axis=1, keepdims=True)
    found, answers, asked = measure(rows, labels), rows.argmax(axis=1), np.unique(labels)
    for average in ("macro", "weighted"):
        expected = sk.precision_recall_fscore_support(labels, answers, labels=asked, average=average, zero_division=0)
        mine = [getattr(found, f"{name}_{average}") for name in ("precision", "recall", "f1")]
        assert mine == [float(each) for each in expected[:3]]
    each = sk.precision_recall_fscore_support(labels, answers, labels=list(range(10)), zero_division=0)
    for name, expected in zip(("precision", "recall", "f1", "support"), each, strict=True):
        assert [value or 0 for value in getattr(found, name)] == expected.tolist()
    assert (
        np.asarray(found.confusion_matrix).tolist() == sk.confusion_matrix(labels, answers, labels=range(10)).tolist()
    )
    assert found.top_2 == sk.top_k_accuracy_score(labels, rows, k=2, labels=range(10))
    assert found.top_3 == sk.top_k_accuracy_score(labels, rows, k=3, labels=range(10))
