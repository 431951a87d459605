"""From an ONNX graph's nodes to layers as people name them.

An exporter cuts a layer into several nodes (a product, a sum), puts others between (transposes, shapes) and leaves
dropout out. Here products get their biases back and what only moves numbers is passed over.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from digitlab.reading.onnx_graph import Graph, Node
    from digitlab.values import Box

__all__ = ["Layer", "Sight", "Step", "Walked", "Window", "as_maps", "moving_tensors", "walk"]

_SIDE = 28
_ACTIVATIONS = (
    "Clip", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "PRelu", "Relu", "Selu", "Sigmoid",
    "Softplus", "Softsign", "Tanh", "ThresholdedRelu",
)  # fmt: skip
_GLOBAL_POOLS = ("GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax")
_POOLS = ("AveragePool", "MaxPool", *_GLOBAL_POOLS)
_SIGNED = ("convolution", "dense", "normalisation", "addition")  # kinds of layers whose numbers may be below 0
_AFFINE = ("Add", "Sub", "Mul", "Div")
_CHANNELS_FIRST, _CHANNELS_LAST, _PICTURE = "channels first", "channels last", "a picture, row by row"


@dataclass(frozen=True, slots=True)
class Window:
    """What a convolution or pooling looks through: (down, across) each; ``padding`` is before the first."""

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Sight:
    """The receptive fields of a layer's units: (down, across) each, in pixels of the glyph.

    >>> convolved = Sight().behind(Window((3, 3))).behind(Window((2, 2), (2, 2)))
    >>> convolved, convolved.box(1, 0)
    (Sight(size=(4, 4), step=(2, 2), middle=(1.5, 1.5)), (0, 2, 4, 6))
    """

    size: tuple[int, int] = (1, 1)
    step: tuple[int, int] = (1, 1)
    middle: tuple[float, float] = (0.0, 0.0)

    def behind(self, window: Window) -> Sight:
        """What units see through ``window`` onto units that see this."""
        size, step, middle = [], [], []
        for axis in (0, 1):
            extent = (window.size[axis] - 1) * window.dilation[axis]
            size.append(self.size[axis] + extent * self.step[axis])
            middle.append(self.middle[axis] + (extent / 2 - window.padding[axis]) * self.step[axis])
            step.append(self.step[axis] * window.stride[axis])
        return Sight((size[0], size[1]), (step[0], step[1]), (middle[0], middle[1]))

    def joined(self, other: Sight) -> Sight | None:
        """What a unit sees by two ways; None where these are not in step."""
        if self.step != other.step:
            return None
        lows = [min(each.middle[a] - (each.size[a] - 1) / 2 for each in (self, other)) for a in (0, 1)]
        highs = [max(each.middle[a] + (each.size[a] - 1) / 2 for each in (self, other)) for a in (0, 1)]
        size = [round(high - low) + 1 for low, high in zip(lows, highs, strict=True)]
        middle = [(low + high) / 2 for low, high in zip(lows, highs, strict=True)]
        return Sight((size[0], size[1]), self.step, (middle[0], middle[1]))

    def box(self, row: int, column: int) -> Box:
        """The field of one unit, cut to the glyph."""
        low, high = [], []
        for axis, place in enumerate((row, column)):
            middle = self.middle[axis] + place * self.step[axis]
            begin = round(middle - (self.size[axis] - 1) / 2)
            low.append(min(max(begin, 0), _SIDE))
            high.append(min(max(begin + self.size[axis], 0), _SIDE))
        return low[1], low[0], high[1], high[0]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    name: unique, e.g. conv-1, relu-1, pool-1, dense-1, softmax
    kind: preparation, convolution, activation, normalisation, pooling, addition, concatenation, flatten, dense, softmax
        or other
    operator: what it computes, e.g. "Conv 3×3", "Relu"
    shape: (rows, columns, maps), or (units,)
    takes: the names of the layers it computes from
    field: what its units see; None: each sees the whole glyph, or it cannot be told
    explainable: whether one number of it can be taken apart
    """

    name: str
    kind: str
    operator: str
    shape: tuple[int, ...]
    parameters: int
    takes: tuple[str, ...]
    field: Sight | None
    explainable: bool


