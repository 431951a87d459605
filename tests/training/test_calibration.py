from __future__ import annotations

import numpy as np
import pytest

from digitlab.training.calibration import RIGHT, calibrate
from digitlab.training.config import TrainingConfig

pytestmark = pytest.mark.xdist_group("keras")

RNG = np.random.default_rng(1)
LABELS = RNG.integers(0, 10, 20_000)


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def test_the_temperature_undoes_a_known_one() -> None:
    logits = RNG.normal(size=(len(LABELS), 10)) * 2
    labels = (logits + RNG.gumbel(size=logits.shape)).argmax(axis=1)  # drawn from their softmax
    found = calibrate(softmax(logits * 2.5), labels, softmax(RNG.normal(size=(100, 10))))
    assert found.temperature == pytest.approx(2.5, rel=0.05)


def test_above_the_threshold_so_many_answers_are_right() -> None:
    digits = softmax(np.eye(10)[LABELS] * 6 + RNG.normal(size=(len(LABELS), 10)))
    strange = softmax(RNG.normal(size=(20_000, 10)) * 2)
    found = calibrate(digits, LABELS, strange)
    logits = np.log(digits) / found.temperature
    sure, other = softmax(logits), softmax(np.log(strange) / found.temperature).max(axis=1)
    answered = sure.max(axis=1) >= found.threshold
    right = 5 * (answered & (sure.argmax(axis=1) == LABELS)).sum()  # one mark in six is no digit
    wrong = 5 * (answered & (sure.argmax(axis=1) != LABELS)).sum() + (other >= found.threshold).sum()
    assert right / (right + wrong) == pytest.approx(RIGHT, abs=2e-3)
    assert found.digits_refused == pytest.approx(1 - answered.mean(), abs=1e-3)
    assert found.distractors_refused > 0.5


def test_where_nothing_is_sure_enough_everything_is_refused() -> None:
    even = np.full((50, 10), 0.1)
    found = calibrate(even, np.zeros(50, int), even)
    assert found.threshold == pytest.approx(1.0)
    assert found.digits_refused == pytest.approx(1.0)


def test_so_many_distractors_are_refused() -> None:
    with pytest.raises(Exception, match="distractors is -1"):
        TrainingConfig(distractors=-1)
