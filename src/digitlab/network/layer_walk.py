"""Group the nodes of an ONNX graph into layers as people name them.

Exporters split a layer into several nodes (product, sum), insert others (transposes, shapes) and drop dropout. Here
biases are merged into their products again, and nodes that only move data are skipped.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.network.layer_parts import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    PICTURE,
    Layer,
    Step,
    Walked,
    maps_shape,
)
from digitlab.network.receptive_field import SIDE, ReceptiveField, Window, same_padding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from digitlab.network.graph import Graph, Node

__all__ = ["moving_tensors", "walk"]

_ACTIVATIONS = (
    "Clip", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "PRelu", "Relu", "Selu", "Sigmoid",
    "Softplus", "Softsign", "Tanh", "ThresholdedRelu",
)  # fmt: skip
_GLOBAL_POOLS = ("GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax")
_POOLS = ("AveragePool", "MaxPool", *_GLOBAL_POOLS)
_SIGNED = ("convolution", "dense", "normalisation", "addition")  # kinds of layers whose outputs may be negative
_AFFINE = ("Add", "Sub", "Mul", "Div")


def moving_tensors(graph: Graph) -> set[str]:
    """Return the names of the tensors that are computed from the image, not from shapes or constants."""
    computed = {name for node in graph.nodes for name in node.makes}
    moving = {
        name
        for node in graph.nodes
        for name in node.takes
        if name and name not in graph.constants and name not in computed
    }
    for node in graph.nodes:
        if node.operator not in ("Shape", "Size") and moving & set(node.takes):
            moving |= {name for name in node.makes if name}
    return moving


@dataclass(frozen=True)
class _Value:
    """A tensor's layer, layout and receptive field, as far as known."""

    layer: str | None
    layout: str | None
    field: ReceptiveField | None


def walk(graph: Graph, shapes: Mapping[str, tuple[int, ...]]) -> Walked:
    """Identify and name the layers; ``shapes`` maps each tensor to its shape for one image, (1, …)."""
    walker = _Walker(graph, shapes)
    for node in graph.nodes:
        walker.step(node)
    return walker.done()


