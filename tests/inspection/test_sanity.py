"""A map must change when what the network has learned is spoilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from digitlab.inspection import Question, lay_open, saliency, sanity_check
from digitlab.inspection.sanity import rank_correlation, shuffled

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.values import Digits

pytestmark = pytest.mark.xdist_group("keras")


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=40))
def test_rank_correlation_is_spearmans(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, np.float32).T
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert rank_correlation(one, other) == 0
    else:
        assert rank_correlation(one, other) == pytest.approx(float(spearmanr(one, other).statistic), abs=1e-9)


def test_shuffling_keeps_the_numbers_and_the_first_layers(make: Callable[[str], Any]) -> None:
    network = lay_open(make("sequential"))
    spoilt = shuffled(network, 2, seed=7)
    kept = changed = 0
    for step in network.steps.values():
        for now, then in zip(spoilt.steps[step.name].layer.weights, step.layer.weights, strict=True):
            one, other = np.asarray(now), np.asarray(then)
            np.testing.assert_array_equal(np.sort(one, axis=None), np.sort(other, axis=None))
            same = np.array_equal(one, other)
            kept, changed = kept + same, changed + (not same)
    assert (kept, changed) == (4, 4)


def test_maps_of_a_spoilt_network_are_others(make: Callable[[str], Any], few_digits: Digits) -> None:
    network, image = lay_open(make("sequential")), few_digits.images[8]
    stages = sanity_check(network, image, lambda asked: saliency(asked, image, [Question(4, 9), Question(2)]))
    assert [stage.layers for stage in stages] == [0, 1, 2, 3, 4]
    assert stages[0].correlations == (1, 1)
    assert all(abs(alike) < 0.7 for stage in stages[1:] for alike in stage.correlations)


def test_a_map_of_the_image_alone_is_found_out(make: Callable[[str], Any], few_digits: Digits) -> None:
    image = few_digits.images[8]
    stages = sanity_check(lay_open(make("sequential")), image, lambda _: image[None].astype(np.float32))
    assert stages[-1].correlations == (pytest.approx(1),)
