"""ONNX graphs in layers of Keras: the same numbers, whatever wrote the graph; and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.errors import ModelError
from digitlab.models import build, export_onnx, load_keras, predict_probabilities
from digitlab.models.conventions import Convention, Form, import_model, own_keras
from digitlab.models.conventions.convention import FIRST, LAST, ROWS
from digitlab.models.conventions.onnx_files import open_foreign
from digitlab.models.conventions.translation import translated
from digitlab.reading import Reader, resolve_model
from digitlab.values import ModelCard

TEST = load_dataset("mnist").split("test")
RNG = np.random.default_rng(5)


class Graph:
    """An ONNX graph with random weights, from (N, 2, 12, 12) maps behind a convolution of the images."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.last = "images"

    def weight(self, *shape: int, low: float | None = None) -> str:
        numbers = RNG.normal(0, 0.3, shape) if low is None else RNG.uniform(low, low + 1, shape)
        return self.constant(numbers.astype(np.float32))

    def constant(self, array: Any) -> str:
        name = f"weight {len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, kind: str, *others: str, takes: list[str] | None = None, **settings: Any) -> str:
        made = f"{kind} {len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, takes or [self.last, *others], [made], **settings))
        self.last = made
        return made

    def content(self, shape: tuple[int, ...], opset: int = 17) -> bytes:
        images = helper.make_tensor_value_info("images", 1, ["N", *shape])
        answer = helper.make_tensor_value_info(self.last, 1, ["N", 10])
        graph = helper.make_graph(self.nodes, "net", [images], [answer], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        return bytes(model.SerializeToString())


def torch_like(graph: Graph) -> None:
    """As PyTorch writes it: x.view(x.size(0), -1) becomes a shape that is computed."""
    graph.add("Conv", graph.weight(6, 1, 5, 5), graph.weight(6), pads=[2, 2, 2, 2])
    graph.add("BatchNormalization", *(graph.weight(6, low=0.5) for _ in range(4)), epsilon=1e-3)
    graph.add("Relu")
    maps = graph.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    graph.add("Shape")
    graph.add("Gather", graph.constant(np.array(0)), axis=0)
    size = graph.add("Unsqueeze", graph.constant(np.array([0])))
    graph.last = maps
    shape = graph.add("Concat", takes=[size, graph.constant(np.array([-1]))], axis=0)
    graph.add("Reshape", takes=[maps, shape])
    graph.add("Relu")
    graph.add("Gemm", graph.weight(20, 6 * 14 * 14), graph.weight(20), transB=1)
    graph.add("Elu", alpha=0.7)
    graph.add("BatchNormalization", *(graph.weight(20, low=0.5) for _ in range(4)))
    graph.add("Gemm", graph.weight(20, 10), alpha=0.5)
    graph.add("LogSoftmax", axis=1)


def residual(graph: Graph) -> None:
    """Depthwise and odd paddings, a sum of two ways, slopes, a mean over the maps."""
    one = graph.add("Conv", graph.weight(4, 1, 3, 3), pads=[0, 1, 2, 1], strides=[2, 2])
    graph.add("PRelu", graph.weight(4, 1, 1, low=0.1))
    graph.add("Conv", graph.weight(4, 1, 3, 3), graph.weight(4), pads=[1, 1, 1, 1], group=4)
    graph.add("Clip", graph.constant(np.float32(0)), graph.constant(np.float32(6)))
    graph.add("Add", one)
    both = graph.add("Concat", one, axis=1)
    gate = graph.add("GlobalAveragePool")
    graph.add("Sigmoid")
    graph.add("Mul", takes=[both, graph.last])
    assert gate
    graph.add("Add", graph.weight(8, 1, 1))
    graph.add("Div", graph.weight(8, 1, 1, low=1.0))
    graph.add("AveragePool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    graph.add("Conv", graph.weight(5, 8, 2, 2), dilations=[2, 2])
    graph.add("Add", graph.weight(1, 5, 1, 1))  # a bias that stands apart
    graph.add("LeakyRelu", alpha=0.1)
    graph.add("ReduceMean", axes=[2, 3], keepdims=0)
    graph.add("MatMul", graph.weight(5, 10))
    graph.add("Add", graph.weight(10))
    graph.add("Softmax", axis=-1)


def channels_last(graph: Graph) -> None:
    """As tf2onnx writes Keras: to channels first for each convolution, and back; flattened with channels last."""
    graph.add("Sub", graph.constant(np.float32(0.5)))
    graph.add("Transpose", perm=[0, 3, 1, 2])
    graph.add("Pad", graph.constant(np.array([0, 0, 1, 1, 0, 0, 2, 2])))
    graph.add("Conv", graph.weight(3, 1, 3, 3), strides=[3, 3])
    graph.add("Transpose", perm=[0, 2, 3, 1])
    graph.add("Mul", graph.weight(3, low=0.5))
    graph.add("Tanh")
    graph.add("Reshape", graph.constant(np.array([-1, 300])))
    graph.add("MatMul", graph.weight(300, 10))


def rows(graph: Graph) -> None:
    """Maps flattened with channels first, and then used as they are."""
    graph.add("Unsqueeze", graph.constant(np.array([1])))
    graph.add("Conv", graph.weight(4, 1, 4, 4), strides=[4, 4])
    graph.add("Flatten")
    graph.add("Reshape", graph.constant(np.array([0, 14, 14])))
    graph.add("Transpose", perm=[0, 2, 1])
    graph.add("Squeeze", takes=[graph.add("Unsqueeze", graph.constant(np.array([-1]))), graph.constant(np.array([3]))])
    graph.add("Reshape", graph.constant(np.array([0, -1])))
    graph.add("Neg")
    graph.add("Gemm", graph.weight(196, 11), graph.weight(1, 11), beta=2.0)
    graph.add("Gather", graph.constant(np.arange(1, 11)), axis=1)


GRAPHS = {
    "torch_like": (torch_like, Form(FIRST)),
    "residual": (residual, Form(FIRST)),
    "channels_last": (channels_last, Form(LAST)),
    "rows": (rows, Form(ROWS)),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_layers_give_the_numbers_of_the_graph(name: str) -> None:
    make, form = GRAPHS[name]
    graph = Graph()
    make(graph)
    opset = 13 if name == "residual" else 17
    foreign = open_foreign(graph.content(form.shape(), opset), Path("theirs.onnx"))
    net = translated(foreign.graph, form, "net")
    made = Convention(form, "0…1")
    expected = foreign.predict(made, TEST.images[:20])
    found = np.asarray(net(made.prepared(TEST.images[:20]), training=False))
    np.testing.assert_allclose(found, expected, atol=2e-5, rtol=1e-4)


def test_our_own_networks_come_back_from_onnx(tmp_path: Path, fresh_cache: Path) -> None:
    """One of them; the next test has the reader's."""
    name = "tiny-cnn"
    model = build(name)
    export_onnx(model, tmp_path / "net.onnx", ModelCard(name, name, "x / 255"))
    own = own_keras(tmp_path / "net.onnx")
    assert own.is_relative_to(fresh_cache)
    opened = load_keras(own)
    assert opened.inputs[0].dtype == "uint8", "so that it can be exported again"
    back = predict_probabilities(opened, TEST.images[:50])
    np.testing.assert_allclose(back, predict_probabilities(model, TEST.images[:50]), atol=1e-5)
    assert run(["export", str(tmp_path / "net.onnx"), str(tmp_path / "again.onnx")]) == 0


def test_a_network_of_8_bits_loses_its_rounding_only(fresh_cache: Path) -> None:
    shipped = Path(resolve_model("reader"))
    own = own_keras(shipped)
    digits = predict_probabilities(load_keras(own), TEST.images[:500]).argmax(axis=1)
    assert np.mean(digits == Reader().classifier.probabilities(TEST.images[:500]).argmax(axis=1)) >= 0.99


def test_an_operator_without_a_layer_is_named(net: Any, as_onnx: Any, tmp_path: Path) -> None:
    model = onnx.load_from_string(as_onnx(net, Convention(Form(FIRST), answers="logits")))
    relu = next(node for node in model.graph.node if node.op_type == "Relu")
    relu.op_type = "Erf"
    path = tmp_path / "theirs.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"theirs\.onnx: (uses the operator Erf, which no layer|answers MNIST's)"):
        import_model(path, tmp_path / "ours.keras")
    assert not (tmp_path / "ours.keras").exists()


def test_constants_do_not_grow_without_bounds(as_onnx: Any, net: Any, tmp_path: Path) -> None:
    """(1, n) + (n, 1) is n² numbers."""
    model = onnx.load_from_string(as_onnx(net, Convention(Form(FIRST), answers="logits")))
    wide, high = np.zeros((1, 20_000), np.float32), np.zeros((20_000, 1), np.float32)
    model.graph.initializer.extend([numpy_helper.from_array(wide, "wide"), numpy_helper.from_array(high, "high")])
    model.graph.node.insert(0, helper.make_node("Add", ["wide", "high"], ["large"]))
    model.graph.node.append(helper.make_node("ReduceMax", ["large"], ["most"], axes=[0, 1], keepdims=1))
    model.graph.node.append(helper.make_node("Add", [model.graph.output[0].name, "most"], ["sum"]))
    with pytest.raises(ModelError, match="computes constants of a size that no classifier needs"):
        translated(_ending(model, "sum"), Form(FIRST), "net")


def _ending(model: Any, name: str) -> Any:
    model.graph.output[0].name = name
    return model


def test_every_verb_takes_the_file_as_it_is(
    net: Any, as_onnx: Any, tmp_path: Path, fresh_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "theirs.onnx"
    theirs.write_bytes(as_onnx(net, Convention(Form(FIRST), "−1…1", inverted=True, answers="logits")))
    expected = net.logits(TEST.images[:50]).argmax(axis=1)
    reader = Reader(theirs)
    assert (reader.classifier.probabilities(TEST.images[:50]).argmax(axis=1) == expected).all()
    assert reader.classifier.card.training["convention"].startswith("−1…1, dark on light")
    inside = tmp_path / "inside"
    assert run(["inspect", str(theirs), "--digit", "mnist:17", "--out", str(inside)]) == 0
    assert (inside / "inspection.json").is_file()
    for ending in (".keras", ".c"):
        more = ["--for", "c"] if ending == ".c" else []
        assert run(["export", str(theirs), str(tmp_path / f"ours{ending}"), *more]) == 0
    found = predict_probabilities(load_keras(tmp_path / "ours.keras"), TEST.images[:50])
    assert (found.argmax(axis=1) == expected).all()
    from digitlab.apps.web.models import Models

    models = Models([str(theirs)])
    assert models.default == "theirs"
    assert len(models.get(None).layers.layers) >= 3
    said = capsys.readouterr().err
    assert said.count("takes −1…1, dark on light") == 1, "for the layers; Reader has found it silently, into its card"
