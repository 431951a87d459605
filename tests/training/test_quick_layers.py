from __future__ import annotations

import numpy as np
import pytest

from digitlab.models import build
from digitlab.models.backend import dtype_policy, keras

pytestmark = [
    pytest.mark.xdist_group("keras"),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a layer for TensorFlow only"),
]


@pytest.mark.parametrize("rate", [0.25, 0.5, 0.2, 0.3, 0.9])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_share_that_is_dropped_and_the_mean_are_right(rate: float, policy: str) -> None:
    from digitlab.training.compiled.quick_layers import QuickDropout

    with dtype_policy(policy):
        layer = QuickDropout(keras.layers.Dropout(rate, seed=1))
    units = np.ones((64, 33, 29), np.float32)  # no multiple of four
    calls = [np.asarray(keras.ops.cast(layer(units, training=True), "float32")) for _ in range(64)]
    shares = [(dropped == 0).mean() for dropped in calls]
    deviation = np.sqrt(rate * (1 - rate) / units.size)
    assert all(abs(share - rate) <= 5 * deviation + 1 / 256 for share in shares)
    assert np.mean(shares) == pytest.approx(rate, abs=5 * (deviation + 1 / 512) / np.sqrt(len(calls)))
    assert calls[0].max() == pytest.approx(1 / (1 - rate), rel=0.01)
    assert np.mean(calls) == pytest.approx(1, rel=0.03)
    np.testing.assert_array_equal(np.asarray(layer(units, training=False)), units)


def test_each_call_drops_others_and_the_seed_decides_which() -> None:
    from digitlab.training.compiled.quick_layers import QuickDropout

    units = np.ones((100, 100), np.float32)
    first, second = (QuickDropout(keras.layers.Dropout(0.5, seed=seed)) for seed in (3, 3))
    one, two = (np.asarray(layer(units, training=True)) for layer in (first, second))
    np.testing.assert_array_equal(one, two)
    assert (np.asarray(first(units, training=True)) != one).mean() == pytest.approx(0.5, abs=0.05)
    rows = one.reshape(-1)
    assert abs(np.corrcoef(rows[:-1], rows[1:])[0, 1]) < 0.05  # neighbours come of one random word


@pytest.mark.parametrize("name", ["thesis-2conv", "final-cnn", "reader-cnn"])
def test_the_network_stays_the_same_but_for_its_dropout(name: str) -> None:
    from digitlab.training.compiled.quick_layers import QuickDropout, with_quick_layers

    model = build(name)
    quick = with_quick_layers(model)
    kinds = [type(layer) for layer in quick.layers]
    assert keras.layers.Dropout not in kinds
    assert kinds.count(QuickDropout) == sum(type(layer) is keras.layers.Dropout for layer in model.layers)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    np.testing.assert_array_equal(np.asarray(model(images)), np.asarray(quick(images)))
    assert {id(weight) for weight in quick.trainable_weights} == {id(weight) for weight in model.trainable_weights}


@pytest.mark.parametrize(
    "name", ["thesis-2conv", "good-cnn", "tiny-cnn", "tiny-family", "reader-cnn", "final-cnn", "first-cnn"]
)
def test_a_step_of_the_quick_network_is_a_step_of_the_plain_one(name: str) -> None:
    """Without dropout, whose numbers differ: answers, slopes and moving moments, to rounding."""
    import tensorflow as tf

    from digitlab.training.compiled.quick_layers import with_quick_layers

    plain = _without_dropout(build(name))
    model = _without_dropout(build(name))
    model.set_weights(plain.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (32, 28, 28), np.uint8)
    labels = np.arange(32) % 10

    def slopes_of(network: keras.Model) -> list[np.ndarray]:
        with tf.GradientTape() as tape:
            answers = network(images, training=True)
            loss = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(labels, answers))
        return [np.asarray(each) for each in (answers, *tape.gradient(loss, network.trainable_weights))]

    expected, found = slopes_of(plain), slopes_of(with_quick_layers(model))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-5 + 1e-3 * np.abs(one).max())
    for one, other in zip(plain.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-6)


def test_slopes_of_a_bfloat16_relu_are_those_of_any_other() -> None:
    import tensorflow as tf

    from digitlab.training.compiled.quick_layers import relu

    units = tf.cast([-3e38, -1.0, -1e-37, -0.0, 0.0, 1e-38, 1e-20, 0.3, 7.0, 2e36], tf.bfloat16)
    upstream = tf.cast([1e-38, -2.5, 2e36, 1.0, 1.0, -0.0, 1e-30, -2e36, 5.0, -0.1], tf.bfloat16)

    def slopes_of(activation: object) -> np.ndarray:
        with tf.GradientTape() as tape:
            tape.watch(units)
            answer = activation(units)  # type: ignore[operator]
        return np.asarray(tf.cast(tape.gradient(answer, units, output_gradients=upstream), tf.float32))

    np.testing.assert_array_equal(slopes_of(relu), slopes_of(tf.nn.relu))


def _without_dropout(model: keras.Model) -> keras.Model:
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return model
