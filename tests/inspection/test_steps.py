"""A network laid open computes the same, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from digitlab.errors import ModelError, UsageError
from digitlab.inspection import activation_maps, lay_open, mapping_layers, results
from digitlab.models import after_sobel, build, predict_probabilities
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.values import Digits

pytestmark = pytest.mark.xdist_group("keras")


def test_the_answers_are_the_same(model: Any, few_digits: Digits) -> None:
    network = lay_open(model)
    (answers,) = results(network, few_digits.images, [network.answer])
    np.testing.assert_allclose(answers, predict_probabilities(model, few_digits.images), rtol=0, atol=1e-6)


def test_every_map_is_what_a_truncated_model_answers(model: Any, few_digits: Digits) -> None:
    network = lay_open(model)
    found = {maps.layer: maps for maps in activation_maps(network, few_digits.images, mapping_layers(network))}
    assert found
    compared = 0
    for layer in model.layers:
        if layer.name not in found or f"{layer.name}#2" in found:
            continue
        whole = keras.Model(model.inputs[0], layer.output)(few_digits.images, training=False)
        maps = found[layer.name]
        own = getattr(layer, "activation", None)
        # Where the activation is a layer further on, the truncated model ends before it.
        maps = found[layer.name]
        plain = own in (None, keras.activations.linear) and maps.before is not None
        np.testing.assert_allclose(maps.before if plain else maps.after, whole, rtol=0, atol=1e-6)
        compared += 1
    assert compared


def test_maps_before_an_activation_are_the_plain_convolution(make: Callable[[str], Any], few_digits: Digits) -> None:
    network = lay_open(make("sequential"))
    first = mapping_layers(network)[0]
    (maps,) = activation_maps(network, few_digits.images, [first])
    windows = sliding_window_view(few_digits.images / 255, (3, 3), axis=(1, 2))
    by_hand = np.einsum("nhwrc,rco->nhwo", windows, np.asarray(first.layer.kernel)[:, :, 0])
    by_hand += np.asarray(first.layer.bias)
    assert maps.before is not None
    assert maps.before.min() < 0
    np.testing.assert_allclose(maps.before, by_hand, atol=1e-5)
    np.testing.assert_array_equal(maps.after, np.maximum(maps.before, 0))
    assert maps.activation == "relu"


@pytest.mark.parametrize(("make_of", "layer", "activation"), [("normalised", 0, "leaky_relu"), ("residual", 1, "relu")])
def test_the_activation_may_be_a_layer_further_on(
    make_of: str, layer: int, activation: str, make: Callable[[str], Any], few_digits: Digits
) -> None:
    network = lay_open(make(make_of))
    maps = activation_maps(network, few_digits.images, mapping_layers(network)[layer : layer + 1])[0]
    assert maps.activation == activation
    assert maps.before is not None
    assert not np.array_equal(maps.before, maps.after)


def test_pooling_has_no_before(make: Callable[[str], Any], few_digits: Digits) -> None:
    network = lay_open(make("sequential"))
    pool = mapping_layers(network)[1]
    (maps,) = activation_maps(network, few_digits.images[:1], [pool])
    assert (maps.kind, maps.before, maps.activation) == ("MaxPooling2D", None, None)


def test_models_in_models_lie_flat_under_their_names(make: Callable[[str], Any]) -> None:
    network = lay_open(make("nested"))
    first, second, third, last = (step.name for step in mapping_layers(network))
    assert (first, third, last) == ("inner/lines", "corners", "pool")
    assert second.startswith("inner/max_pooling2d")
    assert network.find("lines").name == "inner/lines"
    assert network.steps["corners"].takes == (second,)


def test_a_model_in_a_model_in_a_model(few_digits: Digits) -> None:
    inner = build("slides-cnn")
    outer = after_sobel(after_sobel(inner))
    network = lay_open(outer)
    (answers,) = results(network, few_digits.images, [network.answer])
    np.testing.assert_allclose(answers, predict_probabilities(outer, few_digits.images), atol=1e-6)
    assert network.answer.name == "slides-cnn/slides-cnn/probabilities:softmax"


def test_a_layer_that_is_used_twice_is_two_steps_and_one_layer(make: Callable[[str], Any]) -> None:
    network = lay_open(make("shared"))
    first, second = mapping_layers(network)[:2]
    assert (first.name, second.name) == ("twice", "twice#2")
    assert first.layer is second.layer
    assert second.takes == ("twice:relu",)


def test_unknown_layers_are_answered_with_the_known_ones(make: Callable[[str], Any]) -> None:
    with pytest.raises(UsageError, match=r"no layer 'conv99'; it has: .*pool, .*answer"):
        lay_open(make("residual")).find("conv99")


def test_the_model_stays_as_it_is(make: Callable[[str], Any]) -> None:
    model = make("residual")
    before = [held.copy() for held in model.get_weights()]
    for step in lay_open(model).steps.values():
        step.layer.set_weights([np.zeros_like(held) for held in step.layer.get_weights()])
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_other_models_are_refused() -> None:
    with pytest.raises(ModelError, match=r"maps \(None, 5\)"):
        lay_open(keras.Sequential([keras.Input((5,)), keras.layers.Dense(10)], name="five"))

    class Written(keras.Model):
        def call(self, images: Any) -> Any:
            return images

    with pytest.raises(ModelError, match="cannot be inspected"):
        lay_open(Written())
