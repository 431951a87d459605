from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.evaluation.doubtful import (
    CORRECTED,
    DOUBTFUL,
    accuracies,
    are_mnists_test_labels,
    corrected_labels,
    without_doubtful,
)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return load_dataset("mnist").split("test").labels


def answering(labels: np.ndarray) -> np.ndarray:
    """Probabilities of a network that is sure of these digits."""
    return np.eye(10, dtype=np.float32)[labels]


def test_the_rows_are_the_published_ones() -> None:
    assert len(CORRECTED) == 10
    assert len(DOUBTFUL) == 15
    assert set(CORRECTED) < set(DOUBTFUL)
    assert set(DOUBTFUL) - set(CORRECTED) == {2130, 2654, 3520, 8527, 9679}


def test_every_correction_is_another_digit_than_the_label(labels: np.ndarray) -> None:
    corrected = corrected_labels(labels)
    assert np.flatnonzero(corrected != labels).tolist() == sorted(CORRECTED)
    assert labels[947] == 8  # a copy was corrected


def test_accuracy_is_given_thrice(labels: np.ndarray) -> None:
    as_labelled = accuracies(answering(labels), labels)
    as_people_see = accuracies(answering(corrected_labels(labels)), labels)
    assert as_labelled == {"accuracy_raw": 1.0, "accuracy_corrected": 0.999, "accuracy_without": 1.0}
    assert as_people_see == {"accuracy_raw": 0.999, "accuracy_corrected": 1.0, "accuracy_without": 1.0}


def test_without_the_doubtful_there_are_fifteen_images_less(labels: np.ndarray) -> None:
    wrong_in_one = answering(labels).copy()
    wrong_in_one[0] = np.roll(wrong_in_one[0], 1)
    found = accuracies(wrong_in_one, labels)
    assert found is not None
    assert found["accuracy_without"] == pytest.approx(1 - 1 / 9985)
    assert without_doubtful().sum() == 9985


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_the_labels_are_known_whatever_their_type(labels: np.ndarray, kind: type) -> None:
    assert are_mnists_test_labels(labels.astype(kind))


def test_sets_made_of_the_test_images_one_by_one_have_the_same_labels() -> None:
    assert are_mnists_test_labels(load_dataset("sobel").split("test").labels)


def test_other_labels_are_not_taken_for_them(labels: np.ndarray) -> None:
    assert accuracies(answering(labels[:100]), labels[:100]) is None
    assert accuracies(answering(labels[::-1]), labels[::-1]) is None
    train = load_dataset("mnist").split("train").labels
    assert not are_mnists_test_labels(train)
    assert not are_mnists_test_labels(train[:10_000])