class _Walker:
    def __init__(self, graph: Graph, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._shapes, self._constants = shapes, dict(graph.constants)
        self._moving = moving_tensors(graph)
        self._values: dict[str, _Value] = {}
        self._steps: dict[str, Step] = {}
        self._quantisers: dict[str, Node] = {}  # 8-bit tensor's name → the node that quantises to it
        self._counts: Counter[str] = Counter()
        self._handlers: dict[str, Callable[[Node, str], bool]] = {
            "Conv": self._convolution,
            "MatMul": self._dense,
            "Gemm": self._dense,
            "BatchNormalization": self._normalisation,
            "Softmax": self._softmax,
            "Concat": self._merged,
            "Mean": self._merged,
            **dict.fromkeys(_ACTIVATIONS, self._activation),
            **dict.fromkeys(_POOLS, self._pooling),
            **dict.fromkeys(_AFFINE, self._affine),
            **dict.fromkeys(("Reshape", "Flatten", "Squeeze"), self._reshaped),
        }

    def step(self, node: Node) -> None:
        if node.operator in ("QuantizeLinear", "DequantizeLinear"):
            self._rounding(node)
            return
        source = next((name for name in node.takes if name in self._moving), None)
        if source is None or node.makes[0] not in self._moving:
            return
        handler = self._handlers.get(node.operator)
        has_shapes = source in self._shapes and node.makes[0] in self._shapes
        if handler is None or not has_shapes or not handler(node, source):
            self._pass(node, source)

    def done(self) -> Walked:
        steps = list(self._steps.values())
        unique = {name for name in ("input", "flatten", "softmax", "mean") if self._counts[name] == 1}
        names = {
            step.layer.name: step.layer.name.removesuffix("-1")
            for step in steps
            if step.layer.name.removesuffix("-1") in unique
        }
        for step in steps:
            takes = tuple(names.get(each, each) for each in step.layer.takes)
            step.layer = replace(step.layer, name=names.get(step.layer.name, step.layer.name), takes=takes)
        return Walked(steps)

    def _rounding(self, node: Node) -> None:
        """Skip quantisation to 8 bits and back (dequantising constants), but add a Relu layer where it clips at 0.

        It does so if the type is uint8 and the zero point is 0; exporters then drop the ReLU.
        """
        if node.operator == "QuantizeLinear":
            self._quantisers[node.makes[0]] = node
            return
        if node.takes[0] in self._constants:
            self._constants[node.makes[0]] = self._dequantised(node)
            return
        rounding = self._quantisers.get(node.takes[0])
        if rounding is None:
            return
        source, output = rounding.takes[0], node.makes[0]
        previous = self._steps.get(self._value(source).layer or "")
        zero = self._constants.get(rounding.takes[2]) if len(rounding.takes) > 2 else None
        clips = zero is not None and zero.dtype == np.uint8 and not zero.any()
        may_be_negative = previous is not None and previous.tensor == source and previous.layer.kind in _SIGNED
        if clips and may_be_negative and {source, output} <= set(self._shapes):
            self._activation(replace(node, operator="Relu", takes=(source,)), source)
        else:
            self._values[output] = self._value(source)

    # Each of these turns a node into a layer, or returns False.

    def _convolution(self, node: Node, source: str) -> bool:
        kernel = self._constants.get(node.takes[1])
        if kernel is None or kernel.ndim != 4:
            return False
        bias = self._constants.get(node.takes[2]) if len(node.takes) > 2 else None
        size = kernel.shape[2:]
        window = _window(node, (int(size[0]), int(size[1])), self._shapes[source], self._shapes[node.makes[0]])
        groups = int(node.settings.get("group", 1))
        self._add(
            node, source, "conv", "convolution", f"Conv {size[0]}×{size[1]}", window=window, kernel=kernel, bias=bias,
            groups=groups,
        )  # fmt: skip
        return True

    def _dense(self, node: Node, source: str) -> bool:
        weights = self._constants.get(node.takes[1])
        if weights is None or weights.ndim != 2 or node.takes[0] != source or node.settings.get("transA"):
            return False
        kernel = (weights if node.settings.get("transB") else weights.T) * np.float32(node.settings.get("alpha", 1.0))
        bias = self._constants.get(node.takes[2]) if len(node.takes) > 2 else None
        if bias is not None:
            bias = np.broadcast_to(bias.ravel(), (len(kernel),)) * np.float32(node.settings.get("beta", 1.0))
        self._add(node, source, "dense", "dense", "Dense", kernel=kernel[:, :, None, None], bias=bias)
        return True

    def _normalisation(self, node: Node, source: str) -> bool:
        numbers = sum(self._constants[name].size for name in node.takes[1:3] if name in self._constants)
        self._add(node, source, "norm", "normalisation", "BatchNormalization", parameters=numbers)
        return True

    def _activation(self, node: Node, source: str) -> bool:
        if self._value(source).layer is None:
            return False
        name = self._add(node, source, node.operator.lower(), "activation", node.operator)
        previous = self._steps.get(self._value(source).layer or "")
        if previous is not None and previous.tensor == source and previous.layer.kind in ("convolution", "dense"):
            self._steps[name].follows = previous.layer.name
        return True

    def _pooling(self, node: Node, source: str) -> bool:
        if len(self._shapes[source]) != 4 or self._value(source).layer is None:
            return False
        largest = "Max" in node.operator
        if node.operator in _GLOBAL_POOLS:
            if (
                int(np.prod(self._shapes[node.makes[0]]))
                != maps_shape(self._shapes[source], self._value(source).layout)[0]
            ):
                return False
            self._add(node, source, "pool", "pooling", node.operator, largest=largest)
            return True
        size = tuple(node.settings["kernel_shape"])
        window = _window(node, (size[0], size[1]), self._shapes[source], self._shapes[node.makes[0]])
        counts = bool(node.settings.get("count_include_pad", 0))
        self._add(
            node, source, "pool", "pooling", f"{node.operator} {size[0]}×{size[1]}", window=window, largest=largest,
            counts_padding=counts,
        )  # fmt: skip
        return True

    def _softmax(self, node: Node, source: str) -> bool:
        self._add(node, source, "softmax", "softmax", "Softmax")
        return True

    def _merged(self, node: Node, source: str) -> bool:
        moving = [name for name in node.takes if name in self._shapes and name in self._moving]
        if len(moving) < 2:
            return False
        prefix, kind = {"Concat": ("concat", "concatenation"), "Mean": ("mean", "mean")}.get(
            node.operator, ("add", "addition")
        )
        self._add(node, source, prefix, kind, node.operator)
        return True

    def _affine(self, node: Node, source: str) -> bool:
        """Handle a product or sum with constants (preparation, bias or normalisation), or the sum of two layers."""
        operands = [name for name in node.takes if name != source]
        if any(name in self._moving for name in operands):
            return node.operator == "Add" and self._merged(node, source)
        constant = self._constants.get(operands[0]) if operands else None
        previous = self._steps.get(self._value(source).layer or "")
        if constant is None or previous is None:
            return False
        is_direct = previous.tensor == source
        if is_direct and node.operator == "Add" and self._is_bias(previous, constant):
            previous.bias = np.asarray(constant, np.float32).ravel()
            parameters = previous.layer.parameters + constant.size
        elif is_direct and previous.layer.kind == "normalisation":
            parameters = previous.layer.parameters + constant.size
        else:
            self._add(node, source, "norm", "normalisation", "Scale and shift", parameters=constant.size)
            return True
        previous.layer = replace(previous.layer, parameters=parameters)
        previous.tensor = node.makes[0]
        self._values[node.makes[0]] = self._values[source]
        return True

    @staticmethod
    def _is_bias(previous: Step, constant: NDArray[Any]) -> bool:
        kernel = previous.kernel
        return kernel is not None and previous.bias is None and constant.size == len(kernel) == max(constant.shape)

    def _reshaped(self, node: Node, source: str) -> bool:
        shape, output_shape = self._shapes[source], self._shapes[node.makes[0]]
        if self._value(source).layer is None or len(shape) != 4 or len(output_shape) != 2:
            return False
        if int(np.prod(shape)) == maps_shape(shape, self._value(source).layout)[0]:  # one pixel per map
            return False
        self._add(node, source, "flatten", "flatten", "Flatten")
        return True

    # Shared by all of them.

    def _add(
        self, node: Node, source: str, prefix: str, kind: str, operator: str, *, window: Window | None = None,
        kernel: NDArray[Any] | None = None, bias: NDArray[Any] | None = None, parameters: int = 0, **options: Any,
    ) -> str:  # fmt: skip
        takes = [self._layer_of(name) for name in node.takes if name in self._moving and name in self._shapes]
        output = node.makes[0]
        shape = self._shapes[output]
        layout = self._layout(node, source)
        field = self._field(node, kind, window) if len(shape) >= 3 else None
        parameters += sum(each.size for each in (kernel, bias) if each is not None)
        explainable = kind in ("convolution", "pooling", "activation") or (kind == "dense" and len(shape) == 2)
        maps, rows, columns = maps_shape(shape, layout)
        name = self._name(prefix)
        self._steps[name] = Step(
            Layer(
                name, kind, operator, (rows, columns, maps) if len(shape) > 2 else (maps,), int(parameters),
                tuple(dict.fromkeys(takes)), field, explainable,
            ),
            output, layout, source, self._value(source).layout, window=window,
            kernel=None if kernel is None else np.asarray(kernel, np.float32),
            bias=None if bias is None else np.asarray(bias, np.float32).ravel(), **options,
        )  # fmt: skip
        self._values[output] = _Value(name, layout, field)
        return name

    def _name(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return f"{prefix}-{self._counts[prefix]}"

    def _pass(self, node: Node, source: str) -> None:
        """Skip a node that only moves data or belongs to the preparation; carry over the layer and receptive field."""
        value = self._value(source)
        rank = len(self._shapes.get(node.makes[0], ()))
        field = value.field if rank >= 3 and node.operator != "Resize" else None
        if node.operator == "Pad" and field is not None:
            field = self._padded(node, field, self._layout(node, source))
        self._values[node.makes[0]] = _Value(value.layer, self._layout(node, source), field)

    def _layer_of(self, tensor: str) -> str:
        """Return the layer that a tensor belongs to; create the preparation layer if there is none yet."""
        value = self._value(tensor)
        if value.layer is None:
            shape = self._shapes[tensor]
            if shape == (1, SIDE * SIDE):
                value = replace(value, layout=PICTURE, field=ReceptiveField())
            maps, rows, columns = maps_shape(shape, value.layout)
            name = self._name("input")
            sizes = (rows, columns, maps) if rows * columns > 1 else (maps,)
            layer = Layer(name, "preparation", "Input", sizes, 0, (), value.field, explainable=False)
            self._steps[name] = Step(layer, tensor, value.layout, tensor, value.layout)
            value = replace(value, layer=name)
            self._values[tensor] = value
        return value.layer or ""

    def _value(self, tensor: str) -> _Value:
        return self._values.get(tensor) or _Value(None, None, ReceptiveField())

    def _layout(self, node: Node, source: str) -> str | None:
        shape = self._shapes.get(node.makes[0], ())
        if len(shape) != 4:
            return None
        if node.operator in ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"):
            return CHANNELS_FIRST
        layout = self._value(source).layout
        if node.operator == "Transpose":
            layouts = {(0, 2, 3, 1): CHANNELS_LAST, (0, 3, 1, 2): CHANNELS_FIRST}
            return layouts.get(tuple(node.settings.get("perm") or ()), layout)
        if node.operator in ("Reshape", "Unsqueeze") and (shape[1] == 1) != (shape[3] == 1):
            return CHANNELS_FIRST if shape[1] == 1 else CHANNELS_LAST
        return layout or CHANNELS_FIRST

    def _padded(self, node: Node, field: ReceptiveField, layout: str | None) -> ReceptiveField | None:
        pads = node.settings.get("pads")
        if pads is None and len(node.takes) > 1 and node.takes[1] in self._constants:
            pads = self._constants[node.takes[1]].tolist()
        if pads is None or len(pads) < 6:
            return None
        rows = len(pads) // 2 - 2 if layout != CHANNELS_LAST else 1
        return field.behind(Window((1, 1), padding=(int(pads[rows]), int(pads[rows + 1]))))

    def _field(self, node: Node, kind: str, window: Window | None) -> ReceptiveField | None:
        fields = [self._value(name).field for name in node.takes if name in self._moving and name in self._shapes]
        if kind == "dense" or (kind == "pooling" and window is None):
            return None
        joined = fields[0]
        for other in fields[1:]:
            joined = None if joined is None or other is None else joined.joined(other)
        return joined if joined is None or window is None else joined.behind(window)

    def _dequantised(self, node: Node) -> NDArray[np.float32]:
        values, scale = self._constants[node.takes[0]], self._constants.get(node.takes[1])
        zero = self._constants.get(node.takes[2]) if len(node.takes) > 2 else None
        if scale is None:
            return np.asarray(values, np.float32)
        sizes = [1] * values.ndim
        if scale.size > 1:
            sizes[int(node.settings.get("axis", 1))] = scale.size
        centred = values.astype(np.float32) - (0 if zero is None else zero.astype(np.float32).reshape(sizes))
        return np.asarray(centred * scale.reshape(sizes), np.float32)


def _window(node: Node, size: tuple[int, int], input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Window:
    stride = tuple(node.settings.get("strides") or (1, 1))
    dilation = tuple(node.settings.get("dilations") or (1, 1))
    pads = tuple(node.settings.get("pads") or (0, 0, 0, 0))
    padding = [pads[0], pads[1]]
    automatic = node.settings.get("auto_pad", "NOTSET")
    if automatic.startswith("SAME"):
        for axis in (0, 1):
            total = same_padding(
                input_shape[2 + axis], output_shape[2 + axis], size[axis], stride[axis], dilation[axis]
            )
            padding[axis] = total // 2 if automatic == "SAME_UPPER" else -(-total // 2)
    return Window(size, (stride[0], stride[1]), (dilation[0], dilation[1]), (padding[0], padding[1]))
