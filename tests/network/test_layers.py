"""The layers of ONNX files, looked into without Keras."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from digitlab.errors import ModelError, ShapeError, UsageError
from digitlab.network.graph import read_graph
from digitlab.network.layers import NetworkLayers
from digitlab.network.receptive_field import ReceptiveField, Window
from digitlab.reading import Classifier, resolve_model


@pytest.fixture(scope="module")
def reader() -> NetworkLayers:
    return NetworkLayers()


@pytest.fixture(scope="module")
def glyph() -> NDArray[np.uint8]:
    """A seven of sorts."""
    image = np.zeros((28, 28), np.uint8)
    image[5:7, 8:20] = 255
    for row in range(7, 23):
        image[row, 19 - row // 3 : 22 - row // 3] = 230
    return image


class _Graph:
    """Writes a network as an exporter would, node by node."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(5)

    def constant(self, *shape: int, values: object = None) -> str:
        name = f"constant{len(self.constants)}"
        numbers = self._random.normal(0, 0.5, shape).astype(np.float32) if values is None else np.asarray(values)
        self.constants.append(numpy_helper.from_array(numbers, name))
        return name

    def node(self, operator: str, *takes: str, **settings: object) -> str:
        name = f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, takes, [name], **settings))
        return name

    def save(self, path: Path, last: str) -> Path:
        self.nodes.append(helper.make_node("Identity", [last], ["probabilities"]))
        given = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", 28, 28])
        made = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10])
        graph = helper.make_graph(self.nodes, "g", [given], [made], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
        onnx.save(model, path)
        return path

    def begin(self) -> str:
        numbers = self.node("Cast", "images", to=TensorProto.FLOAT)
        scaled = self.node("Mul", numbers, self.constant(values=np.float32(1 / 255)))
        return self.node("Reshape", scaled, self.constant(values=np.array([-1, 1, 28, 28])))

    def end(self, row: str, units: int) -> str:
        product = self.node("MatMul", row, self.constant(units, 10))
        return self.node("Softmax", self.node("Add", product, self.constant(10)), axis=1)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> NetworkLayers:
    """Strides, dilation, groups, padding that is uneven, averages, channels last, two ways that are added."""
    graph = _Graph()
    first = graph.node("Conv", graph.begin(), graph.constant(4, 1, 5, 3), graph.constant(4), auto_pad="SAME_UPPER",
                       strides=[2, 2], kernel_shape=[5, 3])  # fmt: skip
    shaped = graph.node("LeakyRelu", first, alpha=0.1)
    depth = graph.node("Conv", shaped, graph.constant(8, 2, 3, 3), group=2, dilations=[2, 1], pads=[2, 1, 2, 1])
    biased = graph.node("Add", depth, graph.constant(1, 8, 1, 1))
    pooled = graph.node("AveragePool", biased, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    last = graph.node("Transpose", pooled, perm=[0, 2, 3, 1])
    normal = graph.node("Add", graph.node("Mul", last, graph.constant(8)), graph.constant(8))
    again = graph.node("Transpose", normal, perm=[0, 3, 1, 2])
    other = graph.node("Conv", again, graph.constant(8, 8, 1, 1))
    joined = graph.node("Relu", graph.node("Add", again, other))
    row = graph.node("Reshape", joined, graph.constant(values=np.array([-1, 7 * 7 * 8])))
    hidden = graph.node("Gemm", row, graph.constant(6, 7 * 7 * 8), graph.constant(6), transB=1)
    path = graph.save(tmp_path_factory.mktemp("onnx") / "odd.onnx", graph.end(graph.node("Tanh", hidden), 6))
    return NetworkLayers(path)


def test_layers_have_names_kinds_and_sizes(reader: NetworkLayers, odd: NetworkLayers) -> None:
    assert [layer.name for layer in reader.layers][:6] == ["input", "conv-1", "relu-1", "pool-1", "conv-2", "relu-2"]
    assert reader.layer("conv-1").shape[:2] == (24, 24)
    assert [(layer.name, layer.kind, layer.shape) for layer in odd.layers] == [
        ("input", "preparation", (28, 28, 1)),
        ("conv-1", "convolution", (14, 14, 4)),
        ("leakyrelu-1", "activation", (14, 14, 4)),
        ("conv-2", "convolution", (14, 14, 8)),
        ("pool-1", "pooling", (7, 7, 8)),
        ("norm-1", "normalisation", (7, 7, 8)),
        ("conv-3", "convolution", (7, 7, 8)),
        ("add-1", "addition", (7, 7, 8)),
        ("relu-1", "activation", (7, 7, 8)),
        ("flatten", "flatten", (392,)),
        ("dense-1", "dense", (6,)),
        ("tanh-1", "activation", (6,)),
        ("dense-2", "dense", (10,)),
        ("softmax", "softmax", (10,)),
    ]
    assert odd.layer("add-1").takes == ("norm-1", "conv-3")
    assert odd.layer("conv-2").parameters == 8 * 2 * 3 * 3 + 8
    assert odd.layer("norm-1").parameters == 16


@pytest.mark.parametrize("which", ["reader", "odd"])
def test_every_number_is_explained_as_the_network_has_it(
    which: str, glyph: NDArray[np.uint8], request: pytest.FixtureRequest
) -> None:
    network: NetworkLayers = request.getfixturevalue(which)
    seen = network.activations(glyph)
    random = np.random.default_rng(0)
    for layer in network.layers:
        maps = seen.maps[layer.name]
        assert maps.dtype == np.float32
        if not layer.explainable:
            with pytest.raises(UsageError, match="expected a convolution"):
                network.explain(glyph, layer.name, 0)
            continue
        corners = [(0, 0, 0), tuple(size - 1 for size in maps.shape)]
        for place in [*corners, *(tuple(int(random.integers(size)) for size in maps.shape) for _ in range(5))]:
            told = network.explain(glyph, layer.name, *place)
            if told.products is not None and told.kernel is not None:
                assert_allclose(told.products, told.patch * told.kernel)
                assert told.products.sum() + told.rest + told.bias == pytest.approx(told.before, abs=1e-9)
                assert told.before == pytest.approx(float(maps[place]), rel=1e-4, abs=1e-4)
            elif layer.kind == "pooling":
                assert told.before == pytest.approx(float(maps[place]), rel=1e-4, abs=1e-4)
            else:
                assert told.after == float(maps[place])


def test_what_is_seen_is_what_changes(odd: NetworkLayers, glyph: NDArray[np.uint8]) -> None:
    """A pixel outside a unit's receptive field cannot change it, one inside does."""
    for layer in odd.layers:
        if layer.field is None or layer.kind == "preparation":
            continue
        row, column = layer.shape[0] // 2, layer.shape[1] // 2
        x0, y0, x1, y1 = layer.field.box(row, column)
        outside = np.ones((28, 28), np.bool_)
        outside[y0:y1, x0:x1] = False
        before = odd.activations(glyph).maps[layer.name][:, row, column]
        elsewhere = odd.activations(np.where(outside, 255 - glyph, glyph)).maps[layer.name][:, row, column]
        assert_allclose(elsewhere, before, atol=1e-5)
        inside = odd.activations(np.where(outside, glyph, 255 - glyph)).maps[layer.name][:, row, column]
        assert np.abs(inside - before).max() > 1e-3


def test_one_pass_gives_what_the_classifier_gives(reader: NetworkLayers, glyph: NDArray[np.uint8]) -> None:
    expected = Classifier(resolve_model(None)).probabilities(glyph[None])[0]
    seen = reader.activations(glyph)
    assert_allclose(seen.probabilities, expected, atol=1e-5)
    assert_allclose(seen.maps["softmax"].ravel(), expected, atol=1e-5)
    assert seen.maps["input"].shape == (1, 28, 28)


def test_weights_are_those_of_the_file(reader: NetworkLayers) -> None:
    kernel, bias = reader.kernels("conv-2") or pytest.fail("no weights")
    constants = read_graph(resolve_model(None).read_bytes()).constants.values()
    (whole,) = (each for each in constants if each.shape == kernel.shape and each.dtype == np.int8)
    steps = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / np.abs(whole).max(axis=(1, 2, 3), keepdims=True)
    assert_allclose(kernel, whole * steps, rtol=1e-5, atol=1e-8)  # a step of 8 bits for each filter
    assert bias is not None
    assert bias.shape == kernel.shape[:1]
    assert reader.kernels("relu-1") is None


def test_the_followed_activation_is_told(reader: NetworkLayers, glyph: NDArray[np.uint8]) -> None:
    told = reader.explain(glyph, "conv-2", 4, 6, 7)
    assert told.activation == "Relu"
    assert told.after == pytest.approx(max(0.0, told.network), abs=0.02)  # in 8 bits
    assert told.field == (14, 12, 24, 22)


def test_many_inputs_are_told_by_those_that_count(tmp_path: Path, glyph: NDArray[np.uint8]) -> None:
    graph = _Graph()
    wide = graph.node("Conv", graph.begin(), graph.constant(10, 1, 3, 3))
    row = graph.node("Flatten", wide)
    network = NetworkLayers(graph.save(tmp_path / "wide.onnx", graph.end(row, 6760)))
    told = network.explain(glyph, "dense-1", 3)
    assert told.products is not None
    assert len(told.inputs) == 64 == len(told.products)
    assert told.products.sum() + told.rest + told.bias == pytest.approx(told.before)
    assert told.before == pytest.approx(told.network, rel=1e-4)


def test_what_is_not_there_is_said(reader: NetworkLayers, glyph: NDArray[np.uint8], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="conv-1"):
        reader.layer("conv-99")
    for place in ((10**6, 0, 0), (0, 28, 0), (0, 0, -1)):
        with pytest.raises(UsageError, match="expected below"):
            reader.explain(glyph, "conv-1", *place)
    with pytest.raises(ShapeError, match="glyph"):
        reader.activations(glyph.astype(np.float32))
    content = resolve_model(None).read_bytes()
    for number, damaged in enumerate((content[: len(content) // 2], b"\x3a\x00", content + b"\x3a\xff")):
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match=path.name):
            NetworkLayers(path)


def test_a_window_s_field_grows_with_each_layer() -> None:
    seen = ReceptiveField().behind(Window((3, 3), padding=(1, 1))).behind(Window((2, 2), (2, 2))).behind(Window((3, 3)))
    assert (seen.size, seen.step) == ((8, 8), (2, 2))
    assert seen.box(0, 0) == (0, 0, 7, 7)  # one pixel lies outside
    pixels = ReceptiveField()
    assert pixels.joined(pixels.behind(Window((3, 3)))) == ReceptiveField((3, 3), (1, 1), (1.0, 1.0))
    assert pixels.joined(ReceptiveField(step=(2, 2))) is None
