"""An ONNX graph that is built operation by operation."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Graph"]


class Graph:
    """Nodes and constants with numbered names; a subgraph has its own nodes and shares the outer graph's constants."""

    def __init__(self, outer: Graph | None = None) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = outer.constants if outer else []
        self._count: Iterator[int] = outer._count if outer else itertools.count()

    def inside(self) -> Graph:
        """Create an empty subgraph, which can use this graph's values."""
        return Graph(self)

    def either(self, which: str, yes: tuple[Graph, list[str]], no: tuple[Graph, list[str]]) -> list[str]:
        """Add a conditional: return the values of one of two subgraphs; only that one is computed."""
        branches = [
            helper.make_graph(graph.nodes, name, [], [onnx.ValueInfoProto(name=value) for value in values])
            for name, (graph, values) in (("yes", yes), ("no", no))
        ]
        return list(self("If", which, outputs=len(yes[1]), then_branch=branches[0], else_branch=branches[1]))

    def __call__(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add an operation; return the name of its output, or a list of names if it has several."""
        number = next(self._count)
        names = [f"v{number}_{place}" for place in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        """Add a constant array; return its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def put_in(self, model: onnx.ModelProto, given: Mapping[str, str], prefix: str) -> list[str]:
        """Insert the nodes of another model, fed by ``given`` (by the names of its inputs); return its outputs.

        The model's constants are shared by all its copies.
        """
        shared = {each.name: f"{prefix}{each.name}" for each in model.graph.initializer}
        if not any(each.name == f"{prefix}{model.graph.initializer[0].name}" for each in self.constants):
            for each in model.graph.initializer:
                copy = onnx.TensorProto()
                copy.CopyFrom(each)
                copy.name = shared[each.name]
                self.constants.append(copy)
        mark = f"{prefix}{next(self._count)}_"
        names = {**given, "": "", **shared}
        for node in model.graph.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = mark + node.name
            copy.input[:] = [names.get(each, mark + each) for each in node.input]
            copy.output[:] = [mark + each for each in node.output]
            self.nodes.append(copy)
        return [mark + each.name for each in model.graph.output]
