"""Learners of scikit-learn, and that layers answer as they do."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.errors import UsageError
from digitlab.transfer_learning import LEARNERS, learn

pytestmark = pytest.mark.xdist_group("keras")


def clouds(classes: range, each: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.array(classes, np.uint8), each)
    centres = np.random.default_rng(9).normal(5, 2, (10, width))
    return (centres[labels] + rng.normal(0, 1.5, (len(labels), width))).astype(np.float32), labels


@pytest.mark.parametrize("classes", [range(10), range(3, 5), range(2, 6)], ids=["all", "two", "four"])
@pytest.mark.parametrize("learner", [name for name in LEARNERS if name != "knn"])
def test_layers_answer_as_the_learner(learner: str, classes: range) -> None:
    from digitlab.models.backend import keras

    features, labels = clouds(classes, 12, 12)
    asked, truth = clouds(classes, 30, 12, seed=1)
    learned = learn(features, labels, learner, seed=0)
    said = learned.probabilities(asked)
    assert (said.argmax(axis=1) == truth).mean() > 0.9
    assert said[:, [digit for digit in range(10) if digit not in classes]].max(initial=0) < 1e-3
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    taken = keras.Input((12,))
    assert learned.as_layers is not None
    model = keras.Model(taken, learned.as_layers(taken))
    np.testing.assert_allclose(model.predict(asked, verbose=0), said, atol=2e-5)


@pytest.mark.parametrize("learner", ["linear-svm", "nearest-mean", "svm"])
def test_decisions_become_honest_probabilities(learner: str) -> None:
    features, labels = clouds(range(10), 40, 6)
    asked, truth = clouds(range(10), 200, 6, seed=2)
    said = learn(features, labels, learner).probabilities(asked)
    right = (said.argmax(axis=1) == truth).mean()
    assert abs(said.max(axis=1).mean() - right) < 0.08


def test_the_svm_is_as_good_as_that_of_scikit_learn_on_the_whole_kernel() -> None:
    from sklearn.svm import SVC

    features, labels = clouds(range(10), 15, 8)
    asked, truth = clouds(range(10), 60, 8, seed=3)
    mean, deviation = features.mean(axis=0), (features - features.mean(axis=0)).std()
    theirs = SVC().fit((features - mean) / deviation, labels).predict((asked - mean) / deviation)
    ours = learn(features, labels, "svm").probabilities(asked).argmax(axis=1)
    assert (ours == truth).mean() > (theirs == truth).mean() - 0.03


def test_nearest_neighbours_and_any_learner_are_measured_only() -> None:
    from sklearn.naive_bayes import GaussianNB

    features, labels = clouds(range(2, 6), 12, 5)
    asked, truth = clouds(range(2, 6), 12, 5, seed=1)
    for learner in ("knn", GaussianNB()):
        learned = learn(features, labels, learner)
        assert learned.as_layers is None
        assert (learned.probabilities(asked).argmax(axis=1) == truth).mean() > 0.8


def test_unknown_names_and_kernels_without_bounds_are_refused() -> None:
    with pytest.raises(UsageError, match="known: logistic"):
        learn(np.ones((4, 2), np.float32), np.arange(4, dtype=np.uint8), "forest")
    with pytest.raises(UsageError, match="expected a smaller --layer"):
        learn(np.ones((4, 6_000_000), np.float32), np.arange(4, dtype=np.uint8), "svm")
