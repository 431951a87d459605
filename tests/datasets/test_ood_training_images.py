from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets.ood.alphabet import GREEK, LATIN, OPERATORS, PICTURES, strokes_of
from digitlab.datasets.ood.training_images import DISTRACTORS, draw_distractors
from digitlab.errors import UsageError
from digitlab.values import Digits

RNG = np.random.default_rng(0)
DIGITS = Digits(RNG.integers(0, 256, (60, 28, 28), dtype=np.uint8), np.arange(60, dtype=np.uint8) % 10)


def test_the_seed_decides_and_the_count_does_not() -> None:
    few = draw_distractors(40, DIGITS, seed=4)
    assert few.shape == (40, 28, 28)
    assert few.dtype == np.uint8
    np.testing.assert_array_equal(few, draw_distractors(40, DIGITS, seed=4))
    assert (few != draw_distractors(40, DIGITS, seed=5)).any(axis=(1, 2)).mean() > 0.95


@pytest.mark.parametrize("kind", DISTRACTORS)
def test_each_kind_leaves_ink_placed_as_in_mnist(kind: str) -> None:
    images = draw_distractors(40, DIGITS, kinds=[kind])
    inked = images[images.max(axis=(1, 2)) > 100]
    assert len(inked) >= 30
    for image in inked:
        rows, columns = (np.flatnonzero(image.max(axis=axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20


@pytest.mark.parametrize("signs", [LATIN, GREEK, OPERATORS, PICTURES])
def test_every_sign_can_be_drawn(signs: dict[str, str]) -> None:
    for sign in signs.values():
        for stroke in strokes_of(sign):
            assert stroke.ndim == 2
            assert stroke.shape[1] == 2
            assert np.abs(stroke - 0.5).max() < 0.8  # a smooth line may swing out a little


def test_bad_requests_are_refused() -> None:
    with pytest.raises(UsageError, match="expected 0 or more"):
        draw_distractors(-1, DIGITS)
    with pytest.raises(UsageError, match="no kind of distractor among"):
        draw_distractors(1, DIGITS, kinds=["cats"])
