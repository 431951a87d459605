"""Maps that never answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.inspection import activation_maps, activation_statistics, lay_open, mapping_layers, results

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.values import Digits

pytestmark = pytest.mark.xdist_group("keras")


def test_dead_maps_are_named(make: Callable[[str], Any], few_digits: Digits) -> None:
    model = make("sequential")
    network = lay_open(model)
    convolution = mapping_layers(network)[0]
    kernel, bias = convolution.layer.get_weights()
    kernel[..., 4], bias[4] = 0, 0.7  # the same everywhere, though not 0
    bias[11] = -1000
    convolution.layer.set_weights([kernel, bias])
    found = {each.layer: each for each in activation_statistics(network, few_digits.images, mapping_layers(network))}
    assert found[convolution.name].dead == [5, 12]
    assert found[mapping_layers(network)[1].name].dead == [5, 12]  # pooling keeps them
    assert found[convolution.name].images == 20


def test_dead_for_one_image_is_not_dead_for_all(make: Callable[[str], Any], few_digits: Digits) -> None:
    network = lay_open(make("sequential"))
    layers = mapping_layers(network)[:1]
    black = np.zeros((1, 28, 28), np.uint8)
    assert len(activation_statistics(network, black, layers)[0].dead) == 16
    assert activation_statistics(network, few_digits.images, layers)[0].dead == []


def test_extremes_over_batches_are_those_of_all(make: Callable[[str], Any]) -> None:
    images = load_dataset("mnist").split("test").images[:230]
    network = lay_open(make("residual"))
    layers = mapping_layers(network)
    whole = activation_maps(network, images, layers)
    for maps, life in zip(whole, activation_statistics(network, images, layers), strict=True):
        assert len(maps.after) == 230
        np.testing.assert_array_equal(life.least, maps.after.min(axis=(0, 1, 2)))
        np.testing.assert_array_equal(life.greatest, maps.after.max(axis=(0, 1, 2)))


def test_nothing_asked_is_nothing_made(make: Callable[[str], Any], few_digits: Digits) -> None:
    network = lay_open(make("residual"))
    assert results(network, few_digits.images, []) == []
    assert activation_statistics(network, few_digits.images, []) == []
    assert activation_maps(network, few_digits.images, [network.answer]) == []  # no maps
