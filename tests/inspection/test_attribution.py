"""What reasons must fulfil."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitlab.errors import UsageError
from digitlab.inspection import (
    Question,
    grad_cam,
    integrated_gradients,
    lay_open,
    mapping_layers,
    occlusion,
    results,
    saliency,
    scores,
)
from digitlab.inspection.attribution import gradients
from digitlab.inspection.sanity import shuffled
from digitlab.models import build, predict_probabilities
from digitlab.models.backend import keras
from digitlab.models.ensemble import ensemble

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.values import Digits

pytestmark = pytest.mark.xdist_group("keras")

layers = keras.layers
ASKED = [Question(4), Question(9), Question(4, 9)]


def linear() -> Any:
    stack = [keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(10, activation="softmax")]
    return keras.Sequential(stack, name="linear")


def pooled(*, padding: str = "valid") -> Any:
    """Convolution, global mean, dense: where Grad-CAM is the class activation map of Zhou and others (2016)."""
    stack = [
        keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1)),
        layers.Conv2D(6, 5, activation="relu", padding=padding, name="maps"), layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="softmax", name="answer"),
    ]  # fmt: skip
    return keras.Sequential(stack, name="pooled")


def smooth() -> Any:
    """Without a bend, so that small steps tell the slope; with a way around."""
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Conv2D(4, 5, activation="tanh", name="first")(
        layers.Reshape((28, 28, 1))(layers.Rescaling(1 / 64)(images))
    )
    y = layers.Conv2D(4, 3, activation="softplus", padding="same", name="second")(x)
    x = layers.Flatten()(layers.AveragePooling2D(4)(layers.Add()([x, y])))
    return keras.Model(images, layers.Dense(10, activation="softmax")(x), name="smooth")


@pytest.mark.backends
def test_slopes_are_those_of_small_steps(few_digits: Digits) -> None:
    network = lay_open(smooth())
    images = few_digits.images[:2].astype(np.float32)
    weights = np.stack([question.weights for question in ASKED[1:]])
    sums, (found,) = gradients(network.scoring, [images], weights)
    np.testing.assert_allclose(sums, (scores(network, images) * weights).sum(axis=1), rtol=1e-5)
    for row, column in ((9, 14), (14, 12), (20, 13)):
        step = np.zeros_like(images)
        step[:, row, column] = 4
        rise = ((scores(network, images + step) - scores(network, images - step)) * weights).sum(axis=1) / 8
        np.testing.assert_allclose(found[:, row, column], rise, rtol=0.01, atol=1e-6)


@pytest.mark.backends
def test_a_linear_network_explains_itself(few_digits: Digits) -> None:
    model = linear()
    network = lay_open(model)
    kernel = model.get_weights()[0].reshape(28, 28, 10)
    image = few_digits.images[8]
    of_four = kernel[:, :, 4]
    np.testing.assert_allclose(saliency(network, image, [Question(4)])[0], np.abs(of_four), rtol=1e-5)
    gathered = integrated_gradients(network, image, ASKED)
    np.testing.assert_allclose(gathered.maps[0], of_four * image / 255, atol=1e-6)
    np.testing.assert_allclose(gathered.maps[2], (of_four - kernel[:, :, 9]) * image / 255, atol=1e-6)
    lost = occlusion(network, image, [Question(4)], side=3)[0]
    assert lost[14, 14] == pytest.approx(float((of_four * image / 255)[13:16, 13:16].sum()), abs=1e-5)
    assert lost[0, 27] == pytest.approx(float((of_four * image / 255)[:2, 26:].sum()), abs=1e-5)


def test_integrated_gradients_are_complete(model: Any, few_digits: Digits) -> None:
    network = lay_open(model)
    for image in few_digits.images[[3, 8, 14]]:
        gathered = integrated_gradients(network, image, ASKED)
        ends = scores(network, np.stack([image, np.zeros_like(image)]))
        for maps, question, rise in zip(gathered.maps, ASKED, gathered.rise, strict=True):
            assert rise == pytest.approx(float((ends[0] - ends[1]) @ question.weights), abs=1e-5)
            assert float(maps.sum()) == pytest.approx(float(rise), rel=0.01, abs=1e-4)
        assert not gathered.maps[:, image == 0].any()  # a pixel that does not differ has no share


def test_two_classes_are_told_apart_by_the_difference(make: Callable[[str], Any], few_digits: Digits) -> None:
    network, image = lay_open(make("residual")), few_digits.images[8]
    four, nine, apart = integrated_gradients(network, image, ASKED, steps=32).maps
    np.testing.assert_allclose(apart, four - nine, atol=1e-5)
    four, nine, apart = occlusion(network, image, ASKED)
    np.testing.assert_allclose(apart, four - nine, atol=1e-5)


def test_the_score_is_the_logit_or_the_logarithm(make: Callable[[str], Any], few_digits: Digits) -> None:
    one, other = build("slides-cnn"), build("exercise-mlp")
    for model in (one, ensemble([one, other])):
        found = scores(lay_open(model), few_digits.images)
        logarithms = np.log(predict_probabilities(model, few_digits.images))
        # The same differences between classes either way.
        np.testing.assert_allclose(found[:, 1:] - found[:, :1], logarithms[:, 1:] - logarithms[:, :1], atol=1e-4)
    gathered = integrated_gradients(lay_open(ensemble([one, other])), few_digits.images[8], ASKED)
    assert gathered.missing.max() <= 0.01


@pytest.mark.backends
def test_grad_cam_is_the_class_activation_map_where_there_is_one(few_digits: Digits) -> None:
    model = pooled(padding="same")
    network, image = lay_open(model), few_digits.images[8]
    maps = results(network, image[None], [network.steps["maps:relu"]])[0][0]  # (28, 28, 6)
    weights = model.get_layer("answer").get_weights()[0]  # (6, 10)
    for question, found in zip(ASKED, grad_cam(network, image, ASKED), strict=True):
        expected = np.maximum(maps @ (weights @ question.weights), 0) / (28 * 28)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_grad_cam_lies_where_its_units_look(few_digits: Digits) -> None:
    model = pooled()
    kernel, bias, weights, answers = model.get_weights()
    kernel[:], bias[:], weights[:] = 0, -0.5, 1
    kernel[2, 2] = 1  # each unit sees the middle pixel of its window
    model.set_weights([kernel, bias, weights, answers])
    dot = np.zeros((28, 28), np.uint8)
    dot[11, 17] = 255
    (found,) = grad_cam(lay_open(model), dot, [Question(3)])
    assert np.argwhere(found > 0).tolist() == [[11, 17]]


@pytest.mark.backends
def test_slopes_of_a_layer_inside(few_digits: Digits) -> None:
    """A little more of one map, everywhere, changes the score by the sum of its gradients, all ways on included."""
    network, image = lay_open(smooth()), few_digits.images[8:9].astype(np.float32)
    step = network.activated(mapping_layers(network)[0])
    probed = network.probed(step)
    nothing = np.zeros((1, *step.shape), np.float32)
    weights = Question(4, 9).weights[None]
    sums, (_, found) = gradients(probed, [image, nothing], weights)
    assert sums[0] == pytest.approx(float(scores(network, image)[0] @ weights[0]), rel=1e-4, abs=1e-5)
    more = nothing.copy()
    more[..., 0] = 0.03
    rise = (np.asarray(probed([image, more])) - np.asarray(probed([image, -more]))) @ weights[0] / 0.06
    assert float(found[..., 0].sum()) == pytest.approx(float(rise[0]), rel=0.01, abs=1e-4)


def test_grad_cam_of_every_layer(model: Any, few_digits: Digits) -> None:
    network = lay_open(model)
    for layer in mapping_layers(network):
        found = grad_cam(network, few_digits.images[8], ASKED, layer.name)
        assert found.shape == (3, 28, 28)
        assert found.min() >= 0


def test_a_shuffled_network_is_asked_as_it_is(make: Callable[[str], Any], few_digits: Digits) -> None:
    network, image = lay_open(make("sequential")), few_digits.images[8]
    spoilt = shuffled(network, 99, seed=1)
    for way in (saliency, grad_cam, occlusion):
        assert not np.allclose(way(network, image, ASKED), way(spoilt, image, ASKED))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: Question(10), "no class 10"),
        (lambda: Question(4, -1), "no class -1"),
        (lambda: Question(4, 4), "two different"),
        (lambda: grad_cam(lay_open(linear()), np.zeros((28, 28), np.uint8), ASKED), "no convolution"),
        (lambda: grad_cam(lay_open(pooled()), np.zeros((28, 28), np.uint8), ASKED, "answer"), "needs maps"),
        (lambda: grad_cam(lay_open(pooled()), np.zeros((28, 28), np.uint8), ASKED, "mops"), "it has: .*maps"),
        (lambda: occlusion(lay_open(pooled()), np.zeros((28, 28), np.uint8), ASKED, side=4), "odd side"),
    ],
)
def test_what_cannot_be_asked(ask: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ask()
