"""Filters as they are laid on the image, and what the first ones look for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from digitlab.datasets.transforms import BANK
from digitlab.inspection import Filters, activation_maps, convolution_filters, lay_open, mapping_layers, read_filters
from digitlab.models import open_model
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.values import Digits

pytestmark = pytest.mark.xdist_group("keras")


def laid_on(images: NDArray[Any], filters: Filters) -> NDArray[Any]:
    """Multiply and sum at every place: (N, H, W, depth) → (N, H', W', number), by hand."""
    windows = sliding_window_view(images, filters.kernel.shape[:2], axis=(1, 2))  # (N, H', W', depth, rows, columns)
    sums = np.einsum("nhwdrc,rcdo->nhwo", windows, filters.kernel.astype(np.float64))
    return sums + (0 if filters.biases is None else filters.biases)


def old_theano_file(path: Path) -> list[NDArray[np.float32]]:
    """As Keras 2.0.4 on Theano wrote S0's model: kernels (rows, columns, in, out), turned when they were applied."""
    rng = np.random.default_rng(5)
    kernels = [rng.normal(0, 0.3, shape).astype(np.float32) for shape in ((3, 3, 1, 4), (3, 3, 4, 5))]
    biases = [rng.normal(0, 0.1, 4).astype(np.float32), rng.normal(0, 0.1, 5).astype(np.float32)]
    dense = [rng.normal(0, 0.1, (24 * 24 * 5, 10)).astype(np.float32), np.zeros(10, np.float32)]
    conv = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "valid", "data_format": "channels_last",
            "dilation_rate": [1, 1], "activation": "relu", "use_bias": True, "trainable": True}  # fmt: skip
    config = [
        {"class_name": "Conv2D", "config": {"name": "conv2d_1", "batch_input_shape": [None, 28, 28, 1],
                                            "dtype": "float32", "filters": 4, **conv}},
        {"class_name": "Conv2D", "config": {"name": "conv2d_2", "filters": 5, **conv}},
        {"class_name": "Flatten", "config": {"name": "flatten_1", "trainable": True}},
        {"class_name": "Dense", "config": {"name": "dense_1", "units": 10, "activation": "softmax", "use_bias": True,
                                           "trainable": True}},
    ]  # fmt: skip
    weights = {"conv2d_1": [kernels[0], biases[0]], "conv2d_2": [kernels[1], biases[1]], "flatten_1": [],
               "dense_1": dense}  # fmt: skip
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config}).encode()
        root = file.create_group("model_weights")
        for place in (file, root):
            place.attrs.update({"keras_version": b"2.0.4", "backend": b"theano"})
        root.attrs["layer_names"] = [name.encode() for name in weights]
        for name, arrays in weights.items():
            group = root.create_group(name)
            kinds = ["kernel", "bias"][: len(arrays)]
            group.attrs["weight_names"] = np.array([f"{name}/{kind}:0".encode() for kind in kinds])
            for kind, array in zip(kinds, arrays, strict=True):
                group[f"{name}/{kind}:0"] = array
    return kernels


def test_filters_of_an_imported_2017_model_make_its_maps(tmp_path: Path, few_digits: Digits) -> None:
    stored = old_theano_file(tmp_path / "2017.h5")
    network = lay_open(open_model(tmp_path / "2017.h5"))
    first, second = convolution_filters(network)
    np.testing.assert_array_equal(first.kernel, stored[0][::-1, ::-1])
    np.testing.assert_array_equal(second.kernel, stored[1][::-1, ::-1])
    one, other = activation_maps(network, few_digits.images, mapping_layers(network))
    assert one.before is not None
    assert other.before is not None
    np.testing.assert_allclose(one.before, laid_on(few_digits.images[..., None] / 255, first), atol=1e-5)
    np.testing.assert_allclose(other.before, laid_on(one.after, second), atol=1e-5)
    # Theano's own way, with the kernel as it was stored: it runs backwards over the image.
    image = few_digits.images[0] / 255
    backwards = sum(
        stored[0][row, column, 0] * image[2 - row : 28 - row, 2 - column : 28 - column, None]
        for row in range(3)
        for column in range(3)
    )
    assert first.biases is not None
    np.testing.assert_allclose(one.before[0], backwards + first.biases, atol=1e-5)


def test_filters_of_every_make_make_its_maps(few_digits: Digits, make: Callable[[str], Any]) -> None:
    network = lay_open(make("separable"))
    deep, depthwise, pointwise, back = convolution_filters(network)
    maps = activation_maps(network, few_digits.images, mapping_layers(network))
    pixels = few_digits.images[..., None] / 255
    np.testing.assert_allclose(maps[0].before, laid_on(pixels, deep), atol=1e-5)
    each = [
        laid_on(maps[0].after[..., channel : channel + 1], Filters("", depthwise.kernel[..., channel : channel + 1]))
        for channel in range(2)
    ]
    np.testing.assert_allclose(maps[1].before, laid_on(np.concatenate(each, axis=-1), pointwise), atol=1e-4)
    assert (depthwise.name, pointwise.name, depthwise.biases) == ("apart-depthwise", "apart-pointwise", None)
    assert (back.kernel.shape, back.biases) == ((3, 3, 5, 3), None)
    framed = np.pad(maps[1].after, ((0, 0), (2, 2), (2, 2), (0, 0)))  # a transposed convolution lays it down turned
    turned = Filters("", back.kernel[::-1, ::-1])
    np.testing.assert_allclose(maps[2].after, laid_on(framed, turned), atol=1e-4)


