"""A network as a table: shapes, parameters, multiply–adds and receptive field of each layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.errors import counted
from digitlab.inspection.steps import ACTIVATIONS, CONVOLUTIONS, POOLINGS
from digitlab.models.safety.words import MERGING
from digitlab.network.receptive_field import SIDE, WHOLE_IMAGE, ReceptiveField, Window, same_padding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitlab.inspection.steps import Network, Step

__all__ = ["LayerSummary", "receptive_fields", "summarise"]


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One layer of a network.

    name, kind: e.g. "conv2d" and "Conv2D"; "inner/conv2d" in a nested model
    detail: its settings, in readable form, e.g. "32 filters 3×3, relu"
    takes: its input layers; empty where it takes the image
    input_shape, shape: for one image
    parameters: weights and statistics, trainable or not
    multiply_adds: multiplications by weights for one image; biases and layers without weights count 0
    field: the receptive field of its units; None: unknown
    """

    name: str
    kind: str
    detail: str
    takes: tuple[str, ...]
    input_shape: tuple[int, ...]
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    field: ReceptiveField | None

    def as_dict(self) -> dict[str, Any]:
        """The layer as JSON-serialisable values."""
        field = None if self.field is None else dict(zip(("rows", "columns"), self.field.size, strict=True))
        return {
            "name": self.name,
            "kind": self.kind,
            "detail": self.detail,
            "takes": list(self.takes),
            "input_shape": list(self.input_shape),
            "shape": list(self.shape),
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "receptive_field": "all" if self.field is not None and self.field.whole else field,
        }


def summarise(network: Network) -> list[LayerSummary]:
    """Summarise every layer in order of computation, together with its own activation."""
    fields = receptive_fields(network)
    owner = {step.name: step.part_of or step.name for step in network.steps.values()}
    brought = {step.part_of: step.activation for step in network.steps.values() if step.part_of}
    rows, counted = [], set[int]()
    for step in network.steps.values():
        if step.part_of:
            continue
        input_shapes = [network.steps[name].shape for name in step.takes] or [(28, 28)]
        first_use = id(step.layer) not in counted  # a shared layer's parameters count once
        counted.add(id(step.layer))
        words = [text for text in (_settings(step), brought.get(step.name)) if text]
        rows.append(
            LayerSummary(
                step.name,
                step.kind,
                ", ".join(words),
                tuple(owner[name] for name in step.takes),
                input_shapes[0],
                step.shape,
                sum(math.prod(weight.shape) for weight in getattr(step.layer, "weights", [])) if first_use else 0,
                _multiply_adds(step, input_shapes[0]),
                fields[step.name],
            )
        )
    return rows


def _settings(step: Step) -> str:
    layer, kind = step.layer, step.kind
    descriptions = {
        "Conv2D": lambda: f"{layer.filters} filters {_by(layer.kernel_size)}{_moved(layer)}",
        "Conv2DTranspose": lambda: f"{layer.filters} filters {_by(layer.kernel_size)}{_moved(layer)}",
        "SeparableConv2D": lambda: f"{layer.filters} filters {_by(layer.kernel_size)}{_moved(layer)}",
        "DepthwiseConv2D": lambda: f"one {_by(layer.kernel_size)} filter per channel{_moved(layer)}",
        "MaxPooling2D": lambda: _by(layer.pool_size),
        "AveragePooling2D": lambda: _by(layer.pool_size),
        "Dense": lambda: counted(layer.units, "unit"),
        "Dropout": lambda: f"{100 * layer.rate:g} %",
        "SpatialDropout2D": lambda: f"{100 * layer.rate:g} %",
        "LeakyReLU": lambda: f"slope {layer.negative_slope:g}",
        "Rescaling": lambda: _rescaling(layer),
    }
    if kind == "Activation":
        return step.activation
    return descriptions[kind]() if kind in descriptions else ""


def _by(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))


def _moved(layer: Any) -> str:
    stride = "" if tuple(layer.strides) == (1, 1) else f", stride {_by(layer.strides)}"
    return stride + (", same" if layer.padding == "same" else "")


