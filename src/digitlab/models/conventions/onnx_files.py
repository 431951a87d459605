"""A foreign ONNX file: reduced to the network from an image to the class scores, run, and wrapped.

Only what was understood reaches ONNX Runtime: the nodes that the output depends on are copied into a new graph, which
is checked like every ONNX file here (`digitlab.network.check`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError, first_line
from digitlab.models.conventions.convention import forms_of
from digitlab.models.conventions.sklearn_nodes import plain_nodes
from digitlab.network.bounds import time_limit
from digitlab.network.check import check_onnx
from digitlab.network.classifier import start_session

if TYPE_CHECKING:
    from pathlib import Path

    import onnx
    from numpy.typing import NDArray

    from digitlab.models.conventions.convention import Convention, Form

__all__ = ["ForeignOnnx", "open_foreign"]

_DTYPES = {1: "float32", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 10: "float16", 11: "float64"}
_OLDEST = 7  # operator set: since then Add and Mul broadcast as NumPy does
_TRIED = 3  # blank images, to inspect the output
_MOST_OUTPUTS = 20  # each is tried
_LONGEST = 4.0  # seconds of CPU time for all trials; an honest network takes a few hundredths


@dataclass(frozen=True, slots=True)
class ForeignOnnx:
    """A network extracted from a file.

    graph: one input and one output, any batch size
    forms: the input arrays that it accepts
    classes: 10 or 11
    """

    graph: onnx.ModelProto
    forms: tuple[Form, ...]
    classes: int
    _session: Any = field(repr=False)

    def predict(self, convention: Convention, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return its outputs for images uint8 (N, 28, 28) prepared by ``convention``: float32 (N, classes)."""
        answers = _run(self._session, convention.prepared(images)).reshape(len(images), self.classes)
        return answers.astype(np.float32)


def open_foreign(content: bytes, path: Path) -> ForeignOnnx:
    """Extract the network from an ONNX file.

    Raises:
        ModelError: when it is damaged, has more than one input, takes no images of digits, has another number of
            classes, or contains something that no classifier needs; the message names the file.
    """
    import onnx

    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # the type of protobuf's error cannot be imported
        raise ModelError(f"{path}: is not an ONNX model, or is damaged") from error
    try:
        return _opened(model, path)
    except ModelError as error:
        text = str(error)
        raise ModelError(text if text.startswith(f"{path}: ") else f"{path}: {text}") from error
    except Exception as error:  # arithmetic on untrusted numbers may raise anything
        raise ModelError(f"{path}: is not an ONNX model, or is damaged ({first_line(error, 100)})") from error


def _opened(model: onnx.ModelProto, path: Path) -> ForeignOnnx:
    input_info = _the_input(model)
    oldest = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)
    if oldest < _OLDEST:
        raise ModelError(f"is written for ONNX's operator set {oldest}; expected {_OLDEST} or newer")
    dims = _dims(input_info)
    forms = tuple(forms_of(dims, _DTYPES[input_info.type.tensor_type.elem_type]))
    if not forms:
        shown = ", ".join("N" if size is None else str(size) for size in dims or ())
        raise ModelError(
            f"takes ({shown}); expected images of 28 × 28 pixels (16 to 64): (N, 784), (N, 28, 28), (N, 1, 28, 28), "
            "(N, 28, 28, 1), or with 3 channels"
        )
    if len(model.graph.output) > _MOST_OUTPUTS:
        raise ModelError(f"has {len(model.graph.output):,} outputs; expected one, or at most {_MOST_OUTPUTS}")
    refused: list[str] = []
    until = time.process_time() + _LONGEST
    for output in model.graph.output:
        try:
            return _classifier(model, input_info, output.name, forms, path, until)
        except ModelError as error:
            refused.append(str(error))
    raise ModelError(next((why for why in refused if why.startswith("answers")), refused[0] if refused else _EMPTY))


def _classifier(
    model: onnx.ModelProto,
    input_info: onnx.ValueInfoProto,
    output: str,
    forms: tuple[Form, ...],
    path: Path,
    until: float,
) -> ForeignOnnx:
    """Extract the network up to one output; if it was exported for a fixed batch size, remove that if necessary.

    until: when the trials must end, in CPU time of the process
    """
    dims = _dims(input_info)
    classifier, first_reason = None, ""
    for free in (False, True) if dims and dims[0] else (False,):
        graph = _cut_out(model, input_info, output, free=free)
        content = graph.SerializeToString()
        check_onnx(content)
        classifier, reason = _as_classifier(graph, start_session(content, path, 0), forms, until)
        if classifier is not None:
            return classifier
        first_reason = first_reason or reason
    raise ModelError(first_reason)


