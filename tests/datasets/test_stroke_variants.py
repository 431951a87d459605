from __future__ import annotations

import cv2
import numpy as np
import pytest

from digitlab.datasets.stroke_variants import _pointed_zero, with_habits
from digitlab.values import Digits


@pytest.fixture(scope="module")
def ringed() -> Digits:
    """Thirty-two of each: a ring, a stem and a hook, each two pixels wide."""
    stem, hook, ring = np.zeros((3, 28, 28), np.uint8)
    stem[4:24, 13:15] = 255
    hook[4:6, 8:20] = hook[4:24, 18:20] = 255
    ring[4:24, 7:9] = ring[4:24, 19:21] = ring[4:6, 7:21] = ring[22:24, 7:21] = 255
    return Digits(np.repeat([ring, stem, hook], 32, axis=0), np.repeat([0, 1, 7], 32).astype(np.uint8))


def drawn(more: Digits, plain: Digits, label: int) -> np.ndarray:
    """The images of a label that are none of the plain ones."""
    images = more.images[more.labels == label]
    same = (images == plain.images[plain.labels == label][0]).all(axis=(1, 2))
    assert same.sum() == 32, "the plain ones are all there"
    return images[~same]


def test_the_other_forms_stand_among_the_plain_ones(ringed: Digits) -> None:
    more = with_habits(ringed)
    assert np.bincount(more.labels, minlength=8).tolist() == [52, 56, 0, 0, 0, 0, 0, 52]
    assert (more.images.reshape(-1, 784).max(axis=1) > 200).all()
    assert (more.labels[1:] != more.labels[:-1]).sum() > 40, "no form has a place of its own"


def test_each_form_has_its_stroke(ringed: Digits) -> None:
    more = with_habits(ringed)
    zeros, ones, sevens = (drawn(more, ringed, label) >= 128 for label in (0, 1, 7))
    assert (ones[:, 4:16, :12].sum(axis=(1, 2)) > 0).mean() > 0.7, "an upstroke lies to the left of the stem"
    assert sevens.sum() > 16 * (ringed.images[64] >= 128).sum(), "a bar is more ink"
    assert zeros[:, 12:16, 12:16].any(axis=(1, 2)).sum() >= 8, "a slash goes through the middle"


def test_a_pointed_zero_is_a_ring_with_one_hole(ringed: Digits) -> None:
    rng = np.random.default_rng(0)
    holes = [holes_in(_pointed_zero(ringed.images[0], rng)) for _ in range(40)]
    assert np.mean(np.array(holes) >= 1) > 0.8, "a broad pen may fill a narrow ring"


def test_every_digit_is_drawn_in_the_forms_of_several_countries(ringed: Digits) -> None:
    every = Digits(np.repeat(ringed.images[:1], 80, axis=0), np.repeat(np.arange(10), 8).astype(np.uint8))
    more = with_habits(every)
    assert (np.bincount(more.labels, minlength=10) > 8).all()


def holes_in(image: np.ndarray) -> int:
    """Connected regions of paper that ink surrounds."""
    paper = np.pad((image < 100).astype(np.uint8), 1, constant_values=1)
    return int(cv2.connectedComponents(paper, connectivity=4)[0]) - 2


def test_the_same_seed_draws_the_same(ringed: Digits) -> None:
    assert (with_habits(ringed, seed=3).images == with_habits(ringed, seed=3).images).all()
    assert (with_habits(ringed, seed=3).images != with_habits(ringed, seed=4).images).any()
