"""Attacks in ONNX files, each with a part of the expected error message.

Shared by the tests of the reader (`tests/network/test_check.py`) and by `hostile_models.py`, which mutates them.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["elsewhere", "endless_onnx", "hostile_onnx", "linear_onnx"]

ENDS = (
    [helper.make_tensor_value_info("x", TensorProto.UINT8, ["N", 28, 28])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])],
)


def linear_onnx(nodes: list[Any] | None = None, weights: list[Any] | None = None, **more: Any) -> bytes:
    """Build a linear classifier, optionally with other nodes or weights."""
    usual = [
        helper.make_node("Cast", ["x"], ["c"], to=1),
        helper.make_node("Reshape", ["c", "s"], ["r"]),
        helper.make_node("MatMul", ["r", "w"], ["y"]),
    ]
    start = [numpy_helper.from_array(np.array([-1, 784]), "s")]
    weights = [numpy_helper.from_array(np.ones((784, 10), np.float32), "w")] if weights is None else weights
    graph = helper.make_graph(usual if nodes is None else nodes, "g", *ENDS, start + weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("custom", 1), helper.make_opsetid("com.microsoft", 1)]
    model_bytes: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8, **more).SerializeToString()
    return model_bytes


def elsewhere(location: str, **more: str) -> Any:
    tensor = TensorProto(name="w", dims=[784, 10], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **more}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def endless_onnx(side: int) -> bytes:
    """Build 4,000 products with one square matrix of size ``side``: a small file that computes for hours."""
    nodes = [
        helper.make_node("Cast", ["x"], ["c"], to=1),
        helper.make_node("Reshape", ["c", "s"], ["r"]),
        helper.make_node("ReduceMax", ["r"], ["m"]),
        helper.make_node("Add", ["m", "w"], ["a0"]),
        *(helper.make_node("MatMul", [f"a{number}", "w"], [f"a{number + 1}"]) for number in range(4000)),
        helper.make_node("ReduceMax", ["a4000"], ["z"]),
        helper.make_node("Add", ["r", "z"], ["y"]),
    ]
    square = numpy_helper.from_array(np.zeros((side, side), np.float32), "w")
    return linear_onnx(nodes, [square, numpy_helper.from_array(np.array([-1, 784]), "s")])


def hostile_onnx(outside: Path) -> dict[str, tuple[bytes, str]]:
    """Build the attacks: name → file and part of the error message."""
    other = "stores weights in another file"
    in_attribute = helper.make_node("Constant", [], ["w"], value=elsewhere(str(outside)))
    branch = helper.make_graph([], "branch", [], [helper.make_tensor_value_info("b", 1, [1])])
    branch.initializer.append(elsewhere("../secret.bin"))
    half = TensorProto(name="w", dims=[784, 10], data_type=TensorProto.FLOAT)
    half.external_data.add(key="location", value="../secret.bin")
    absurd = TensorProto(name="w", dims=[1 << 40, 1 << 20], data_type=TensorProto.FLOAT, raw_data=b"1234")
    negative = TensorProto(name="w", dims=[-1, -7840], data_type=TensorProto.FLOAT, raw_data=bytes(31360))
    scattered = TensorProto(name="w", dims=[400_000], data_type=TensorProto.FLOAT)
    scattered = scattered.SerializeToString() + b"\x25\x00\x00\x80\x3f" * 400_000  # float_data, one per field
    function = helper.make_function("custom", "F", [], [], [], [helper.make_opsetid("", 17)])
    sparse = onnx.SparseTensorProto(values=elsewhere(str(outside)))
    with_sparse = onnx.load_from_string(linear_onnx())
    with_sparse.graph.sparse_initializer.append(sparse)
    many = [helper.make_node("Identity", ["x"], [f"i{number}"]) for number in range(6000)]
    intact = linear_onnx()
    attacks: dict[str, tuple[bytes, str]] = {
        "beside": (linear_onnx(weights=[elsewhere("secret.bin")]), other),
        "climbing (CVE-2022-25882)": (linear_onnx(weights=[elsewhere("../outside/secret.bin")]), other),
        "climbing in disguise (CVE-2024-27318)": (
            linear_onnx(weights=[elsewhere("a/../../outside/secret.bin")]),
            other,
        ),
        "absolute": (linear_onnx(weights=[elsewhere(str(outside))]), other),
        "by symlink (CVE-2026-27489)": (linear_onnx(weights=[elsewhere("link.bin")]), other),
        "from memory": (linear_onnx(weights=[elsewhere("*/_ORT_MEM_ADDR_/*", offset="4096", length="31360")]), other),
        "other keys (CVE-2026-34445)": (linear_onnx(weights=[elsewhere("x", __class__="y")]), other),
        "half external": (linear_onnx(weights=[half]), other),
        "in an attribute": (linear_onnx(nodes=[in_attribute]), other),
        "in a branch": (
            linear_onnx(nodes=[helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)]),
            "'If'",
        ),
        "in a branch of an allowed operator": (
            linear_onnx(nodes=[helper.make_node("Relu", ["x"], ["y"], body=branch)]),
            "contains subgraphs inside",
        ),
        "sparse": (with_sparse.SerializeToString(), "sparse weights"),
        "loop": (linear_onnx(nodes=[helper.make_node("Loop", ["x"], ["y"], body=branch)]), "'Loop'"),
        "large out of small": (
            linear_onnx(nodes=[helper.make_node("ConstantOfShape", ["s"], ["y"])]),
            "'ConstantOfShape'",
        ),
        "operator of its own": (
            linear_onnx(nodes=[helper.make_node("Relu", ["x"], ["y"], domain="custom")]),
            "'custom'",
        ),
        "operator of the runtime": (
            linear_onnx(nodes=[helper.make_node("Relu", ["x"], ["y"], domain="com.microsoft")]),
            "'com.microsoft'",
        ),
        "functions": (linear_onnx(functions=[function]), "functions or a training"),
        "absurd shape": (linear_onnx(weights=[absurd]), "has a tensor of"),
        "negative shape": (linear_onnx(weights=[negative]), "has a tensor of"),
        "scattered numbers": (intact + b"\x3a" + _sized(b"\x2a" + _sized(scattered)), "more than 300,000 fields"),
        "many operators": (linear_onnx(nodes=many), "more than 5,000 operators"),
        "second graph": (
            intact
            + b"\x3a"
            + _sized(onnx.load_from_string(linear_onnx(weights=[elsewhere("x")])).graph.SerializeToString()),
            other,
        ),
        "odd encoding": (linear_onnx(weights=[elsewhere("x")]).replace(b"\x70\x01", b"\xf0\x00\x01"), "."),
        "cut off": (intact[: len(intact) // 2], "damaged"),
        "pickle": (pickle.dumps({"weights": [1.0] * 100}), "ONNX"),
        "text": (b"weights" * 100, "ONNX"),
        "group": (b"\x3b" * 1000, "ONNX"),
        "endless number": (b"\xff" * 1000, "ONNX"),
        "no graph": (b"\x08\x08", "has no graph"),
    }
    return attacks


def _sized(data: bytes) -> bytes:
    length, size = len(data), b""
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return size + bytes([length]) + data