@dataclass
class Step:
    """A layer and where its numbers are: ``tensor`` it makes, ``source`` it takes, and how both are laid out.

    kernel: float32 (filters, inputs of one group, rows, columns), and bias: float32 (filters,)
    follows: the name of the convolution or dense layer that this is the activation of
    """

    layer: Layer
    tensor: str
    layout: str | None
    source: str
    source_layout: str | None
    kernel: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None
    window: Window | None = None
    groups: int = 1
    largest: bool = False
    counts_padding: bool = False
    follows: str | None = None

    def patch(self, given: NDArray[np.float64], channel: int, row: int, column: int) -> tuple[int, NDArray[np.float64]]:
        """What one unit takes of (maps, rows, columns), and the first map of it."""
        if self.layer.kind == "dense":
            return 0, given.reshape(-1, 1, 1)
        if self.window is None:  # an activation, or a pooling over everything
            whole = self.layer.kind == "pooling"
            return channel, given[channel : channel + 1] if whole else given[channel, row, column].reshape(1, 1, 1)
        first, count = channel, 1
        if self.kernel is not None:
            count = self.kernel.shape[1]
            first = channel // (len(self.kernel) // self.groups) * count
        missing = np.nan if self.kernel is None else 0.0
        patch = np.full((count, *self.window.size), missing)
        for down in range(self.window.size[0]):
            for across in range(self.window.size[1]):
                y = row * self.window.stride[0] - self.window.padding[0] + down * self.window.dilation[0]
                x = column * self.window.stride[1] - self.window.padding[1] + across * self.window.dilation[1]
                if 0 <= y < given.shape[1] and 0 <= x < given.shape[2]:
                    patch[:, down, across] = given[first : first + count, y, x]
        return first, patch

    def taken(self, patch: NDArray[np.float64]) -> float:
        """What a pooling or activation takes from its patch, in which NaN stands for what lies over the border."""
        if self.largest:
            return float(np.nanmax(patch))
        return float(np.nansum(patch) / patch.size if self.counts_padding else np.nanmean(patch))


@dataclass
class Walked:
    """All steps in order, and the names of the tensors that they need."""

    steps: list[Step] = field(default_factory=list)

    @property
    def tensors(self) -> set[str]:
        """What must be an output for `Step`'s numbers to be there."""
        return {name for step in self.steps for name in (step.tensor, step.source)}


def as_maps(value: NDArray[np.float32], layout: str | None) -> NDArray[np.float32]:
    """One image's tensor as (maps, rows, columns)."""
    inner: NDArray[np.float32] = value[0]
    if layout == _PICTURE:
        return inner.reshape(1, _SIDE, _SIDE)
    if inner.ndim == 3:
        return inner.transpose(2, 0, 1) if layout == _CHANNELS_LAST else inner
    return inner[None] if inner.ndim == 2 else inner.reshape(-1, 1, 1)


def moving_tensors(graph: Graph) -> set[str]:
    """The names of what is computed from the image, not from shapes or constants."""
    made = {name for node in graph.nodes for name in node.makes}
    moving = {
        name for node in graph.nodes for name in node.takes if name and name not in graph.constants and name not in made
    }
    for node in graph.nodes:
        if node.operator not in ("Shape", "Size") and moving & set(node.takes):
            moving |= {name for name in node.makes if name}
    return moving


@dataclass(frozen=True)
class _Value:
    """What is known of a tensor: the layer it belongs to, its layout and its units' sight."""

    layer: str | None
    layout: str | None
    sight: Sight | None


