"""Translate ONNX operators that change shapes or single values to Keras layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.conventions.translation.tensors import (
    LayoutTensor,
    Names,
    Operator,
    as_maps,
    flattened,
    in_order,
    like,
    plain,
    refuse,
    with_weights,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLOATS = (1, 10, 11)  # ONNX's type codes of float32, float16, float64


def flatten(node: Operator, names: Names) -> LayoutTensor:
    """Translate Flatten over all axes of an image."""
    if node.settings.get("axis", 1) not in (1, -len(node.first_input.shape)):
        refuse("flattens other axes than those of an image")
    return flattened(node.first_input, names)


def reshape(node: Operator, names: Names) -> LayoutTensor:
    """Translate Reshape, applied to each image."""
    target = [int(each) for each in np.asarray(node.constant(1)).reshape(-1)]
    sizes = [
        size if each == 0 else each for each, size in zip(target[1:], [*node.first_input.shape, *[0] * 8], strict=False)
    ]
    return _shaped(node.first_input, sizes, names)


def _shaped(x: LayoutTensor, sizes: list[int], names: Names) -> LayoutTensor:
    total = math.prod(x.shape)
    if sizes.count(-1) == 1:
        sizes = [total // max(-math.prod(sizes), 1) if each == -1 else each for each in sizes]
    if math.prod(sizes) != total or not sizes or min(sizes) < 1:
        refuse(f"gives {x.shape} the shape {tuple(sizes)}, which mixes images of a batch")
    if len(sizes) == 1:
        return flattened(x, names)
    x = plain(x, names)
    return x if x.shape == tuple(sizes) else LayoutTensor(names.call("Reshape", x.tensor, tuple(sizes)))


def squeeze(node: Operator, names: Names) -> LayoutTensor:
    """Translate Squeeze: remove axes of size 1."""
    axes = node.settings.get("axes", node.constant(1))
    shape = [0, *node.first_input.shape]
    if axes is None:
        removed = {position for position, size in enumerate(shape) if size == 1}
    else:
        removed = {int(axis) % len(shape) for axis in np.asarray(axes).reshape(-1)}
    return _shaped(
        node.first_input, [size for position, size in enumerate(shape) if position and position not in removed], names
    )


def unsqueeze(node: Operator, names: Names) -> LayoutTensor:
    """Translate Unsqueeze: insert axes of size 1."""
    axes = np.asarray(node.settings.get("axes", node.constant(1))).reshape(-1)
    shape = [0, *node.first_input.shape]
    for axis in sorted(int(each) % (len(shape) + len(axes)) for each in axes):
        shape.insert(axis, 1)
    if shape[0] != 0:
        refuse("puts an axis before the images of a batch")
    return _shaped(node.first_input, shape[1:], names)


def transpose(node: Operator, names: Names) -> LayoutTensor:
    """Translate Transpose of an image's axes; a change to or from channels last needs no layer."""
    x = node.first_input
    order = list(node.settings.get("perm", range(len(x.shape), -1, -1)))
    if order[0] != 0:
        refuse("exchanges the images of a batch with something else")
    if x.last and order == [0, 2, 3, 1]:
        return LayoutTensor(x.tensor)
    x = plain(x, names)
    if order == [0, 3, 1, 2]:
        return LayoutTensor(x.tensor, last=True)
    return LayoutTensor(names.call("Permute", x.tensor, tuple(order[1:])))


def concatenated(node: Operator, names: Names) -> LayoutTensor:
    """Translate Concat of maps or vectors."""
    parts = node.inputs
    if not all(isinstance(each, LayoutTensor) for each in parts):
        refuse("joins maps and constants")
    axis = node.settings["axis"] % (len(parts[0].shape) + 1)
    if all(each.last for each in parts):
        axis = {1: 3, 2: 1, 3: 2}[axis]
    else:
        parts = [plain(each, names) for each in parts]
    joined = names.call("Concatenate", [each.tensor for each in parts], axis=axis)
    return LayoutTensor(joined, last=parts[0].last)


def arithmetic(node: Operator, names: Names) -> LayoutTensor:
    """Translate Add, Sub, Mul, Div of a tensor and a constant, or an operation on two or more tensors."""
    left, right = node.inputs[:2]
    if len(node.inputs) > 2 or (isinstance(left, LayoutTensor) and isinstance(right, LayoutTensor)):
        return _merged(node, names)
    x, number = (left, right) if isinstance(left, LayoutTensor) else (right, left)
    number = np.asarray(number, np.float64)
    times, plus = np.ones_like(number), np.zeros_like(number)
    if node.kind == "Mul":
        times = number
    elif node.kind == "Div" and x is left:
        times = 1 / number
    elif node.kind == "Add":
        plus = number
    elif node.kind == "Sub":
        times, plus = (times, -number) if x is left else (-times, number)
    else:
        refuse("divides a constant by what it computes")
    return _scaled(x, times, plus, names)


