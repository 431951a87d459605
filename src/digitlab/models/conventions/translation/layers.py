"""Translate ONNX operators with weights, and pooling, to Keras layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.conventions.translation.tensors import (
    Held,
    Names,
    Operator,
    as_maps,
    in_order,
    like,
    plain,
    refuse,
    with_weights,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _dense(held: Held, kernel: NDArray[Any], bias: NDArray[Any] | None, names: Names) -> Held:
    if held.last:
        held = plain(held, names)
    if kernel.ndim != 2 or kernel.shape[0] != held.shape[-1]:
        refuse(f"multiplies {held.shape} with {kernel.shape}; expected a matrix with as many rows")
    layer = names.made("Dense", kernel.shape[1], use_bias=bias is not None)
    weights = [in_order(kernel, held), *([] if bias is None else [bias.reshape(-1)])]
    return Held(with_weights(layer, held.tensor, *weights))


def matmul(node: Operator, names: Names) -> Held:
    """Translate MatMul: a product with a matrix."""
    kernel = node.constant(1)
    return _dense(node.given, np.asarray(kernel), node.constant(2), names)


def gemm(node: Operator, names: Names) -> Held:
    """Translate Gemm: a product with a matrix, and a bias."""
    kernel, bias = np.asarray(node.constant(1)), node.constant(2)
    if node.settings.get("transA", 0):
        refuse("transposes the images of a batch")
    kernel = (kernel.T if node.settings.get("transB", 0) else kernel) * node.settings.get("alpha", 1.0)
    if bias is not None:
        bias = np.broadcast_to(bias * node.settings.get("beta", 1.0), (1, kernel.shape[1])).reshape(-1)
    return _dense(node.given, kernel, bias, names)


def chosen(node: Operator, names: Names) -> Held:
    """Translate Gather: select some of the values, such as ten of eleven classes."""
    places = np.asarray(node.constant(1))
    held = plain(node.given, names)
    if node.settings.get("axis", 0) != 1 or len(held.shape) != 1 or places.ndim != 1:
        refuse("picks single images or numbers, which is not translated")
    kernel = np.zeros((held.shape[0], len(places)))
    kernel[places, np.arange(len(places))] = 1
    return _dense(held, kernel, None, names)


def convolution(node: Operator, names: Names) -> Held:
    """Translate Conv with one group, or one group per channel."""
    held, kernel, bias = as_maps(node.given, names), np.asarray(node.constant(1)), node.constant(2)
    groups, channels = node.settings.get("group", 1), held.shape[0]
    if kernel.ndim != 4 or (groups != 1 and (groups != channels or kernel.shape[1] != 1)):
        refuse(f"convolves in {groups} groups by {kernel.shape}; expected one group, or one for each channel")
    dilations = tuple(node.settings.get("dilations", (1, 1)))
    strides = tuple(node.settings.get("strides", (1, 1)))
    held, padding = _padded(held, node.settings, (kernel.shape[2:], strides, dilations), names, zeros=True)
    more = {"strides": strides, "padding": padding, "dilation_rate": dilations, "use_bias": bias is not None}
    if groups == 1:
        layer = names.made("Conv2D", kernel.shape[0], kernel.shape[2:], **more)
        kernel = kernel.transpose(2, 3, 1, 0)
    else:
        times = kernel.shape[0] // channels
        layer = names.made("DepthwiseConv2D", kernel.shape[2:], depth_multiplier=times, **more)
        kernel = kernel.reshape(channels, times, *kernel.shape[2:]).transpose(2, 3, 0, 1)
    weights = [kernel, *([] if bias is None else [bias.reshape(-1)])]
    return Held(with_weights(layer, held.tensor, *weights), last=True)


_Window = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # its size, strides and dilations


def _padded(
    held: Held, settings: dict[str, Any], window: _Window, names: Names, *, zeros: bool
) -> tuple[Held, str]:  # fmt: skip
    """Return the maps, and the padding as Keras names it, "valid" or "same".

    zeros: whether other padding than "same" may be added as zeros around the maps
    """
    asked = settings.get("auto_pad", b"NOTSET")
    pads = list(settings.get("pads", (0, 0, 0, 0)))
    if asked == b"SAME_UPPER":
        return held, "same"
    if asked not in (b"NOTSET", b"VALID", b""):
        refuse(f"pads as {str(asked, 'ascii', 'replace')[:20]}, which Keras does not")
    if asked == b"VALID" or not any(pads):
        return held, "valid"
    if pads == _same(held.shape[1:], window):
        return held, "same"
    if not zeros:
        refuse(f"pools with {pads} around the maps, which Keras does not")
    edges = ((pads[0], pads[2]), (pads[1], pads[3]))
    return Held(names.call("ZeroPadding2D", held.tensor, edges), last=True), "valid"


def _same(sizes: tuple[int, ...], window: _Window) -> list[int]:
    """Return the padding that Keras' "same" adds before and after: [top, left, bottom, right]."""
    total = [
        max((math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        for size, kernel, stride, dilation in zip(sizes, *window, strict=True)
    ]
    return [each // 2 for each in total] + [each - each // 2 for each in total]


def zero_padding(node: Operator, names: Names) -> Held:
    """Translate Pad with zeros around rows and columns."""
    amounts = node.settings.get("pads", node.constant(1))
    value = node.settings.get("value", node.constant(2))
    before, behind = np.asarray(amounts).reshape(2, -1)
    if node.settings.get("mode", b"constant") != b"constant" or np.any(value if value is not None else 0):
        refuse("pads with other numbers than 0")
    held = as_maps(node.given, names)
    if len(before) != 4 or before[:2].any() or behind[:2].any() or min(*before, *behind) < 0:
        refuse("pads other axes than rows and columns")
    edges = tuple((int(before[axis]), int(behind[axis])) for axis in (2, 3))
    return Held(names.call("ZeroPadding2D", held.tensor, edges), last=True)


def pool(node: Operator, names: Names) -> Held:
    """Translate MaxPool and AveragePool."""
    held, kernel = as_maps(node.given, names), tuple(node.settings["kernel_shape"])
    strides = tuple(node.settings.get("strides", (1, 1)))
    rest = [(size - side) % step for size, side, step in zip(held.shape[1:], kernel, strides, strict=True)]
    if node.settings.get("ceil_mode", 0) and any(rest):
        refuse("pools beyond the edge (ceil_mode)")
    if any(each != 1 for each in node.settings.get("dilations", ())):
        refuse("pools with gaps (dilations)")
    held, padding = _padded(held, node.settings, (kernel, strides, (1, 1)), names, zeros=False)
    average = node.kind == "AveragePool"
    if average and padding == "same" and node.settings.get("count_include_pad", 0):
        refuse("counts the padding in the mean")
    kind = "AveragePooling2D" if average else "MaxPooling2D"
    return Held(names.call(kind, held.tensor, kernel, strides=strides, padding=padding), last=True)


def global_pool(node: Operator, names: Names) -> Held:
    """Translate GlobalMaxPool and GlobalAveragePool: the maximum or mean of each map."""
    kind = "GlobalAveragePooling2D" if node.kind == "GlobalAveragePool" else "GlobalMaxPooling2D"
    return Held(names.call(kind, as_maps(node.given, names).tensor, keepdims=True), last=True)


def over_maps(node: Operator, names: Names) -> Held:
    """Translate ReduceMean and ReduceMax over rows and columns."""
    axes = node.settings.get("axes", node.constant(1))
    held, kept = node.given, bool(node.settings.get("keepdims", 1))
    places = (
        sorted(int(axis) % (len(held.shape) + 1) for axis in np.asarray(axes).reshape(-1)) if axes is not None else []
    )
    if len(held.shape) != 3 or places != ([2, 3] if held.last else [1, 2]):
        if held.last or len(held.shape) != 3 or places != [2, 3]:
            refuse("takes the mean or maximum of other axes than rows and columns")
        held = as_maps(held, names)
    kind = "GlobalAveragePooling2D" if node.kind == "ReduceMean" else "GlobalMaxPooling2D"
    made = names.call(kind, held.tensor, keepdims=kept)
    return Held(made, last=held.last and kept)


def batch_normalization(node: Operator, names: Names) -> Held:
    """Translate BatchNormalization with stored means and variances."""
    held = node.given if len(node.given.shape) == 1 else as_maps(node.given, names)
    gamma, beta, mean, variance = (in_order(np.asarray(node.constant(place)), held) for place in (1, 2, 3, 4))
    layer = names.made("BatchNormalization", epsilon=float(node.settings.get("epsilon", 1e-5)))
    return like(held, with_weights(layer, held.tensor, gamma, beta, mean, variance))
