"""The ONNX graph of an ensemble, put together from its members' graphs.

The converter's optimiser copies its graph for each of its steps: all members of five at once take it 500 MB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx.compose import add_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["mean_of"]


def mean_of(graphs: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """One graph that answers with the mean of these: their nodes side by side, named ``member-1-…``, and a Mean.

    graphs: of one operator set, each from "images" to "probabilities"
    """
    apart = [add_prefix(graph, f"member-{number}-") for number, graph in enumerate(graphs, start=1)]
    first = graphs[0].graph
    (images,), (answer,) = first.input, first.output
    nodes, numbers = [], []
    for model in apart:
        for node in model.graph.node:
            node.input[:] = [images.name if name == model.graph.input[0].name else name for name in node.input]
        nodes += model.graph.node
        numbers += model.graph.initializer
    answers = [model.graph.output[0].name for model in apart]
    nodes.append(onnx.helper.make_node("Mean", answers, [answer.name], name="mean"))
    whole = onnx.helper.make_graph(nodes, "ensemble", [images], [answer], numbers)
    return onnx.helper.make_model(whole, opset_imports=graphs[0].opset_import, ir_version=graphs[0].ir_version)
