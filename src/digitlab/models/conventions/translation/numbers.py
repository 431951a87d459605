"""Translate ONNX operators that change shapes or single values to Keras layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.conventions.translation.tensors import (
    Held,
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


def flatten(node: Operator, names: Names) -> Held:
    """Translate Flatten over all axes of an image."""
    if node.settings.get("axis", 1) not in (1, -len(node.given.shape)):
        refuse("flattens other axes than those of an image")
    return flattened(node.given, names)


def reshape(node: Operator, names: Names) -> Held:
    """Translate Reshape, applied to each image."""
    target = [int(each) for each in np.asarray(node.constant(1)).reshape(-1)]
    sizes = [held if each == 0 else each for each, held in zip(target[1:], [*node.given.shape, *[0] * 8], strict=False)]
    return _shaped(node.given, sizes, names)


def _shaped(held: Held, sizes: list[int], names: Names) -> Held:
    total = math.prod(held.shape)
    if sizes.count(-1) == 1:
        sizes = [total // max(-math.prod(sizes), 1) if each == -1 else each for each in sizes]
    if math.prod(sizes) != total or not sizes or min(sizes) < 1:
        refuse(f"gives {held.shape} the shape {tuple(sizes)}, which mixes images of a batch")
    if len(sizes) == 1:
        return flattened(held, names)
    held = plain(held, names)
    return held if held.shape == tuple(sizes) else Held(names.call("Reshape", held.tensor, tuple(sizes)))


def squeeze(node: Operator, names: Names) -> Held:
    """Translate Squeeze: remove axes of size 1."""
    axes = node.settings.get("axes", node.constant(1))
    shape = [0, *node.given.shape]
    if axes is None:
        places = {place for place, size in enumerate(shape) if size == 1}
    else:
        places = {int(axis) % len(shape) for axis in np.asarray(axes).reshape(-1)}
    return _shaped(node.given, [size for place, size in enumerate(shape) if place and place not in places], names)


def unsqueeze(node: Operator, names: Names) -> Held:
    """Translate Unsqueeze: insert axes of size 1."""
    axes = np.asarray(node.settings.get("axes", node.constant(1))).reshape(-1)
    shape = [0, *node.given.shape]
    for axis in sorted(int(each) % (len(shape) + len(axes)) for each in axes):
        shape.insert(axis, 1)
    if shape[0] != 0:
        refuse("puts an axis before the images of a batch")
    return _shaped(node.given, shape[1:], names)


def transpose(node: Operator, names: Names) -> Held:
    """Translate Transpose of an image's axes; a change to or from channels last needs no layer."""
    held = node.given
    order = list(node.settings.get("perm", range(len(held.shape), -1, -1)))
    if order[0] != 0:
        refuse("exchanges the images of a batch with something else")
    if held.last and order == [0, 2, 3, 1]:
        return Held(held.tensor)
    held = plain(held, names)
    if order == [0, 3, 1, 2]:
        return Held(held.tensor, last=True)
    return Held(names.call("Permute", held.tensor, tuple(order[1:])))


def concatenated(node: Operator, names: Names) -> Held:
    """Translate Concat of maps or vectors."""
    parts = node.takes
    if not all(isinstance(each, Held) for each in parts):
        refuse("joins maps and constants")
    axis = node.settings["axis"] % (len(parts[0].shape) + 1)
    if all(each.last for each in parts):
        axis = {1: 3, 2: 1, 3: 2}[axis]
    else:
        parts = [plain(each, names) for each in parts]
    made = names.call("Concatenate", [each.tensor for each in parts], axis=axis)
    return Held(made, last=parts[0].last)


def arithmetic(node: Operator, names: Names) -> Held:
    """Translate Add, Sub, Mul, Div of a tensor and a constant, or an operation on two or more tensors."""
    left, right = node.takes[:2]
    if len(node.takes) > 2 or (isinstance(left, Held) and isinstance(right, Held)):
        return _merged(node, names)
    held, number = (left, right) if isinstance(left, Held) else (right, left)
    number = np.asarray(number, np.float64)
    times, plus = np.ones_like(number), np.zeros_like(number)
    if node.kind == "Mul":
        times = number
    elif node.kind == "Div" and held is left:
        times = 1 / number
    elif node.kind == "Add":
        plus = number
    elif node.kind == "Sub":
        times, plus = (times, -number) if held is left else (-times, number)
    else:
        refuse("divides a constant by what it computes")
    return _scaled(held, times, plus, names)