def test_the_numbers_for_json() -> None:
    kernel = np.linspace(-1, 2, 2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    told = Filters("conv", kernel, np.arange(5, dtype=np.float32)).as_dict()
    sizes = {"width": 3, "height": 2, "depth": 4, "number": 5, "least": -1.0, "greatest": 2.0}
    assert told == {"layer": "conv", **sizes, "biases": [0, 1, 2, 3, 4]}


def first_layer(*kernels: NDArray[Any]) -> Filters:
    return Filters("first", np.stack(kernels, axis=-1)[:, :, None].astype(np.float32))


@pytest.mark.parametrize("sign", [1, -3])
def test_the_bank_reads_itself(sign: int) -> None:
    names = [name for name, kernel in BANK.items() if kernel.shape == (3, 3)]
    readings = read_filters(first_layer(*(sign * BANK[name] / np.linalg.norm(BANK[name]) for name in names)))
    expected = {"horizontal": 2, "vertical": 2, "diagonal": 2, "blob": 4}
    nearest = {"lines": "line", "sobel": "edge", "laplacian": "spot", "mean": "mean", "gaussian": "mean"}
    assert [each.number for each in readings] == list(range(1, 11))
    for name, reading in zip(names, readings, strict=True):
        assert reading.likeness == pytest.approx(1, abs=1e-6)
        assert reading.reads in name or reading.reads in ("diagonal", "blob")
        assert reading.nearest == nearest[name.partition("-")[0]]
    assert {reads: sum(each.reads == reads for each in readings) for reads in expected} == expected


def drawn(pattern: str, size: int, *, angle: float = 0.0, soft: float = 1.0) -> NDArray[np.float64]:
    """An edge or a line that rises to the right by so many degrees, or a spot, as a filter of this size."""
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    turn = np.deg2rad(angle)
    away = (np.cos(turn) * rows + np.sin(turn) * columns) / (soft * size / 5)
    if pattern == "edge":
        return np.tanh(2 * away)
    if pattern == "line":
        return np.exp(-(away**2)) - np.exp(-(away**2)).mean()
    ring = np.exp(-(rows**2 + columns**2) / (soft * size / 5) ** 2)
    return ring - ring.mean()


@pytest.mark.parametrize("size", [3, 5, 7, 11])
@pytest.mark.parametrize(
    ("pattern", "angle", "reads"),
    [
        ("edge", 0, "horizontal"), ("edge", 90, "vertical"), ("edge", 45, "diagonal"), ("edge", 130, "diagonal"),
        ("line", 0, "horizontal"), ("line", 90, "vertical"), ("line", 45, "diagonal"), ("line", 135, "diagonal"),
        ("spot", 0, "blob"),
    ],
)  # fmt: skip
def test_patterns_that_fill_a_filter_of_any_size_are_read(size: int, pattern: str, angle: float, reads: str) -> None:
    (reading,) = read_filters(first_layer(-2 * drawn(pattern, size, angle=angle)))
    assert (reading.reads, reading.nearest) == (reads, pattern), reading


def test_a_pattern_in_a_corner_of_a_filter_does_not_name_it() -> None:
    """Three by three numbers of 5×5 are an edge, as S2's kernel is; what surrounds them is none and weighs more."""
    kernel = np.random.default_rng(3).normal(size=(5, 5))
    kernel[1:4, 1:4] = BANK["sobel-horizontal"] / 2
    (reading,) = read_filters(first_layer(kernel))
    assert (reading.reads, reading.likeness < 0.7) == ("nothing", True)


def test_what_lies_between_two_names_gets_neither() -> None:
    (between,) = read_filters(first_layer(drawn("line", 5, angle=22.5)))
    assert (between.reads, between.nearest, between.likeness > 0.9) == ("nothing", "line", True)


@pytest.mark.parametrize(("angle", "reads"), [(0, "horizontal"), (30, "diagonal"), (45, "diagonal"), (90, "vertical"),
                                              (100, "vertical"), (140, "diagonal"), (170, "horizontal")])  # fmt: skip
def test_edges_of_every_angle(angle: float, reads: str) -> None:
    turn = np.deg2rad(angle)
    down, right = BANK["sobel-horizontal"], BANK["sobel-vertical"]
    # Light below a line that rises to the right by so many degrees.
    (reading,) = read_filters(first_layer(np.cos(turn) * down + np.sin(turn) * right))
    assert reading.angle == pytest.approx(angle, abs=1e-3)
    assert reading.reads == reads


@pytest.mark.parametrize("size", [2, 3, 4, 5, 7])
def test_random_filters_are_nothing_but_for_one_in_a_hundred(size: int) -> None:
    kernels = np.random.default_rng(1).standard_normal((size, size, 1, 2000)).astype(np.float32)
    read = [each for each in read_filters(Filters("noise", kernels)) if each.reads != "nothing"]
    assert len(read) <= 30


def test_weak_filters_are_nothing() -> None:
    faint = 0.03 * BANK["sobel-horizontal"]
    filters = first_layer(faint, BANK["sobel-vertical"], -BANK["lines-45"], 0 * BANK["mean"], np.full((3, 3), 2))
    assert filters.weak.tolist() == [True, False, False, True, False]
    assert [each.reads for each in read_filters(filters)] == ["nothing", "vertical", "diagonal", "nothing", "blob"]


def test_deeper_filters_are_not_read() -> None:
    assert read_filters(Filters("deep", np.ones((3, 3, 2, 4), np.float32))) == []
    assert read_filters(Filters("points", np.ones((1, 1, 1, 4), np.float32))) == []


def test_no_convolution_no_filters() -> None:
    dense = keras.Sequential(
        [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    )
    assert convolution_filters(lay_open(dense)) == []