_EMPTY = "is not an ONNX model, or is damaged (it has no output)"


def _the_input(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    """Return the only input that is not a weight (old files list weights as inputs)."""
    weights = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in weights]
    if not model.graph.node:
        raise ModelError("is not an ONNX model, or is damaged (it has no graph)")
    if len(inputs) != 1:
        names = ", ".join(each.name[:40] for each in inputs[:4])
        raise ModelError(f"takes {len(inputs)} inputs ({names}); expected one image")
    if inputs[0].type.tensor_type.elem_type not in _DTYPES:
        raise ModelError("takes numbers of a type that pixels cannot have; expected float32 or uint8")
    return inputs[0]


def _dims(input_info: onnx.ValueInfoProto) -> tuple[int | None, ...] | None:
    """Return the input's sizes with the batch first, None for a dynamic one; None if even the rank is unknown."""
    if not input_info.type.tensor_type.HasField("shape"):
        return None
    return tuple(each.dim_value or None for each in input_info.type.tensor_type.shape.dim)


def _as_classifier(
    graph: onnx.ModelProto, session: Any, forms: tuple[Form, ...], until: float
) -> tuple[ForeignOnnx | None, str]:
    """Return the network with the forms that it accepts, or None and why it is no classifier of digits."""
    fitting, classes, why = [], 0, ""
    for form in forms:
        if time.process_time() > until:
            return None, "takes too long to be tried; expected a network for images of digits"
        try:
            with time_limit() as options:
                answers = _run(session, np.zeros((_TRIED, *form.shape()), form.dtype), options)
        except ModelError as error:
            why = why or str(error)
            continue
        each, rest = divmod(answers.size, _TRIED)
        if rest or answers.shape[:1] != (_TRIED,) or each not in (10, 11) or answers.dtype.kind != "f":
            why = (
                f"answers {_TRIED} images with {answers.dtype} {answers.shape}; expected a number for each of the ten "
                "digits (or eleven: ten and none)"
            )
            continue
        fitting.append(form)
        classes = each
    return (ForeignOnnx(graph, tuple(fitting), classes, session) if fitting else None), why


def _run(session: Any, prepared: NDArray[Any], options: Any = None) -> NDArray[Any]:
    try:
        return np.asarray(session.run(None, {session.get_inputs()[0].name: prepared}, options)[0])
    except Exception as error:  # ONNX Runtime's errors have no narrower common base class
        raise ModelError(f"cannot run ({str(error).splitlines()[0][:160]})") from error


def _cut_out(model: onnx.ModelProto, input_info: onnx.ValueInfoProto, output: str, *, free: bool) -> onnx.ModelProto:
    """Extract the nodes and weights that one output depends on, for any batch size.

    free: also remove a fixed batch size from the shapes of Reshape nodes
    """
    import onnx

    dims = _dims(input_info)
    opset = next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))
    nodes, weights = plain_nodes(model.graph, output, opset)
    if free and dims and dims[0]:
        nodes, weights = _freed(nodes, weights, dims[0])
    names = {name for node in nodes for name in node.input}
    start = onnx.ValueInfoProto()
    start.CopyFrom(input_info)
    if start.type.tensor_type.shape.dim:
        start.type.tensor_type.shape.dim[0].Clear()
        start.type.tensor_type.shape.dim[0].dim_param = "N"
    end = onnx.ValueInfoProto(name=output)
    graph = onnx.helper.make_graph(nodes, "network", [start], [end], [each for each in weights if each.name in names])
    opsets = [each for each in model.opset_import if each.domain in ("", "ai.onnx")]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=min(max(model.ir_version, 4), 10))


def _freed(
    nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto], batch: int
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Copy the nodes so that no Reshape target begins with the fixed batch size."""
    import onnx

    constants = {each.name: each for each in weights}
    constants |= {
        node.output[0]: each.t for node in nodes if node.op_type == "Constant" for each in node.attribute if each.t.dims
    }
    changed, more = [], list(weights)
    for index, node in enumerate(nodes):
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        changed.append(copy)
        if node.op_type != "Reshape" or len(node.input) < 2 or node.input[1] not in constants:
            continue
        shape = onnx.numpy_helper.to_array(constants[node.input[1]]).copy()
        if shape.ndim == 1 and len(shape) and shape[0] == batch:
            shape[0] = 0 if (shape[1:] == -1).any() else -1  # 0: the size before the Reshape
            name = f"shape for any number of images {index}"
            copy.input[1] = name
            more.append(onnx.numpy_helper.from_array(shape, name))
    return changed, more
