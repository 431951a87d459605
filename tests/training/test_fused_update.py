"""One operation instead of a dozen: the same weights and the same moments."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.models.backend import keras
from digitlab.training.optimisers import make_optimiser

pytestmark = [
    pytest.mark.xdist_group("keras"),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="operations of TensorFlow only"),
]


@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize("name", ["adadelta", "adam", "adamw"])
def test_the_fused_step_is_keras_step(name: str, average: float) -> None:
    fused, plain = (_after_steps(name, average, fuse=fuse) for fuse in (True, False))
    assert len(fused) == len(plain)
    for left, right in zip(fused, plain, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adagrad", "nadam"])
def test_the_others_keep_their_own(name: str) -> None:
    from digitlab.training.compiled.on_tensorflow import fuse_update

    optimiser = make_optimiser(name, learning_rate=None, schedule="constant", steps=1)
    before = optimiser.update_step
    fuse_update(optimiser)
    assert optimiser.update_step == before


def _after_steps(name: str, average: float, *, fuse: bool) -> list[np.ndarray]:
    """All variables of model and optimiser after five steps with a rate that changes."""
    import tensorflow as tf

    from digitlab.training.compiled.on_tensorflow import fuse_update

    rng = np.random.default_rng(0)
    weights = [keras.Variable(rng.normal(size=shape).astype(np.float32)) for shape in ((3, 4), (4,))]
    optimiser = make_optimiser(name, learning_rate=0.1, schedule="linear", steps=10, weight_average=average)
    optimiser.build(weights)
    if fuse:
        fuse_update(optimiser)

    @tf.function
    def step(*gradients: tf.Tensor) -> None:
        optimiser.apply(gradients, weights)

    for _ in range(5):
        step(*(tf.constant(rng.normal(size=each.shape).astype(np.float32)) for each in weights))
    return [np.asarray(each.value) for each in (*weights, *optimiser.variables)]
