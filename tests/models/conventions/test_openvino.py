"""OpenVINO's files, made by code as its Model Optimizer writes them: taken like others, and what is wrong is said."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.errors import ModelError
from digitlab.models.conventions import Convention, Form, import_model
from digitlab.models.conventions.convention import FIRST
from digitlab.models.conventions.openvino_files import openvino_as_onnx
from digitlab.reading import Classifier

TEST = load_dataset("mnist").split("test")


class Model:
    """An .xml file with its .bin file."""

    def __init__(self) -> None:
        self.layers: list[str] = []
        self.edges: list[str] = []
        self.weights = b""

    def add(self, kind: str, *takes: str, rank: int = 2, **data: Any) -> str:
        """One layer; its output's name."""
        number = len(self.layers)
        settings = " ".join(f'{name.replace("_of_", "-")}="{value}"' for name, value in data.items())
        ports = "".join(f'<port id="{port}">{"<dim>1</dim>" * rank}</port>' for port in range(len(takes)))
        shape = "".join(f"<dim>{size}</dim>" for size in str(data.get("shape", "")).split(",") if size.strip("?"))
        output = f'<output><port id="{len(takes)}"><dim>-1</dim>{shape}</port></output>'
        output = "" if kind == "Result" else output
        self.layers.append(
            f'<layer id="{number}" name="a{number}" type="{kind}" version="opset1"><data {settings} />'
            f"<input>{ports}</input>{output}</layer>"
        )
        for port, source in enumerate(takes):
            layer, _, place = source.partition(":")
            self.edges.append(f'<edge from-layer="{layer}" from-port="{place}" to-layer="{number}" to-port="{port}" />')
        return f"{number}:{len(takes)}"

    def constant(self, array: Any) -> str:
        array = np.asarray(array)
        kind = {"f4": "f32", "i8": "i64"}[array.dtype.str[1:]]
        start, self.weights = len(self.weights), self.weights + array.tobytes()
        shape = ",".join(map(str, array.shape))
        return self.add("Const", element_type=kind, shape=shape, offset=start, size=array.nbytes)

    def write(self, path: Path) -> Path:
        layers, edges = "".join(self.layers), "".join(self.edges)
        path.write_text(
            f'<?xml version="1.0"?><net name="n" version="11"><layers>{layers}</layers><edges>{edges}</edges></net>'
        )
        path.with_suffix(".bin").write_bytes(self.weights)
        return path


def perceptron(net: Any, made: Convention) -> Model:
    first, bias = net.for_convention(made)
    model = Model()
    images = model.add("Parameter", shape="?," + ",".join(map(str, made.form.shape())), element_type="f32")
    flat = model.add("Reshape", images, model.constant(np.array([0, -1])), special_zero="true")
    turned = model.constant(np.ascontiguousarray(first.T))
    hidden = model.add("MatMul", flat, turned, transpose_a="false", transpose_b="true")
    hidden = model.add("Add", hidden, model.constant(bias.reshape(1, -1)), auto_broadcast="numpy")
    hidden = model.add("Clamp", hidden, min=0, max=1e9)
    logits = model.add("MatMul", hidden, model.constant(net.second), transpose_a="false", transpose_b="false")
    model.add("Result", model.add("SoftMax", logits, axis=1))
    return model


def test_a_network_of_openvino_is_taken(net: Any, tmp_path: Path, fresh_cache: Path) -> None:
    made = Convention(Form(FIRST), "−1…1", inverted=True)
    theirs = perceptron(net, made).write(tmp_path / "theirs.xml")
    done = import_model(theirs, tmp_path / "ours.onnx")
    assert done.search.best.convention == made
    assert done.card.training["written_by"] == "OpenVINO"
    found = Classifier(done.path).probabilities(TEST.images).argmax(axis=1)
    plain = net.logits(TEST.images).argmax(axis=1)
    assert abs(np.mean(found == TEST.labels) - np.mean(plain == TEST.labels)) <= 1e-4


