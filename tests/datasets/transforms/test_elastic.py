from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.datasets.transforms import deform
from digitlab.errors import ShapeError, UsageError

IMAGES = load_dataset("mnist").split("test").images[:300]


def test_no_pull_changes_nothing() -> None:
    np.testing.assert_array_equal(deform(IMAGES, np.random.default_rng(0), pull=0), IMAGES)


def test_a_row_depends_on_seed_and_place_alone() -> None:
    few, many, other = (
        deform(IMAGES[:count], np.random.default_rng(seed)) for count, seed in ((150, 0), (300, 0), (150, 1))
    )
    np.testing.assert_array_equal(few, many[:150])
    assert (few != other).any(axis=(1, 2)).all()


def test_ink_is_moved_and_not_made() -> None:
    ink, before = (each.mean(axis=(1, 2), dtype=float) for each in (deform(IMAGES, np.random.default_rng(0)), IMAGES))
    assert ink.mean() == pytest.approx(before.mean(), rel=0.05)
    assert np.abs(ink / before - 1).max() < 0.6


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="pull is -1; expected 0 to 10"):
        deform(IMAGES, np.random.default_rng(0), pull=-1)
    with pytest.raises(ShapeError, match="images"):
        deform(IMAGES[0], np.random.default_rng(0))
