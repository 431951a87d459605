from __future__ import annotations

import numpy as np
import pytest

from digitlab.models.backend import keras
from digitlab.training.compiled.objective import loss_and_accuracy, objective
from digitlab.training.config import LOSSES

pytestmark = pytest.mark.xdist_group("keras")

LABELS = np.array([3, 0], np.int32)
PROBABILITIES = np.full((2, 10), 0.05, np.float32)
PROBABILITIES[0, 3] = PROBABILITIES[1, 7] = 0.55  # right, and wrong
CROSS_ENTROPY = -(np.log(0.55) + np.log(0.05)) / 2

EXPECTED = dict(
    zip(
        LOSSES,
        (
            CROSS_ENTROPY,
            CROSS_ENTROPY,
            CROSS_ENTROPY,  # the entropy of a label that is sure is 0
            (max(0, 1 - 0.55 + 0.05) + max(0, 1 - 0.05 + 0.55)) / 2,
            ((0.45**2 + 9 * 0.05**2) + (0.95**2 + 8 * 0.05**2 + 0.55**2)) / 20,
        ),
        strict=True,
    )
)


@pytest.mark.backends
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_is_what_its_name_says(loss: str) -> None:
    found = objective(LABELS, keras.ops.convert_to_tensor(PROBABILITIES), 0.0, loss)
    np.testing.assert_allclose(float(found), EXPECTED[loss], rtol=1e-4)


@pytest.mark.backends
@pytest.mark.parametrize("loss", LOSSES[:2])
def test_smoothed_labels_are_shared_among_all_classes(loss: str) -> None:
    targets = 0.9 * np.eye(10)[LABELS] + 0.01
    found = objective(LABELS, keras.ops.convert_to_tensor(PROBABILITIES), 0.1, loss)
    np.testing.assert_allclose(float(found), -(targets * np.log(PROBABILITIES)).sum(1).mean(), rtol=1e-4)


@pytest.mark.backends
@pytest.mark.parametrize("loss", LOSSES[:2])
def test_what_is_no_digit_is_to_be_claimed_by_none(loss: str) -> None:
    found = objective(
        np.array([3, 10], np.int32), keras.ops.convert_to_tensor(PROBABILITIES), 0.0, loss, distractors=True
    )
    of_none = -0.1 * np.log(PROBABILITIES[1]).sum()
    np.testing.assert_allclose(float(found), (-np.log(0.55) + of_none) / 2, rtol=1e-4)


@pytest.mark.backends
def test_loss_and_accuracy_are_of_the_digits() -> None:
    labels = np.array([3, 10], np.int32)
    found = loss_and_accuracy(labels, keras.ops.convert_to_tensor(PROBABILITIES), distractors=True)
    np.testing.assert_allclose(np.asarray(found), [-np.log(0.55), 1.0], rtol=1e-4)
