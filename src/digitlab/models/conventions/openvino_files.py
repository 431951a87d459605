"""OpenVINO files converted to ONNX: the description (.xml) and the weights (.bin) beside it are parsed, never executed.

Names and meanings of the operators are those of OpenVINO's operation sets 1 to 13; most match ONNX's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from xml.etree import ElementTree as ET  # files that declare entities are refused before parsing

import numpy as np

from digitlab.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["openvino_as_onnx"]

_LARGEST_XML, _LARGEST_BIN, _MOST_LAYERS = 5_000_000, 200_000_000, 5_000
_OPSET = 17
_NUMPY = {
    "f32": "f4", "f16": "f2", "f64": "f8", "i64": "i8", "i32": "i4", "i16": "i2", "i8": "i1", "u8": "u1", "u64": "u8",
    "boolean": "?",
}  # fmt: skip
_ONNX = {"f32": 1, "u8": 2, "i8": 3, "i16": 5, "i32": 6, "i64": 7, "f16": 10, "f64": 11}
# Operators that differ from ONNX's only in their names.
_ALIKE = {
    "Abs": "Abs", "Add": "Add", "Divide": "Div", "Exp": "Exp", "HSwish": "HardSwish", "Log": "Log", "Maximum": "Max",
    "Minimum": "Min", "Mish": "Mish", "Multiply": "Mul", "Negative": "Neg", "Power": "Pow", "ReLU": "Relu",
    "Sigmoid": "Sigmoid", "SoftPlus": "Softplus", "SoftSign": "Softsign", "Sqrt": "Sqrt", "Squeeze": "Squeeze",
    "Subtract": "Sub", "Tanh": "Tanh", "Unsqueeze": "Unsqueeze",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Layer:
    """One operator: data: its attributes; inputs: the names of its inputs; rank: that of the first input."""

    kind: str
    name: str
    data: dict[str, str]
    inputs: list[str]
    rank: int

    def numbers(self, name: str, usual: list[int]) -> list[int]:
        """Return an attribute that is a list of integers, or ``usual`` if it is missing."""
        return [int(each) for each in self.data[name].split(",")] if self.data.get(name) else usual


def openvino_as_onnx(path: Path) -> bytes:
    """Convert a model to ONNX; the result is not yet checked.

    Raises:
        ModelError: when it is damaged, its weights are missing, or an operator is not supported.
    """
    import onnx

    try:
        layers, shapes = _read(path)
        weights = _content(path.with_suffix(".bin"), _LARGEST_BIN)
        return _Written(path, weights).model(layers, shapes, onnx)
    except ModelError:
        raise
    except Exception as error:  # arithmetic on untrusted numbers may raise anything
        raise ModelError(f"{path}: is not an OpenVINO model, or is damaged") from error


def _content(path: Path, most: int) -> bytes:
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file; an OpenVINO model is NAME.xml with its weights in NAME.bin")
    if path.stat().st_size > most:
        raise ModelError(f"{path}: has {path.stat().st_size:,} bytes; expected at most {most:,}")
    return path.read_bytes()


def _read(path: Path) -> tuple[list[_Layer], dict[str, list[int]]]:
    """Parse the layers, sorted so that each comes after its inputs, and the shapes of parameters."""
    text = _content(path, _LARGEST_XML).decode("utf-8")  # in another encoding, "<!" could be hidden:
    if "<!" in text:
        raise ModelError(f"{path}: declares entities or contains comments; expected a plain OpenVINO model")
    root = ET.fromstring(text)  # noqa: S314 - of a text the parser takes no encoding from the file
    elements = root.findall("layers/layer")
    if root.tag != "net" or not 0 < len(elements) <= _MOST_LAYERS:
        raise ModelError(f"{path}: is not an OpenVINO model of at most {_MOST_LAYERS:,} layers")
    feeds: dict[str, dict[int, str]] = {}
    for edge in root.findall("edges/edge"):
        source = f"{edge.attrib['from-layer']}:{edge.attrib['from-port']}"
        feeds.setdefault(edge.attrib["to-layer"], {})[int(edge.attrib["to-port"])] = source
    layers = {each.attrib["id"]: each for each in elements}
    ordered_layers, shapes = list[_Layer](), dict[str, list[int]]()
    waits = {name: {each.partition(":")[0] for each in feeds.get(name, {}).values()} for name in layers}
    ordered = _ordered(waits)
    if len(ordered) < len(layers):
        raise ModelError(f"{path}: layer {min(set(layers) - set(ordered))[:40]!r} takes an input that no layer outputs")
    for name in ordered:
        element = layers[name]
        settings = dict(getattr(element.find("data"), "attrib", {}))
        ports = element.findall("input/port")
        rank = len(ports[0].findall("dim")) if ports else 0
        inputs = [source for _, source in sorted(feeds.get(name, {}).items())]
        ordered_layers.append(_Layer(element.attrib["type"], name, settings, inputs, rank))
        if element.attrib["type"] == "Parameter":
            shapes[name] = [int(dim.text or "") for dim in element.findall("output/port/dim")]
    return ordered_layers, shapes


def _ordered(waits: dict[str, set[str]]) -> list[str]:
    """Sort names topologically. Names in a cycle, or with a missing dependency, are left out.

    Each dependency is visited once: a file may list the names in any order.

    >>> _ordered({"c": {"b"}, "b": {"a"}, "a": set(), "d": {"x"}})
    ['a', 'b', 'c']
    """
    left = {name: set(sources) for name, sources in waits.items()}
    after: dict[str, list[str]] = {}
    for name, sources in left.items():
        for source in sources:
            after.setdefault(source, []).append(name)
    ordered = [name for name, sources in left.items() if not sources]
    for name in ordered:  # the list grows in the loop
        for follower in after.get(name, ()):
            left[follower].discard(name)
            if not left[follower]:
                ordered.append(follower)
    return ordered


class _Written:
    """The ONNX graph under construction."""

    def __init__(self, path: Path, weights: bytes) -> None:
        self._path, self._weights = path, weights
        self.constants: dict[str, NDArray[Any]] = {}
        self.nodes: list[Any] = []

    def model(self, layers: list[_Layer], shapes: dict[str, list[int]], onnx: Any) -> bytes:
        """Build and serialise the whole model."""
        inputs, outputs = [], []
        for layer in layers:
            if layer.kind == "Parameter":
                sizes = ["N" if axis == 0 or size < 0 else size for axis, size in enumerate(shapes[layer.name])]
                kind = _ONNX.get(layer.data["element_type"]) or self.refuse(layer)
                inputs.append(onnx.helper.make_tensor_value_info(f"{layer.name}:0", kind, sizes))
            elif layer.kind == "Result":
                outputs.append(onnx.ValueInfoProto(name=layer.inputs[0]))
            elif layer.kind == "Const":
                self.constants[f"{layer.name}:0"] = self._constant(layer)
            else:
                self._add(layer, onnx)
        numbers = [onnx.numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        graph = onnx.helper.make_graph(self.nodes, "openvino", inputs, outputs, numbers)
        opsets = [onnx.helper.make_opsetid("", _OPSET)]
        return bytes(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())

    def refuse(self, layer: _Layer) -> NoReturn:
        """Raise ModelError."""
        raise ModelError(f"{self._path}: uses OpenVINO's operator {layer.kind[:40]} in a way that is not supported")

    def _constant(self, layer: _Layer) -> NDArray[Any]:
        dtype = np.dtype("<" + _NUMPY[layer.data["element_type"]]) if layer.data["element_type"] in _NUMPY else None
        if dtype is None:
            self.refuse(layer)
        shape = [int(each) for each in layer.data["shape"].split(",")] if layer.data.get("shape") else []
        start, size = int(layer.data["offset"]), int(layer.data["size"])
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != size or start < 0:
            self.refuse(layer)
        if start + size > len(self._weights):
            raise ModelError(f"{self._path.with_suffix('.bin')}: is truncated, or belongs to another .xml file")
        return np.frombuffer(self._weights, dtype, math.prod(shape), start).reshape(shape).copy()

    def numbers(self, layer: _Layer, index: int) -> NDArray[Any]:
        """Return the constant at input ``index``; refuse any other input."""
        inputs = layer.inputs
        if index >= len(inputs) or inputs[index] not in self.constants:
            self.refuse(layer)
        return self.constants[inputs[index]]

    def named(self, layer: _Layer, part: str, array: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        name = f"{layer.name}:{part}"
        self.constants[name] = array
        return name

    def _add(self, layer: _Layer, onnx: Any) -> None:
        inputs, output = layer.inputs, f"{layer.name}:{len(layer.inputs)}"  # outputs are numbered after the inputs
        if layer.kind in _ALIKE:
            kind, settings = _ALIKE[layer.kind], dict[str, Any]()
        elif layer.kind in _TRANSLATED:
            kind, inputs, settings = _TRANSLATED[layer.kind](self, layer, inputs)
        else:
            self.refuse(layer)
        self.nodes.append(onnx.helper.make_node(kind, inputs, [output], **settings))


_Made = tuple[str, list[str], dict[str, Any]]


def _window(written: _Written, layer: _Layer) -> dict[str, Any]:
    auto_pad = layer.data.get("auto_pad", "explicit")
    settings: dict[str, Any] = {"strides": layer.numbers("strides", [1, 1])}
    if auto_pad in ("explicit", "notset"):
        settings["pads"] = layer.numbers("pads_begin", [0, 0]) + layer.numbers("pads_end", [0, 0])
    elif auto_pad in ("same_upper", "valid"):
        settings["auto_pad"] = auto_pad.upper()
    else:
        written.refuse(layer)
    return settings


def _convolution(written: _Written, layer: _Layer, inputs: list[str]) -> _Made:
    settings = _window(written, layer) | {"dilations": layer.numbers("dilations", [1, 1])}
    if layer.kind == "GroupConvolution":  # (groups, outputs, inputs, rows, columns)
        kernel = written.numbers(layer, 1)
        settings["group"] = kernel.shape[0]
        inputs = [inputs[0], written.named(layer, "kernel", kernel.reshape(-1, *kernel.shape[2:]))]
    return "Conv", inputs, settings


def _pool(written: _Written, layer: _Layer, inputs: list[str]) -> _Made:
    settings = _window(written, layer) | {"kernel_shape": layer.numbers("kernel", [])}
    settings["ceil_mode"] = int(layer.data.get("rounding_type", "floor") != "floor")
    if layer.kind == "AvgPool":
        settings["count_include_pad"] = int(layer.data.get("exclude-pad", "true") == "false")
        return "AveragePool", inputs, settings
    return "MaxPool", inputs, settings


def _product(written: _Written, layer: _Layer, inputs: list[str]) -> _Made:
    if layer.data.get("transpose_a", "false") != "false":
        written.refuse(layer)
    if layer.data.get("transpose_b", "false") != "false":
        transposed = np.ascontiguousarray(np.swapaxes(written.numbers(layer, 1), -1, -2))
        inputs = [inputs[0], written.named(layer, "turned", transposed)]
    return "MatMul", inputs, {}


def _reduced(written: _Written, layer: _Layer, inputs: list[str]) -> _Made:
    axes = np.atleast_1d(written.numbers(layer, 1)).astype(np.int64)
    keepdims = {"keepdims": int(layer.data.get("keep_dims", "false") == "true")}
    if layer.kind == "ReduceSum":
        return layer.kind, [inputs[0], written.named(layer, "axes", axes)], keepdims
    return layer.kind, inputs[:1], {"axes": axes.tolist(), **keepdims}


def _prelu(written: _Written, layer: _Layer, inputs: list[str]) -> _Made:
    alpha = written.numbers(layer, 1)
    if alpha.ndim == 1 and alpha.size > 1 and layer.rank == 4:  # one per channel
        inputs = [inputs[0], written.named(layer, "alpha", alpha.reshape(-1, 1, 1))]
    return "PRelu", inputs, {}


def _clipped(written: _Written, layer: _Layer, inputs: list[str]) -> _Made:
    bounds = [written.named(layer, name, np.float32(layer.data[name])) for name in ("min", "max")]  # type: ignore[arg-type]
    return "Clip", [inputs[0], *bounds], {}


def _shape(written: _Written, layer: _Layer, inputs: list[str]) -> _Made:
    """Translate Reshape, in which 0 means the same as in ONNX if ``special_zero`` is set."""
    shape = written.constants.get(inputs[1])
    if layer.data.get("special_zero", "false") == "false" and shape is not None and (shape == 0).any():
        written.refuse(layer)
    if shape is not None:
        inputs = [inputs[0], written.named(layer, "shape", shape.astype(np.int64))]
    return "Reshape", inputs, {}


_TRANSLATED: dict[str, Callable[[_Written, _Layer, list[str]], _Made]] = {
    **dict.fromkeys(("Convolution", "GroupConvolution"), _convolution),
    **dict.fromkeys(("MaxPool", "AvgPool"), _pool),
    **dict.fromkeys(("ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum"), _reduced),
    "MatMul": _product,
    "PReLU": _prelu,
    "Clamp": _clipped,
    "Reshape": _shape,
    "Concat": lambda _, layer, takes: ("Concat", takes, {"axis": int(layer.data["axis"])}),
    "Convert": lambda w, layer, takes: (
        "Cast", takes, {"to": _ONNX.get(layer.data["destination_type"]) or w.refuse(layer)}
    ),
    "Elu": lambda _, layer, takes: ("Elu", takes, {"alpha": float(layer.data.get("alpha", 1))}),
    "Gather": lambda w, layer, takes: ("Gather", takes[:2], {"axis": int(w.numbers(layer, 2).reshape(-1)[0])}),
    "HSigmoid": lambda _, __, takes: ("HardSigmoid", takes, {"alpha": 1 / 6, "beta": 0.5}),
    "LogSoftmax": lambda _, layer, takes: ("LogSoftmax", takes, {"axis": int(layer.data.get("axis", 1))}),
    "ShapeOf": lambda _, __, takes: ("Shape", takes, {}),
    "SoftMax": lambda _, layer, takes: ("Softmax", takes, {"axis": int(layer.data.get("axis", 1))}),
    "Transpose": lambda w, layer, takes: ("Transpose", takes[:1], {"perm": w.numbers(layer, 1).tolist()}),
}  # fmt: skip
_TRANSLATED["Softmax"] = _TRANSLATED["SoftMax"]
