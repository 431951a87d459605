from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as reference

from digitlab.evaluation import measure
from digitlab.evaluation.bootstrap_metrics import WeightedMetrics
from digitlab.evaluation.intervals import bootstrap, resamples, wilson


@st.composite
def answers(draw: st.DrawFn, most: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Of few images, often with equal scores, of some classes only, sometimes saturated."""
    count, classes = draw(st.integers(1, most)), draw(st.integers(1, 10))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    probabilities = rng.dirichlet(np.full(10, draw(st.sampled_from([0.05, 0.3, 5.0]))), count)
    places = draw(st.sampled_from([1, 2, 17]))  # rounded, many are tied
    probabilities = np.round(probabilities, places) + np.eye(10)[0] * 1e-9
    return probabilities / probabilities.sum(1, keepdims=True), rng.integers(0, classes, count)


@given(st.integers(1, 20_000), st.data(), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_is_scipys(count: int, data: st.DataObject, level: float) -> None:
    right = data.draw(st.integers(0, count))
    expected = binomtest(right, count).proportion_ci(level, method="wilson")
    np.testing.assert_allclose(wilson(right, count, level), expected, rtol=0, atol=1e-12)


def test_all_right_is_not_certain() -> None:
    assert wilson(10, 10).high == 1.0
    assert 0.6 < wilson(10, 10).low < 0.8
    assert wilson(0, 10) == pytest.approx([1 - end for end in wilson(10, 10)][::-1])


@settings(max_examples=25, deadline=None)
@given(answers(), st.integers(0, 2**31))
def test_weights_are_images_that_stand_there_so_often(drawn: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    probabilities, labels = drawn
    weights = np.random.default_rng(seed).integers(0, 4, (len(labels), 3))
    weights[0] += 1
    found = WeightedMetrics(probabilities, labels).of(weights.astype(np.float64))
    for column in range(3):
        repeated = np.repeat(np.arange(len(labels)), weights[:, column])
        expected = measure(probabilities[repeated], labels[repeated]).as_dict()
        for name, values in found.items():
            wanted = np.nan if expected[name] is None else expected[name]
            assert values[column] == pytest.approx(wanted, abs=1e-9, nan_ok=True), name


def test_weights_are_scikit_learns_sample_weights() -> None:
    rng = np.random.default_rng(5)
    probabilities, labels, weights = rng.dirichlet(np.ones(10), 400), rng.integers(0, 10, 400), rng.random((400, 1))
    found = WeightedMetrics(probabilities, labels).of(weights)
    given_weights = {"sample_weight": weights[:, 0]}
    assert found["loss"][0] == pytest.approx(reference.log_loss(labels, probabilities, **given_weights))
    assert found["brier"][0] == pytest.approx(reference.brier_score_loss(labels, probabilities, **given_weights))
    auc = [reference.roc_auc_score(labels == digit, probabilities[:, digit], **given_weights) for digit in range(10)]
    assert found["auc_macro"][0] == pytest.approx(np.mean(auc))
    f1 = reference.f1_score(labels, probabilities.argmax(1), average="macro", **given_weights)
    assert found["f1_macro"][0] == pytest.approx(f1)


def test_a_replica_draws_as_many_images_as_there_are() -> None:
    blocks = list(resamples(30, 250, seed=1))
    assert [block.shape for block in blocks] == [(30, 100), (30, 100), (30, 50)]
    every = np.concatenate(blocks, axis=1)
    assert (every.sum(axis=0) == 30).all()
    assert 0.75 < every.mean(axis=1).min() <= every.mean(axis=1).max() < 1.25  # four deviations from 1
    assert every.var() == pytest.approx(1, abs=0.1)  # about Poisson's
    np.testing.assert_array_equal(np.concatenate(list(resamples(30, 250, seed=1)), axis=1), every)
    assert not np.array_equal(np.concatenate(list(resamples(30, 250, seed=2)), axis=1), every)


def test_the_intervals_are_as_wide_as_the_numbers_scatter() -> None:
    """Of 200 samples of 400 images, about 95 in 100 intervals hold the loss of the million."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(10, 0.3), 100_000)
    labels = (probabilities.cumsum(1) < rng.random((100_000, 1))).sum(1).clip(0, 9)
    truth = measure(probabilities, labels)
    inside = {"loss": 0, "brier": 0, "recall_macro": 0, "auc_macro": 0}
    for sample in range(200):
        rows = rng.integers(0, 100_000, 400)
        found = bootstrap(probabilities[rows], labels[rows], replicas=200, seed=sample)
        for name in inside:
            inside[name] += found[name].low <= getattr(truth, name) <= found[name].high
    for name, count in inside.items():
        assert count >= 176, name  # 190 of 200 are meant; four deviations less


def test_the_calibration_errors_interval_holds_the_number() -> None:
    """Of calibrated answers the replicas' error is always larger: the plain percentiles would lie above the number."""
    rng = np.random.default_rng(7)
    probabilities = rng.dirichlet(np.full(10, 0.1), 500)
    labels = (probabilities.cumsum(1) < rng.random((500, 1))).sum(1).clip(0, 9)
    low, high = bootstrap(probabilities, labels)["ece"]
    assert 0 <= low < measure(probabilities, labels).ece < high


def test_what_is_not_defined_has_no_interval() -> None:
    one_class = bootstrap(np.full((5, 10), 0.1), np.full(5, 3), replicas=20)
    assert "auc_macro" not in one_class
    assert one_class["average_precision_macro"] == (1.0, 1.0)
    single = bootstrap(np.full((1, 10), 0.1), [0], replicas=20)
    assert single["loss"] == pytest.approx((np.log(10), np.log(10)))


def test_intervals_come_with_the_metrics_where_asked_for() -> None:
    rng = np.random.default_rng(2)
    probabilities, labels = rng.dirichlet(np.ones(10), 200), rng.integers(0, 10, 200)
    assert measure(probabilities, labels).intervals == {}
    asked = measure(probabilities, labels, bootstrap=200)
    assert set(asked.intervals) == {
        "loss",
        "precision_macro",
        "recall_macro",
        "f1_macro",
        "auc_macro",
        "average_precision_macro",
        "brier",
        "ece",
    }
    assert measure(probabilities, labels, bootstrap=200) == asked
    assert measure(probabilities, labels, bootstrap=200, seed=1) != asked


@pytest.mark.parametrize("sharpness", [0.0, 8.0])
def test_a_thousand_replicas_of_ten_thousand_images_are_quick(sharpness: float) -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 10, 10_000)
    powers = np.exp(rng.normal(size=(10_000, 10)) + sharpness * np.eye(10)[labels])
    began = time.process_time()  # other processes do not count
    bootstrap(powers / powers.sum(1, keepdims=True), labels)
    assert time.process_time() - began < 2
