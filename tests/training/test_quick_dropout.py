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
    from digitlab.training.compiled.quick_dropout import QuickDropout

    with dtype_policy(policy):
        layer = QuickDropout(keras.layers.Dropout(rate, seed=1))
    units = np.ones((64, 33, 29), np.float32)  # no multiple of four
    dropped = np.asarray(keras.ops.cast(layer(units, training=True), "float32"))
    deviation = np.sqrt(rate * (1 - rate) / units.size)
    assert (dropped == 0).mean() == pytest.approx(rate, abs=5 * deviation + 1e-5)
    assert dropped.max() == pytest.approx(1 / (1 - rate), rel=0.01)
    assert dropped.mean() == pytest.approx(1, rel=0.03)
    np.testing.assert_array_equal(np.asarray(layer(units, training=False)), units)


def test_each_call_drops_others_and_the_seed_decides_which() -> None:
    from digitlab.training.compiled.quick_dropout import QuickDropout

    units = np.ones((100, 100), np.float32)
    first, second = (QuickDropout(keras.layers.Dropout(0.5, seed=seed)) for seed in (3, 3))
    one, two = (np.asarray(layer(units, training=True)) for layer in (first, second))
    np.testing.assert_array_equal(one, two)
    assert (np.asarray(first(units, training=True)) != one).mean() == pytest.approx(0.5, abs=0.05)
    rows = one.reshape(-1)
    assert abs(np.corrcoef(rows[:-1], rows[1:])[0, 1]) < 0.05  # neighbours come of one random word


@pytest.mark.parametrize("name", ["thesis-2conv", "final-cnn", "reader-cnn"])
def test_the_network_stays_the_same_but_for_its_dropout(name: str) -> None:
    from digitlab.training.compiled.quick_dropout import QuickDropout, with_quick_dropout

    model = build(name)
    quick = with_quick_dropout(model)
    kinds = [type(layer) for layer in quick.layers]
    assert keras.layers.Dropout not in kinds
    assert kinds.count(QuickDropout) == sum(type(layer) is keras.layers.Dropout for layer in model.layers)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    np.testing.assert_array_equal(np.asarray(model(images)), np.asarray(quick(images)))
    assert {id(weight) for weight in quick.trainable_weights} == {id(weight) for weight in model.trainable_weights}
