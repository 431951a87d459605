"""A receptive field holds exactly the pixels that a unit answers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitlab.inspection import lay_open, receptive_fields, results, summarise
from digitlab.models import ARCHITECTURES, build
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.xdist_group("keras")

layers = keras.layers


def varied() -> Any:
    """Strides, dilation, padding of both sorts, and a way around."""
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Reshape((28, 28, 1))(layers.Rescaling(1 / 255)(images))
    x = layers.ZeroPadding2D(((1, 2), (3, 0)), name="framed")(x)
    x = layers.Conv2D(2, (2, 5), strides=(1, 2), name="wide")(x)
    y = layers.Conv2D(2, 3, dilation_rate=2, padding="same", name="holes")(x)
    x = layers.Add(name="sum")([x, y])
    x = layers.AveragePooling2D(3, strides=2, padding="same", name="pool")(layers.Cropping2D(1)(x))
    return keras.Model(images, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))


@pytest.mark.parametrize("of", ["varied", "thesis-4conv", "reader-cnn"])
def test_the_pixels_that_change_a_unit(of: str) -> None:
    model = varied() if of == "varied" else build(of)
    # Weights above 0 everywhere: nothing cancels, and no activation cuts a change off.
    model.set_weights([np.full_like(held, 0.01 if held.ndim > 1 else 1.0) for held in model.get_weights()])
    network = lay_open(model)
    fields = receptive_fields(network)
    steps = [step for step in network.steps.values() if len(step.shape) == 3 and "Max" not in step.kind]
    steps = [step for step in steps if of != "reader-cnn" or step.kind == "Conv2D"][:6]
    grey = np.full((28, 28), 100, np.uint8)
    images = np.repeat(grey[None], 785, axis=0)
    images[1 + np.arange(784), np.arange(784) // 28, np.arange(784) % 28] = 250
    for step, made in zip(steps, results(network, images, steps), strict=True):
        field = fields[step.name]
        assert field is not None
        row, column = step.shape[0] // 2, step.shape[1] // 2
        units = made[:, row, column, 0]
        seen = np.argwhere((np.abs(units[1:] - units[0]) > 1e-6 * abs(units[0])).reshape(28, 28))
        for axis, place in enumerate((row, column)):
            middle = field.middle[axis] + place * field.step[axis]
            low, high = middle - (field.size[axis] - 1) / 2, middle + (field.size[axis] - 1) / 2
            assert (max(0, low), min(27, high)) == (seen[:, axis].min(), seen[:, axis].max()), step.name


def test_ways_that_are_not_in_step_are_not_told(make: Callable[[str], Any]) -> None:
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Reshape((28, 28, 1))(images)
    x = layers.UpSampling2D(2, name="larger")(layers.MaxPooling2D(2)(x))
    model = keras.Model(images, layers.Dense(10, activation="softmax", name="answer")(layers.Flatten()(x)))
    fields = receptive_fields(lay_open(model))
    assert fields["larger"] is None
    assert str(fields["answer"]) == "all"
    assert summarise(lay_open(model))[2].as_dict()["receptive_field"] is None


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_all_parameters_are_counted_once(name: str) -> None:
    model = build(name)
    assert sum(row.parameters for row in summarise(lay_open(model))) == model.count_params()


def test_the_summary_of_the_thesis_network() -> None:
    rows = {row.kind + row.detail[:3]: row for row in summarise(lay_open(build("thesis-2conv")))}
    first, *_ = [row for row in rows.values() if row.kind == "Conv2D"]
    table = summarise(lay_open(build("thesis-2conv")))
    convolutions = [row for row in table if row.kind == "Conv2D"]
    assert [row.multiply_adds for row in convolutions] == [26 * 26 * 9 * 32, 24 * 24 * 9 * 32 * 32]
    assert [row.multiply_adds for row in table if row.kind == "Dense"] == [12 * 12 * 32 * 128, 128 * 10]
    assert [str(row.field) for row in table] == ["1×1", "1×1", "3×3", "5×5", "6×6", "6×6", "all", "all", "all", "all"]
    assert first.detail == "32 filters 3×3, relu"
    assert table[-1].takes == (table[-2].name,)
    assert table[2].input_shape == (28, 28, 1)


def test_a_shared_layer_has_its_parameters_once(make: Callable[[str], Any]) -> None:
    first, second = (row for row in summarise(lay_open(make("shared"))) if row.kind == "Conv2D")
    assert (first.parameters, second.parameters) == (10, 0)
    assert first.multiply_adds == second.multiply_adds == 28 * 28 * 9
    assert second.takes == ("twice",)


def test_the_work_of_other_convolutions(make: Callable[[str], Any]) -> None:
    rows = {row.name: row for row in summarise(lay_open(make("separable")))}
    assert rows["deep"].multiply_adds == 26 * 26 * 9 * 2
    assert rows["apart"].multiply_adds == 24 * 24 * (9 * 2 + 2 * 5)
    assert rows["back"].multiply_adds == 24 * 24 * 9 * 5 * 3