def _scaled(held: Held, times: NDArray[Any], plus: NDArray[Any], names: Names) -> Held:
    """Multiply by one constant and add another, or one pair for each channel."""
    if len(np.unique(times)) == 1 and len(np.unique(plus)) == 1:
        return like(held, names.call("Rescaling", held.tensor, float(times.flat[0]), float(plus.flat[0])))
    units = held.shape[0] if held.last else held.shape[-1]
    wanted = (units, 1, 1) if held.last else (units,)
    if times.size != units or times.shape[times.ndim - len(wanted) :] != wanted:
        refuse(f"adds or multiplies constants {times.shape} to {held.shape}; expected one number, or one a channel")
    times, plus = (in_order(each.reshape(-1), held) for each in (times, plus))
    layer = names.made("BatchNormalization", epsilon=1e-6)
    still = np.zeros(units)
    return like(held, with_weights(layer, held.tensor, times * np.sqrt(1 + 1e-6), plus, still, still + 1))


def _merged(node: Operator, names: Names) -> Held:
    kinds = {"Add": "Add", "Sum": "Add", "Sub": "Subtract", "Mul": "Multiply", "Max": "Maximum", "Min": "Minimum"}
    if node.kind not in kinds or not all(isinstance(each, Held) for each in node.takes):
        refuse(f"uses {node.kind[:40]} of tensors in a way that is not translated")
    parts: list[Held] = node.takes
    if len({(each.last, each.maps) for each in parts}) > 1:
        parts = [plain(each, names) for each in parts]
    return like(parts[0], names.call(kinds[node.kind], [each.tensor for each in parts]))


def negative(node: Operator, names: Names) -> Held:
    """Translate Neg."""
    return like(node.given, names.call("Rescaling", node.given.tensor, -1.0))


def same_numbers(node: Operator, names: Names) -> Held:  # noqa: ARG001 - as all others
    """Translate operators that change no values."""
    if node.kind == "Cast" and node.settings.get("to") not in _FLOATS:
        refuse("makes whole numbers of what it computes")
    return node.given


ACTIVATIONS = {
    "Exp": "exponential", "Gelu": "gelu", "HardSwish": "hard_swish", "Mish": "mish", "Relu": "relu", "Selu": "selu",
    "Sigmoid": "sigmoid", "Softplus": "softplus", "Softsign": "softsign", "Tanh": "tanh",
}  # fmt: skip


def unrounded(node: Operator, names: Names) -> Held:
    """Translate QuantizeLinear without its rounding; if it cannot represent values below 0, it becomes a ReLU."""
    zero = node.constant(2)
    zero = np.zeros((), np.uint8) if zero is None else np.asarray(zero)
    if zero.size == 1 and int(zero.flat[0]) == np.iinfo(zero.dtype).min:
        return like(node.given, names.call("Activation", node.given.tensor, "relu"))
    return node.given


def activation(node: Operator, names: Names) -> Held:
    """Translate one of ACTIVATIONS."""
    if node.settings.get("approximate", b"none") != b"none":
        refuse("uses an approximate Gelu")
    return like(node.given, names.call("Activation", node.given.tensor, ACTIVATIONS[node.kind]))


def leaky(node: Operator, names: Names) -> Held:
    """Translate LeakyRelu and Elu."""
    kind, usual = ("LeakyReLU", 0.01) if node.kind == "LeakyRelu" else ("ELU", 1.0)
    return like(node.given, names.call(kind, node.given.tensor, float(node.settings.get("alpha", usual))))


def clip(node: Operator, names: Names) -> Held:
    """Translate Clip with the lower bound 0."""
    bounds = [node.settings.get(name, node.constant(place)) for name, place in (("min", 1), ("max", 2))]
    low, high = (None if each is None else float(np.asarray(each).reshape(-1)[0]) for each in bounds)
    if low != 0:
        refuse(f"cuts numbers off below {low}; expected 0")
    return like(node.given, names.call("ReLU", node.given.tensor, max_value=high))


def slopes(node: Operator, names: Names) -> Held:
    """Translate PRelu."""
    held, slope = node.given, np.asarray(node.constant(1))
    if slope.size == 1:
        return like(held, names.call("LeakyReLU", held.tensor, float(slope.flat[0])))
    held = held if len(held.shape) == 1 else as_maps(held, names)
    axes = [1, 2] if held.last else None
    layer = names.made("PReLU", shared_axes=axes)
    made = layer(held.tensor)
    numbers = in_order(slope.reshape(-1), held)
    layer.set_weights([numbers.astype(np.float32).reshape(layer.weights[0].shape)])
    return like(held, made)


def softmax(node: Operator, names: Names) -> Held:
    """Translate Softmax and LogSoftmax over the classes."""
    held = node.given
    axis = node.settings.get("axis", -1 if node.opset >= 13 else 1) % (len(held.shape) + 1)
    if axis != (1 if held.last else len(held.shape)):
        held = plain(held, names)
    if axis != (1 if held.last else len(held.shape)):
        refuse("takes a softmax over other axes than the classes")
    if node.kind == "Softmax":
        return like(held, names.call("Softmax", held.tensor))
    return like(held, names.call("Activation", held.tensor, "log_softmax"))
