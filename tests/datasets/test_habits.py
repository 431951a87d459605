from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets.habits import with_habits
from digitlab.values import Digits


@pytest.fixture(scope="module")
def ringed() -> Digits:
    """Thirty-two of each: a ring, a stem and a hook, each two pixels wide."""
    stem, hook, ring = np.zeros((3, 28, 28), np.uint8)
    stem[4:24, 13:15] = 255
    hook[4:6, 8:20] = hook[4:24, 18:20] = 255
    ring[4:24, 7:9] = ring[4:24, 19:21] = ring[4:6, 7:21] = ring[22:24, 7:21] = 255
    return Digits(np.repeat([ring, stem, hook], 32, axis=0), np.repeat([0, 1, 7], 32).astype(np.uint8))


def test_the_other_forms_stand_behind_the_plain_ones(ringed: Digits) -> None:
    more = with_habits(ringed)
    assert (more.images[:96] == ringed.images).all()
    assert np.bincount(more.labels[96:], minlength=8).tolist() == [0, 16, 0, 0, 0, 0, 0, 16]
    assert (more.images[96:].reshape(-1, 784).max(axis=1) > 200).all()


def test_each_form_has_its_stroke(ringed: Digits) -> None:
    more = with_habits(ringed)
    ones, sevens = (more.images[96:][more.labels[96:] == label] >= 128 for label in (1, 7))
    assert (ones[:, 4:16, :12].sum(axis=(1, 2)) > 0).mean() > 0.9, "an upstroke lies to the left of the stem"
    assert sevens.sum() > 16 * (more.images[64] >= 128).sum(), "a bar is more ink"


def test_the_same_seed_draws_the_same(ringed: Digits) -> None:
    assert (with_habits(ringed, seed=3).images == with_habits(ringed, seed=3).images).all()
    assert (with_habits(ringed, seed=3).images != with_habits(ringed, seed=4).images).any()