def _scaled(x: LayoutTensor, times: NDArray[Any], plus: NDArray[Any], names: Names) -> LayoutTensor:
    """Multiply by one constant and add another, or one pair for each channel."""
    if len(np.unique(times)) == 1 and len(np.unique(plus)) == 1:
        return like(x, names.call("Rescaling", x.tensor, float(times.flat[0]), float(plus.flat[0])))
    units = x.shape[0] if x.last else x.shape[-1]
    expected = (units, 1, 1) if x.last else (units,)
    if times.size != units or times.shape[times.ndim - len(expected) :] != expected:
        refuse(f"adds or multiplies constants {times.shape} to {x.shape}; expected one number, or one a channel")
    times, plus = (in_order(each.reshape(-1), x) for each in (times, plus))
    layer = names.made("BatchNormalization", epsilon=1e-6)
    still = np.zeros(units)
    return like(x, with_weights(layer, x.tensor, times * np.sqrt(1 + 1e-6), plus, still, still + 1))


def _merged(node: Operator, names: Names) -> LayoutTensor:
    kinds = {"Add": "Add", "Sum": "Add", "Sub": "Subtract", "Mul": "Multiply", "Max": "Maximum", "Min": "Minimum"}
    if node.kind not in kinds or not all(isinstance(each, LayoutTensor) for each in node.inputs):
        refuse(f"uses {node.kind[:40]} of tensors in a way that is not translated")
    parts: list[LayoutTensor] = node.inputs
    if len({(each.last, each.maps) for each in parts}) > 1:
        parts = [plain(each, names) for each in parts]
    return like(parts[0], names.call(kinds[node.kind], [each.tensor for each in parts]))


def negative(node: Operator, names: Names) -> LayoutTensor:
    """Translate Neg."""
    return like(node.first_input, names.call("Rescaling", node.first_input.tensor, -1.0))


def same_numbers(node: Operator, names: Names) -> LayoutTensor:  # noqa: ARG001 - as all others
    """Translate operators that change no values."""
    if node.kind == "Cast" and node.settings.get("to") not in _FLOATS:
        refuse("converts what it computes to whole numbers")
    return node.first_input


ACTIVATIONS = {
    "Exp": "exponential", "Gelu": "gelu", "HardSwish": "hard_swish", "Mish": "mish", "Relu": "relu", "Selu": "selu",
    "Sigmoid": "sigmoid", "Softplus": "softplus", "Softsign": "softsign", "Tanh": "tanh",
}  # fmt: skip


def unrounded(node: Operator, names: Names) -> LayoutTensor:
    """Translate QuantizeLinear without its rounding; if it cannot represent values below 0, it becomes a ReLU."""
    zero = node.constant(2)
    zero = np.zeros((), np.uint8) if zero is None else np.asarray(zero)
    if zero.size == 1 and int(zero.flat[0]) == np.iinfo(zero.dtype).min:
        return like(node.first_input, names.call("Activation", node.first_input.tensor, "relu"))
    return node.first_input


def activation(node: Operator, names: Names) -> LayoutTensor:
    """Translate one of ACTIVATIONS."""
    if node.settings.get("approximate", b"none") != b"none":
        refuse("uses an approximate Gelu")
    return like(node.first_input, names.call("Activation", node.first_input.tensor, ACTIVATIONS[node.kind]))


def leaky(node: Operator, names: Names) -> LayoutTensor:
    """Translate LeakyRelu and Elu."""
    kind, usual = ("LeakyReLU", 0.01) if node.kind == "LeakyRelu" else ("ELU", 1.0)
    return like(node.first_input, names.call(kind, node.first_input.tensor, float(node.settings.get("alpha", usual))))


def clip(node: Operator, names: Names) -> LayoutTensor:
    """Translate Clip with the lower bound 0."""
    bounds = [node.settings.get(name, node.constant(index)) for name, index in (("min", 1), ("max", 2))]
    low, high = (None if each is None else float(np.asarray(each).reshape(-1)[0]) for each in bounds)
    if low != 0:
        refuse(f"clips numbers at {low}; expected 0")
    return like(node.first_input, names.call("ReLU", node.first_input.tensor, max_value=high))


def prelu(node: Operator, names: Names) -> LayoutTensor:
    """Translate PRelu."""
    x, alpha = node.first_input, np.asarray(node.constant(1))  # Keras' name of the second input
    if alpha.size == 1:
        return like(x, names.call("LeakyReLU", x.tensor, float(alpha.flat[0])))
    x = x if len(x.shape) == 1 else as_maps(x, names)
    axes = [1, 2] if x.last else None
    layer = names.made("PReLU", shared_axes=axes)
    result = layer(x.tensor)
    numbers = in_order(alpha.reshape(-1), x)
    layer.set_weights([numbers.astype(np.float32).reshape(layer.weights[0].shape)])
    return like(x, result)


def softmax(node: Operator, names: Names) -> LayoutTensor:
    """Translate Softmax and LogSoftmax over the classes."""
    x = node.first_input
    axis = node.settings.get("axis", -1 if node.opset >= 13 else 1) % (len(x.shape) + 1)
    if axis != (1 if x.last else len(x.shape)):
        x = plain(x, names)
    if axis != (1 if x.last else len(x.shape)):
        refuse("takes a softmax over other axes than the classes")
    if node.kind == "Softmax":
        return like(x, names.call("Softmax", x.tensor))
    return like(x, names.call("Activation", x.tensor, "log_softmax"))