def walk(graph: Graph, shapes: Mapping[str, tuple[int, ...]]) -> Walked:
    """Name the layers; ``shapes`` are those of one image's tensors, (1, …), for the tensors that are to be seen."""
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
        self._rounded: dict[str, Node] = {}  # by the 8-bit tensor's name, what has made it
        self._counts: Counter[str] = Counter()
        self._makers: dict[str, Callable[[Node, str], bool]] = {
            "Conv": self._convolution,
            "MatMul": self._dense,
            "Gemm": self._dense,
            "BatchNormalization": self._normalisation,
            "Softmax": self._softmax,
            "Concat": self._merged,
            **dict.fromkeys(_ACTIVATIONS, self._activation),
            **dict.fromkeys(_POOLS, self._pooling),
            **dict.fromkeys(_AFFINE, self._affine),
            **dict.fromkeys(("Reshape", "Flatten", "Squeeze"), self._reshaped),
        }

    def step(self, node: Node) -> None:
        if node.operator in ("QuantizeLinear", "DequantizeLinear"):
            self._rounding(node)
            return
        given = next((name for name in node.takes if name in self._moving), None)
        if given is None or node.makes[0] not in self._moving:
            return
        maker = self._makers.get(node.operator)
        seen = given in self._shapes and node.makes[0] in self._shapes
        if maker is None or not seen or not maker(node, given):
            self._pass(node, given)

    def done(self) -> Walked:
        steps = list(self._steps.values())
        alone = {name for name in ("input", "flatten", "softmax") if self._counts[name] == 1}
        names = {
            step.layer.name: step.layer.name.removesuffix("-1")
            for step in steps
            if step.layer.name.removesuffix("-1") in alone
        }
        for step in steps:
            takes = tuple(names.get(each, each) for each in step.layer.takes)
            step.layer = replace(step.layer, name=names.get(step.layer.name, step.layer.name), takes=takes)
        return Walked(steps)

    def _rounding(self, node: Node) -> None:
        """To 8 bits and back: only moves numbers, but cuts off below 0 what a ReLU would; the ReLU itself is left out.

        Of 8 bits without a sign, 0 stands for 0 then.
        """
        if node.operator == "QuantizeLinear":
            self._rounded[node.makes[0]] = node
            return
        if node.takes[0] in self._constants:
            self._constants[node.makes[0]] = self._dequantised(node)
            return
        rounding = self._rounded.get(node.takes[0])
        if rounding is None:
            return
        given, made = rounding.takes[0], node.makes[0]
        before = self._steps.get(self._value(given).layer or "")
        zero = self._constants.get(rounding.takes[2]) if len(rounding.takes) > 2 else None
        cuts = zero is not None and zero.dtype == np.uint8 and not zero.any()
        weighed = before is not None and before.tensor == given and before.layer.kind in _SIGNED
        if cuts and weighed and {given, made} <= set(self._shapes):
            self._activation(replace(node, operator="Relu", takes=(given,)), given)
        else:
            self._values[made] = self._value(given)

    # Each of these makes a layer of a node, or says that it does not.

    def _convolution(self, node: Node, given: str) -> bool:
        kernel = self._constants.get(node.takes[1])
        if kernel is None or kernel.ndim != 4:
            return False
        bias = self._constants.get(node.takes[2]) if len(node.takes) > 2 else None
        size = kernel.shape[2:]
        window = _window(node, (int(size[0]), int(size[1])), self._shapes[given], self._shapes[node.makes[0]])
        groups = int(node.settings.get("group", 1))
        self._add(
            node, given, "conv", "convolution", f"Conv {size[0]}×{size[1]}", window=window, kernel=kernel, bias=bias,
            groups=groups,
        )  # fmt: skip
        return True

    def _dense(self, node: Node, given: str) -> bool:
        weights = self._constants.get(node.takes[1])
        if weights is None or weights.ndim != 2 or node.takes[0] != given or node.settings.get("transA"):
            return False
        kernel = (weights if node.settings.get("transB") else weights.T) * np.float32(node.settings.get("alpha", 1.0))
        bias = self._constants.get(node.takes[2]) if len(node.takes) > 2 else None
        if bias is not None:
            bias = np.broadcast_to(bias.ravel(), (len(kernel),)) * np.float32(node.settings.get("beta", 1.0))
        self._add(node, given, "dense", "dense", "Dense", kernel=kernel[:, :, None, None], bias=bias)
        return True

    def _normalisation(self, node: Node, given: str) -> bool:
        numbers = sum(self._constants[name].size for name in node.takes[1:3] if name in self._constants)
        self._add(node, given, "norm", "normalisation", "BatchNormalization", parameters=numbers)
        return True

    def _activation(self, node: Node, given: str) -> bool:
        if self._value(given).layer is None:
            return False
        name = self._add(node, given, node.operator.lower(), "activation", node.operator)
        before = self._steps.get(self._value(given).layer or "")
        if before is not None and before.tensor == given and before.layer.kind in ("convolution", "dense"):
            self._steps[name].follows = before.layer.name
        return True

    def _pooling(self, node: Node, given: str) -> bool:
        if len(self._shapes[given]) != 4 or self._value(given).layer is None:
            return False
        largest = "Max" in node.operator
        if node.operator in _GLOBAL_POOLS:
            if (
                int(np.prod(self._shapes[node.makes[0]]))
                != _maps_shape(self._shapes[given], self._value(given).layout)[0]
            ):
                return False
            self._add(node, given, "pool", "pooling", node.operator, largest=largest)
            return True
        size = tuple(node.settings["kernel_shape"])
        window = _window(node, (size[0], size[1]), self._shapes[given], self._shapes[node.makes[0]])
        counts = bool(node.settings.get("count_include_pad", 0))
        self._add(
            node, given, "pool", "pooling", f"{node.operator} {size[0]}×{size[1]}", window=window, largest=largest,
            counts_padding=counts,
        )  # fmt: skip
        return True

    def _softmax(self, node: Node, given: str) -> bool:
        self._add(node, given, "softmax", "softmax", "Softmax")
        return True

    def _merged(self, node: Node, given: str) -> bool:
        moving = [name for name in node.takes if name in self._shapes and name in self._moving]
        if len(moving) < 2:
            return False
        prefix, kind = ("concat", "concatenation") if node.operator == "Concat" else ("add", "addition")
        self._add(node, given, prefix, kind, node.operator)
        return True

    def _affine(self, node: Node, given: str) -> bool:
        """A product or sum with constants: of the preparation, a bias, or a normalisation; or the sum of two layers."""
        others = [name for name in node.takes if name != given]
        if any(name in self._moving for name in others):
            return node.operator == "Add" and self._merged(node, given)
        constant = self._constants.get(others[0]) if others else None
        before = self._steps.get(self._value(given).layer or "")
        if constant is None or before is None:
            return False
        whole = before.tensor == given
        if whole and node.operator == "Add" and self._is_bias(before, constant):
            before.bias = np.asarray(constant, np.float32).ravel()
            parameters = before.layer.parameters + constant.size
        elif whole and before.layer.kind == "normalisation":
            parameters = before.layer.parameters + constant.size
        else:
            self._add(node, given, "norm", "normalisation", "Scale and shift", parameters=constant.size)
            return True
        before.layer = replace(before.layer, parameters=parameters)
        before.tensor = node.makes[0]
        self._values[node.makes[0]] = self._values[given]
        return True

    @staticmethod
    def _is_bias(before: Step, constant: NDArray[Any]) -> bool:
        kernel = before.kernel
        return kernel is not None and before.bias is None and constant.size == len(kernel) == max(constant.shape)

    def _reshaped(self, node: Node, given: str) -> bool:
        shape, made = self._shapes[given], self._shapes[node.makes[0]]
        if self._value(given).layer is None or len(shape) != 4 or len(made) != 2:
            return False
        if int(np.prod(shape)) == _maps_shape(shape, self._value(given).layout)[0]:  # a pixel a map
            return False
        self._add(node, given, "flatten", "flatten", "Flatten")
        return True

    # What all of them do.

    def _add(
        self, node: Node, given: str, prefix: str, kind: str, operator: str, *, window: Window | None = None,
        kernel: NDArray[Any] | None = None, bias: NDArray[Any] | None = None, parameters: int = 0, **more: Any,
    ) -> str:  # fmt: skip
        takes = [self._layer_of(name) for name in node.takes if name in self._moving and name in self._shapes]
        made = node.makes[0]
        shape = self._shapes[made]
        layout = self._layout(node, given)
        sight = self._sight(node, kind, window) if len(shape) >= 3 else None
        parameters += sum(each.size for each in (kernel, bias) if each is not None)
        explainable = kind in ("convolution", "pooling", "activation") or (kind == "dense" and len(shape) == 2)
        maps, rows, columns = _maps_shape(shape, layout)
        name = self._name(prefix)
        self._steps[name] = Step(
            Layer(
                name, kind, operator, (rows, columns, maps) if len(shape) > 2 else (maps,), int(parameters),
                tuple(dict.fromkeys(takes)), sight, explainable,
            ),
            made, layout, given, self._value(given).layout, window=window,
            kernel=None if kernel is None else np.asarray(kernel, np.float32),
            bias=None if bias is None else np.asarray(bias, np.float32).ravel(), **more,
        )  # fmt: skip
        self._values[made] = _Value(name, layout, sight)
        return name

    def _name(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return f"{prefix}-{self._counts[prefix]}"

    def _pass(self, node: Node, given: str) -> None:
        """What only moves numbers, or belongs to the preparation."""
        value = self._value(given)
        rank = len(self._shapes.get(node.makes[0], ()))
        sight = value.sight if rank >= 3 and node.operator != "Resize" else None
        if node.operator == "Pad" and sight is not None:
            sight = self._padded(node, sight, self._layout(node, given))
        self._values[node.makes[0]] = _Value(value.layer, self._layout(node, given), sight)

    def _layer_of(self, tensor: str) -> str:
        """The layer that a tensor belongs to; what no layer has made is the preparation's result."""
        value = self._value(tensor)
        if value.layer is None:
            shape = self._shapes[tensor]
            if shape == (1, _SIDE * _SIDE):
                value = replace(value, layout=_PICTURE, sight=Sight())
            maps, rows, columns = _maps_shape(shape, value.layout)
            name = self._name("input")
            sizes = (rows, columns, maps) if rows * columns > 1 else (maps,)
            layer = Layer(name, "preparation", "Input", sizes, 0, (), value.sight, explainable=False)
            self._steps[name] = Step(layer, tensor, value.layout, tensor, value.layout)
            value = replace(value, layer=name)
            self._values[tensor] = value
        return value.layer or ""

    def _value(self, tensor: str) -> _Value:
        return self._values.get(tensor) or _Value(None, None, Sight())

    def _layout(self, node: Node, given: str) -> str | None:
        made = self._shapes.get(node.makes[0], ())
        if len(made) != 4:
            return None
        if node.operator in ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"):
            return _CHANNELS_FIRST
        before = self._value(given).layout
        if node.operator == "Transpose":
            turned = {(0, 2, 3, 1): _CHANNELS_LAST, (0, 3, 1, 2): _CHANNELS_FIRST}
            return turned.get(tuple(node.settings.get("perm") or ()), before)
        if node.operator in ("Reshape", "Unsqueeze") and (made[1] == 1) != (made[3] == 1):
            return _CHANNELS_FIRST if made[1] == 1 else _CHANNELS_LAST
        return before or _CHANNELS_FIRST

    def _padded(self, node: Node, sight: Sight, layout: str | None) -> Sight | None:
        pads = node.settings.get("pads")
        if pads is None and len(node.takes) > 1 and node.takes[1] in self._constants:
            pads = self._constants[node.takes[1]].tolist()
        if pads is None or len(pads) < 6:
            return None
        down = len(pads) // 2 - 2 if layout != _CHANNELS_LAST else 1
        return sight.behind(Window((1, 1), padding=(int(pads[down]), int(pads[down + 1]))))

    def _sight(self, node: Node, kind: str, window: Window | None) -> Sight | None:
        sights = [self._value(name).sight for name in node.takes if name in self._moving and name in self._shapes]
        if kind == "dense" or (kind == "pooling" and window is None):
            return None
        joined = sights[0]
        for other in sights[1:]:
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
        moved = values.astype(np.float32) - (0 if zero is None else zero.astype(np.float32).reshape(sizes))
        return np.asarray(moved * scale.reshape(sizes), np.float32)


def _maps_shape(shape: tuple[int, ...], layout: str | None) -> tuple[int, int, int]:
    """(maps, rows, columns) of a tensor of one image, (1, …)."""
    if layout == _PICTURE:
        return 1, _SIDE, _SIDE
    if len(shape) == 4:
        maps, rows, columns = (shape[3], shape[1], shape[2]) if layout == _CHANNELS_LAST else shape[1:]
        return maps, rows, columns
    return (1, shape[1], shape[2]) if len(shape) == 3 else (int(np.prod(shape)), 1, 1)


def _window(node: Node, size: tuple[int, int], given: tuple[int, ...], made: tuple[int, ...]) -> Window:
    stride = tuple(node.settings.get("strides") or (1, 1))
    dilation = tuple(node.settings.get("dilations") or (1, 1))
    pads = tuple(node.settings.get("pads") or (0, 0, 0, 0))
    padding = [pads[0], pads[1]]
    automatic = node.settings.get("auto_pad", "NOTSET")
    if automatic.startswith("SAME"):
        for axis in (0, 1):
            extent = (size[axis] - 1) * dilation[axis] + 1
            missing = max((made[2 + axis] - 1) * stride[axis] + extent - given[2 + axis], 0)
            padding[axis] = missing // 2 if automatic == "SAME_UPPER" else -(-missing // 2)
    return Window(size, (stride[0], stride[1]), (dilation[0], dilation[1]), (padding[0], padding[1]))