def test_maps_are_convolved_and_pooled_as_in_onnx(tmp_path: Path) -> None:
    """Against a plain NumPy forward pass; untrained, so the graph alone is looked at."""
    import onnxruntime

    from digitlab.models.conventions.openvino_files import openvino_as_onnx

    random = np.random.default_rng(2)
    kernel = random.normal(0, 1, (2, 1, 1, 2, 2)).astype(np.float32)
    model = Model()
    images = model.add("Parameter", shape="?,2,6,6", element_type="f32")
    maps = model.add(
        "GroupConvolution", images, model.constant(kernel), rank=4, strides="2,2", pads_begin="0,0", pads_end="0,0",
        dilations="1,1", auto_pad="explicit",
    )  # fmt: skip
    maps = model.add("PReLU", maps, model.constant(np.array([0.5, 2.0], np.float32)), rank=4)
    model.add("Result", model.add("ReduceMax", maps, model.constant(np.array([2, 3])), rank=4, keep_dims="false"))
    content = openvino_as_onnx(model.write(tmp_path / "a.xml"))
    given = random.normal(0, 1, (3, 2, 6, 6)).astype(np.float32)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: given})
    blocks = given.reshape(3, 2, 3, 2, 3, 2)
    sums = np.einsum("ncaibj,cij->ncab", blocks, kernel[:, 0, 0])
    expected = np.where(sums > 0, sums, sums * np.array([0.5, 2.0], np.float32)[:, None, None]).max(axis=(2, 3))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_is_wrong_with_a_file_is_one_line(net: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = perceptron(net, Convention(Form(FIRST))).write(tmp_path / "good.xml")
    text, weights = good.read_text(), good.with_suffix(".bin").read_bytes()
    bad = {
        "empty": ("", weights, "not an OpenVINO model, or is damaged"),
        "cut": (text[:900], weights, "not an OpenVINO model, or is damaged"),
        "weights cut": (text, weights[:-4], "truncated, or belongs to another"),
        "no weights": (text, None, "with its weights in NAME.bin"),
        "entities": ('<!DOCTYPE a [<!ENTITY b "c">]>' + text, weights, "declares entities"),
        "an operator": (text.replace('"Clamp"', '"NonMaxSuppression"'), weights, "operator NonMaxSuppression"),
        "sizes": (text.replace('shape="784,', 'shape="-784,').replace('shape="96,784"', 'shape="96,785"'), weights,
                  "operator Const in a way"),
        "a circle": (text.replace('from-layer="0"', 'from-layer="9"'), weights, "takes an input that no layer outputs"),
    }  # fmt: skip
    for name, (description, numbers, said) in bad.items():
        path = tmp_path / f"{name}.xml"
        path.write_text(description)
        if numbers is not None:
            path.with_suffix(".bin").write_bytes(numbers)
        with pytest.raises(ModelError, match=said):
            import_model(path, tmp_path / "ours.onnx")
        assert run(["evaluate", str(path)]) == 2
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("digitlab: ")]
        assert len(lines) == 1, name


def test_entities_are_seen_in_no_encoding(tmp_path: Path) -> None:
    """What declares them could hide in UTF-16, or in an encoding that the file names."""
    text = '<!DOCTYPE net [<!ENTITY a "aaaa">]><net><layers><layer id="0" type="&a;"/></layers></net>'
    contents = {
        "UTF-16": text.encode("utf-16"),
        "declared": b'<?xml version="1.0" encoding="cp037"?>' + text.encode("cp037"),
        "plain": text.encode(),
    }
    for name, content in contents.items():
        path = tmp_path / f"{name}.xml"
        path.write_bytes(content)
        path.with_suffix(".bin").write_bytes(b"")
        with pytest.raises(ModelError, match=r"not an OpenVINO model, or is damaged|declares entities"):
            openvino_as_onnx(path)


def test_layers_in_reverse_order_are_put_in_order_at_once(tmp_path: Path) -> None:
    count, path = 5_000, tmp_path / "a.xml"
    layers = "".join(f'<layer id="{number}" type="ReLU"/>' for number in range(count))
    edge = '<edge from-layer="{}" from-port="1" to-layer="{}" to-port="0"/>'
    edges = "".join(edge.format(number + 1, number) for number in range(count - 1))
    path.write_text(f"<net><layers>{layers}</layers><edges>{edges}</edges></net>")
    path.with_suffix(".bin").write_bytes(b"")
    begun = time.process_time()
    openvino_as_onnx(path)  # it takes no image and answers nothing, which whoever opens it says
    assert time.process_time() - begun < 3
