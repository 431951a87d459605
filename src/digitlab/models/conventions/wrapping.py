"""A foreign network with its convention built in: one of ours, from uint8 (N, 28, 28) to ten probabilities.

The nodes that are added mean the same in every operator set from 7 on: images are resized by products with matrices,
and shares are normalised by a product with ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.conventions.convention import FIRST, LAST

if TYPE_CHECKING:
    import onnx

    from digitlab.models.conventions.convention import Convention

__all__ = ["wrapped"]

_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int16": 5, "int32": 6, "int64": 7, "float16": 10, "float64": 11}
_FLOAT = 1
_INNER = "network/"  # prefix of every name of the foreign graph, so that none clashes with ours


def wrapped(network: onnx.ModelProto, convention: Convention) -> onnx.ModelProto:
    """Build the graph that prepares images by ``convention``, runs ``network`` and turns its output into probabilities.

    Input "images" uint8 (N, 28, 28), light ink on dark; output "probabilities" float32 (N, 10).
    """
    import onnx

    inner = network.graph
    chain = _Chain()
    _prepare(chain, convention)
    chain.nodes.append(onnx.helper.make_node("Identity", [chain.last], [_INNER + inner.input[0].name]))
    for node in inner.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name, copy.doc_string = "", ""
        copy.input[:] = [name and _INNER + name for name in node.input]
        copy.output[:] = [name and _INNER + name for name in node.output]
        chain.nodes.append(copy)
    for weight in inner.initializer:
        renamed = onnx.TensorProto()
        renamed.CopyFrom(weight)
        renamed.name = _INNER + weight.name
        chain.weights.append(renamed)
    chain.last = _INNER + inner.output[0].name
    _answer(chain, convention)
    chain.nodes.append(onnx.helper.make_node("Identity", [chain.last], ["probabilities"]))
    images = onnx.helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["N", 28, 28])
    answer = onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["N", 10])
    graph = onnx.helper.make_graph(chain.nodes, "imported", [images], [answer], chain.weights)
    return onnx.helper.make_model(graph, opset_imports=network.opset_import, ir_version=network.ir_version)


class _Chain:
    """A chain of nodes; ``last`` is the name of the last one's output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.last = "images"

    def add(self, kind: str, *operands: Any, before: bool = False, **settings: Any) -> None:
        """Append a node that takes ``last`` and then ``operands``, constants; with ``before``, the operands first."""
        import onnx

        number = len(self.nodes)
        names = []
        for index, operand in enumerate(operands):
            names.append(f"{kind} {number} {index}")
            self.weights.append(onnx.numpy_helper.from_array(np.asarray(operand), names[-1]))
        output = f"{kind} {number}"
        inputs = [*names, self.last] if before else [self.last, *names]
        self.nodes.append(onnx.helper.make_node(kind, inputs, [output], **settings))
        self.last = output

    def thrice(self, axis: int) -> None:
        """Repeat the only channel three times."""
        import onnx

        makes = f"Concat {len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node("Concat", [self.last] * 3, [makes], axis=axis))
        self.last = makes


def _prepare(chain: _Chain, convention: Convention) -> None:
    form = convention.form
    chain.add("Cast", to=_FLOAT)
    if convention.transposed:
        chain.add("Transpose", perm=[0, 2, 1])
    if form.side != 28:
        matrix = convention.enlarging()
        chain.add("MatMul", matrix, before=True)
        chain.add("MatMul", np.ascontiguousarray(matrix.T))
    shape = (1, *form.shape()[1:]) if form.layout == FIRST else form.shape()
    shape = (*form.shape()[:-1], 1) if form.layout == LAST else shape
    chain.add("Reshape", np.array([-1, *shape]))
    if form.channels == 3:
        chain.thrice(1 if form.layout == FIRST else 3)
    times, plus = (
        each.astype(np.float32).reshape((-1, 1, 1) if form.layout == FIRST else (-1,)) for each in convention.factors()
    )
    if (times != 1).any():
        chain.add("Mul", times)
    if (plus != 0).any():
        chain.add("Add", plus)
    if form.dtype != "float32":
        chain.add("Cast", to=_TYPES[form.dtype])


def _answer(chain: _Chain, convention: Convention) -> None:
    chain.add("Cast", to=_FLOAT)
    chain.add("Reshape", np.array([-1, convention.classes]))
    if convention.classes > 10:
        chain.add("Gather", np.arange(convention.zero, convention.zero + 10), axis=1)
    if convention.answers in ("logits", "log-probabilities"):
        chain.add("Softmax", axis=1)
    elif convention.answers == "shares" or convention.classes > 10:
        ten = chain.last
        chain.add("MatMul", np.ones((10, 10), np.float32))
        chain.add("Max", np.array([1e-12], np.float32))
        sums, chain.last = chain.last, ten
        _divide(chain, sums)


def _divide(chain: _Chain, sums: str) -> None:
    import onnx

    makes = f"Div {len(chain.nodes)}"
    chain.nodes.append(onnx.helper.make_node("Div", [chain.last, sums], [makes]))
    chain.last = makes
