"""Export to ONNX: conversion, names and card; ensembles are merged from their members' graphs.

The converter's optimiser copies the graph at each step: five members in one graph would take 500 MB.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.models.backend import release_memory
from digitlab.models.ensemble import members_of
from digitlab.models.export.raw_onnx import convert_to_onnx
from digitlab.models.export.verify import compare, exporting
from digitlab.models.plain_onnx import describe, run_onnx, with_card
from digitlab.storage import write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx

    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

__all__ = ["onnx_bytes", "run_onnx", "with_card", "write_onnx"]


def write_onnx(model: keras.Model, path: Path, card: ModelCard) -> float:
    """Write ``model`` as ONNX with its card; return the largest difference of a probability from Keras'.

    Raises:
        ModelError: when it cannot be converted, or ONNX Runtime's probabilities differ by more than TOLERANCE.
        StorageError: when it cannot be written.
    """
    content = onnx_bytes(model, path, card)
    difference = compare(model, lambda images: run_onnx(content, images), path)
    write_bytes(path, content)
    return difference


def onnx_bytes(model: keras.Model, path: Path, card: ModelCard) -> bytes:
    """Convert ``model`` to ONNX with its card, not yet compared; ``path`` is for error messages.

    Raises:
        ModelError: when it has an operation that ONNX does not support.
    """
    import onnx

    parts = members_of(model)
    graphs = [_converted(part, path) for part in parts or [model]]
    graph = _mean_of(graphs) if parts else graphs[0]
    describe(graph, card)
    onnx.checker.check_model(graph)
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _converted(model: keras.Model, path: Path) -> onnx.ModelProto:
    """Convert with Keras' own export; the input is renamed "images" and the output "probabilities"."""
    import onnx

    release_memory()  # a conversion takes 100 MB
    with tempfile.TemporaryDirectory() as folder, exporting(model, path):
        raw = Path(folder) / "raw.onnx"
        convert_to_onnx(model, raw)
        graph = onnx.load(raw)
        _rename(graph.graph)
    return graph


def _mean_of(graphs: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """Merge graphs into one that outputs their mean; their nodes are named ``member-1-…``.

    graphs: with the same operator set, each from "images" to "probabilities"
    """
    import onnx
    from onnx.compose import add_prefix

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


def _rename(graph: object) -> None:
    """Rename input and output, and the batch dimension to N."""
    names = {graph.input[0].name: "images", graph.output[0].name: "probabilities"}  # type: ignore[attr-defined]
    for value in (*graph.input, *graph.output):  # type: ignore[attr-defined]
        value.name = names.get(value.name, value.name)
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    for node in graph.node:  # type: ignore[attr-defined]
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
