from __future__ import annotations

import numpy as np
import pytest

from digitlab.errors import UsageError
from digitlab.models import ARCHITECTURES, build, preparation_of
from digitlab.models.backend import dtype_policy, keras

pytestmark = pytest.mark.xdist_group("keras")

# Printed in the documents (first-cnn, final-cnn, slides-cnn), or counted by hand from what they say of the layers.
PARAMETERS = {
    "thesis-1conv": 320 + 5408 * 128 + 128 + 1290,
    "thesis-2conv": 320 + 9248 + 4608 * 128 + 128 + 1290,
    "thesis-3conv": 320 + 2 * 9248 + 3872 * 128 + 128 + 1290,
    "thesis-4conv": 320 + 3 * 9248 + 512 * 128 + 128 + 1290,
    "thesis-6conv": 320 + 5 * 9248 + 288 * 128 + 128 + 1290,
    "ann-397": 785 * 397 + 398 * 397 + 398 * 10,
    "first-cnn": 93_222,
    "final-cnn": 499_378,
    "slides-cnn": 30_762,
    "exercise-mlp": 785 * 784 + 785 * 10,
    "exercise-cnn": 832 + 4608 * 128 + 128 + 1290,
    "notebook-cnn": 544 + 18_496 + 7744 * 128 + 128 + 1290,
    "fast-cnn": 624 + 6944 + 801 * 256 + 2570,
    "good-cnn": 136_106,
    "best-cnn": 300_922,
    "deep-cnn": 321_866,
    "tiny-cnn": 1_465,
    "tiny-family": 12 * 8 + 8 * 9 + 8 * 12 + 3 * 12 + 12 * 9 + 12 * 12 + 3 * 3 * 12 + 12 * 16 + 130,
    "microcontroller-cnn": 72 + 864 + 1944 + 3240 + 3 * 58 + 320 + 210,
    "reader-cnn": 217_386,
    "conv-family": 320 + 5408 * 20 + 20 + 210,
    "dense-family": 785 * 397 + 398 * 397 + 398 * 10,
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parameters_are_those_of_the_documents(name: str) -> None:
    model = build(name)
    assert model.count_params() == PARAMETERS[name]
    assert f"{PARAMETERS[name]:,} parameters" in (ARCHITECTURES[name].__doc__ or "")


def test_a_block_that_is_used_again_counts_once() -> None:
    counts = {repeats: build("tiny-family", options={"repeats": repeats}).count_params() for repeats in (0, 1, 3)}
    assert counts[3] - counts[1] == 2 * 3 * 12  # of two more blocks the normalisations only
    own = build("tiny-family", options={"shared": False}).count_params()
    assert own - counts[1] == 2 * (9 * 12 + 12 * 12)
    with pytest.raises(UsageError, match="repeats is 9; expected 0 to 8"):
        build("tiny-family", options={"repeats": 9})


@pytest.mark.backends
@pytest.mark.parametrize("name", ["thesis-4conv", "final-cnn", "reader-cnn", "tiny-family"])
def test_images_become_probabilities(name: str) -> None:
    keras.utils.set_random_seed(0)
    probabilities = build(name).predict(np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8), verbose=0)
    assert probabilities.shape == (3, 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name.startswith("thesis")])
def test_dropout_can_be_left_out_and_has_no_weights(name: str) -> None:
    model = build(name, dropout=False)
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in model.layers)
    assert model.count_params() == PARAMETERS[name]


def test_the_trained_parameters_of_the_final_network_are_as_printed() -> None:
    model = build("final-cnn")
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 492_446


def test_the_preparation_is_in_the_model() -> None:
    assert preparation_of(build("ann-397")) == "x / 255 - 0.5"
    assert preparation_of(build("thesis-2conv")) == "x / 255"
    black, white = np.zeros((1, 28, 28), np.uint8), np.full((1, 28, 28), 255, np.uint8)
    model = build("ann-397")
    prepared = keras.Model(model.inputs, model.get_layer("prepare").output)
    assert prepared.predict(black, verbose=0).min() == -0.5
    assert prepared.predict(white, verbose=0).max() == 0.5


def test_the_answer_stays_in_float32_when_the_rest_is_bfloat16() -> None:
    with dtype_policy("mixed_bfloat16"):
        model = build("final-cnn")
    assert model.layers[0].compute_dtype == "bfloat16"
    assert model.get_layer("probabilities").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_unknown_names_are_answered_with_known_ones() -> None:
    with pytest.raises(UsageError, match="Did you mean 'thesis-2conv'"):
        build("thesis2conv")
    with pytest.raises(UsageError, match="no variant without dropout"):
        build("ann-397", dropout=False)