def _rescaling(layer: Any) -> str:
    if not isinstance(layer.scale, int | float) or not isinstance(layer.offset, int | float):
        return "one factor per channel"
    scale = f"x / {1 / layer.scale:g}" if layer.scale and abs(1 / layer.scale) >= 1.5 else f"x · {layer.scale:g}"
    return scale + (f" {'+' if layer.offset > 0 else '−'} {abs(layer.offset):g}" if layer.offset else "")


def _multiply_adds(step: Step, input_shape: tuple[int, ...]) -> int:
    """Count uses of weights: per position of a convolution, once for a dense layer, per value of a normalisation."""
    layer, kind = step.layer, step.kind
    if kind in ("BatchNormalization", "PReLU"):
        return math.prod(step.shape)
    if kind == "SeparableConv2D":
        kernels, positions = [layer.depthwise_kernel, layer.pointwise_kernel], step.shape[:2]
    elif kind in ("Conv2D", "DepthwiseConv2D"):
        kernels, positions = [layer.kernel], step.shape[:2]
    elif kind == "Conv2DTranspose":  # its kernel is applied at every input position
        kernels, positions = [layer.kernel], input_shape[:2]
    elif kind == "Dense":
        kernels, positions = [layer.kernel], input_shape[:-1]
    else:
        return 0
    return sum(math.prod(map(int, kernel.shape)) for kernel in kernels) * math.prod(positions)


_ELEMENTWISE = ("BatchNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "Rescaling")
_RANDOM = ("RandomRotation", "RandomTranslation", "RandomZoom")  # active during training only


def receptive_fields(network: Network) -> dict[str, ReceptiveField | None]:
    """The receptive field of each step, by name; None where unknown (upsampling, branches that differ in stride)."""
    fields: dict[str, ReceptiveField | None] = {}
    for step in network.steps.values():
        inputs = [fields[name] for name in step.takes] or [ReceptiveField()]
        known_inputs = [field for field in inputs if field is not None]
        fields[step.name] = _field(step, known_inputs, network.steps) if len(known_inputs) == len(inputs) else None
        if len(step.shape) < 2:  # each unit of a vector depends on everything before it
            fields[step.name] = WHOLE_IMAGE
    return fields


def _field(step: Step, inputs: Sequence[ReceptiveField], steps: Mapping[str, Step]) -> ReceptiveField | None:
    first = inputs[0]
    if step.kind in (*ACTIVATIONS, *_ELEMENTWISE, *_RANDOM, "Dense") or step.kind in MERGING or first.whole:
        return _joined(inputs)
    if step.kind == "Reshape" and len(step.shape) in (2, 3) and step.shape[:2] == _taken_shape(step, steps)[:2]:
        return first
    if step.kind == "SobelImage":
        return first.behind(Window((5, 5), padding=(2, 2)))
    if step.kind == "ZeroPadding2D":
        (top, _), (left, _) = step.layer.padding
        return first.behind(Window((1, 1), padding=(top, left)))
    if step.kind == "Cropping2D":
        (top, _), (left, _) = step.layer.cropping
        return first.behind(Window((1, 1), padding=(-top, -left)))
    if step.kind in (*CONVOLUTIONS, *POOLINGS) and step.kind != "Conv2DTranspose":
        return first.behind(_window(step, _taken_shape(step, steps)))
    return None


def _window(step: Step, shape: tuple[int, ...]) -> Window:
    layer = step.layer
    size = tuple(layer.kernel_size if step.kind in CONVOLUTIONS else layer.pool_size)
    stride, dilation = tuple(layer.strides), tuple(getattr(layer, "dilation_rate", (1, 1)))
    padding = [0, 0]
    if layer.padding == "same":
        for axis in (0, 1):
            outputs = -(-shape[axis] // stride[axis])
            padding[axis] = same_padding(shape[axis], outputs, size[axis], stride[axis], dilation[axis]) // 2
    return Window((size[0], size[1]), (stride[0], stride[1]), (dilation[0], dilation[1]), (padding[0], padding[1]))


def _joined(fields: Sequence[ReceptiveField]) -> ReceptiveField | None:
    joined: ReceptiveField | None = fields[0]
    for other in fields[1:]:
        joined = None if joined is None else joined.joined(other)
    return joined


def _taken_shape(step: Step, steps: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of the step's input for one image."""
    return steps[step.takes[0]].shape if step.takes else (SIDE, SIDE)
