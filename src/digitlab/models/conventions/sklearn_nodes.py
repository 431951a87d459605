"""The part of an ONNX graph that an output depends on, in standard ONNX operators.

skl2onnx writes some operators of the domain ai.onnx.ml: a linear classifier, its normalisation, a scaler, and a table
that turns probabilities into Python dictionaries. They are replaced by products and sums here, so that no operator
outside standard ONNX has to be allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError

if TYPE_CHECKING:
    import onnx

__all__ = ["plain_nodes"]

_ML = "ai.onnx.ml"


def plain_nodes(graph: onnx.GraphProto, output: str, opset: int) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Return the nodes that ``output`` depends on, in order, and all weights; ``opset`` is ONNX's operator set version.

    Raises:
        ModelError: for an operator of ai.onnx.ml that is not supported.
    """
    made_by = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    needed: set[int] = set()
    waiting = [output]
    while waiting:
        index = made_by.get(waiting.pop())
        if index is not None and index not in needed:
            needed.add(index)
            waiting += graph.node[index].input
    nodes: list[onnx.NodeProto] = []
    weights = list(graph.initializer)
    for index in sorted(needed):
        node = graph.node[index]
        if node.domain == _ML:
            plain, more = _plain(node, index, opset)
            nodes += plain
            weights += more
        else:
            nodes.append(node)
    return nodes, weights


def _plain(node: onnx.NodeProto, index: int, opset: int) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    import onnx

    converters = {"ZipMap": _zip_map, "Normalizer": _normalizer, "Scaler": _scaler, "LinearClassifier": _linear}
    if node.op_type not in converters:
        raise ModelError(
            f"uses {node.op_type[:40]} of scikit-learn; linear and neural networks can be imported "
            "(LogisticRegression, MLPClassifier)"
        )
    settings = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    steps, numbers = converters[node.op_type](node, settings, opset)
    prefix = f"scikit-learn {index}"
    names = {name: f"{prefix} {name}" for name in [*numbers, "cast", "product", "sum", "absolute"]}
    plain = [
        onnx.helper.make_node(kind, [names.get(name, name) for name in inputs], [names.get(output, output)], **more)
        for kind, inputs, output, more in steps
    ]
    return plain, [onnx.numpy_helper.from_array(array, names[name]) for name, array in numbers.items()]


_Steps = tuple[list[tuple[str, list[str], str, dict[str, Any]]], dict[str, Any]]


def _zip_map(node: onnx.NodeProto, _: dict[str, Any], __: int) -> _Steps:
    return [("Identity", [node.input[0]], node.output[0], {})], {}


def _scaler(node: onnx.NodeProto, settings: dict[str, Any], _: int) -> _Steps:
    numbers = {name: np.array(settings[name], np.float32) for name in ("offset", "scale")}
    return [
        ("Cast", [node.input[0]], "cast", {"to": 1}),
        ("Sub", ["cast", "offset"], "sum", {}),
        ("Mul", ["sum", "scale"], node.output[0], {}),
    ], numbers


def _normalizer(node: onnx.NodeProto, settings: dict[str, Any], opset: int) -> _Steps:
    if settings.get("norm", b"L1") != b"L1":
        raise ModelError("normalises its answers in a way that is not supported")
    axis_inputs: tuple[list[str], dict[str, Any]] = (
        (["absolute", "axis"], {}) if opset >= 13 else (["absolute"], {"axes": [1]})
    )
    return [
        ("Abs", [node.input[0]], "absolute", {}),
        ("ReduceSum", axis_inputs[0], "sum", {"keepdims": 1, **axis_inputs[1]}),
        ("Div", [node.input[0], "sum"], node.output[0], {}),
    ], {"axis": np.array([1])}


def _linear(node: onnx.NodeProto, settings: dict[str, Any], _: int) -> _Steps:
    """Translate a linear classifier; its scores are the second output, and the first, the label, is not needed."""
    plus = np.array(settings.get("intercepts", [0.0]), np.float32)
    times = np.array(settings["coefficients"], np.float32)
    if times.size % max(len(plus), 1):
        raise ModelError("is damaged: a linear classifier's numbers do not fill its shape")
    last = {b"NONE": "Identity", b"SOFTMAX": "Softmax", b"LOGISTIC": "Sigmoid"}.get(
        settings.get("post_transform", b"NONE")
    )
    if last is None or len(node.output) < 2:
        raise ModelError("ends a linear classifier in a way that is not supported")
    return [
        ("Cast", [node.input[0]], "cast", {"to": 1}),
        ("MatMul", ["cast", "times"], "product", {}),
        ("Add", ["product", "plus"], "sum", {}),
        (last, ["sum"], node.output[1], {"axis": 1} if last == "Softmax" else {}),
    ], {"times": np.ascontiguousarray(times.reshape(len(plus), -1).T), "plus": plus}
