"""Translate ONNX operators with weights, and pooling, to Keras layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.conventions.translation.tensors import (
    LayoutTensor,
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


def _dense(x: LayoutTensor, kernel: NDArray[Any], bias: NDArray[Any] | None, names: Names) -> LayoutTensor:
    if x.last:
        x = plain(x, names)
    if kernel.ndim != 2 or kernel.shape[0] != x.shape[-1]:
        refuse(f"multiplies {x.shape} with {kernel.shape}; expected a matrix with as many rows")
    layer = names.made("Dense", kernel.shape[1], use_bias=bias is not None)
    weights = [in_order(kernel, x), *([] if bias is None else [bias.reshape(-1)])]
    return LayoutTensor(with_weights(layer, x.tensor, *weights))


def matmul(node: Operator, names: Names) -> LayoutTensor:
    """Translate MatMul: a product with a matrix."""
    kernel = node.constant(1)
    return _dense(node.first_input, np.asarray(kernel), node.constant(2), names)


def gemm(node: Operator, names: Names) -> LayoutTensor:
    """Translate Gemm: a product with a matrix, and a bias."""
    kernel, bias = np.asarray(node.constant(1)), node.constant(2)
    if node.settings.get("transA", 0):
        refuse("transposes the images of a batch")
    kernel = (kernel.T if node.settings.get("transB", 0) else kernel) * node.settings.get("alpha", 1.0)
    if bias is not None:
        bias = np.broadcast_to(bias * node.settings.get("beta", 1.0), (1, kernel.shape[1])).reshape(-1)
    return _dense(node.first_input, kernel, bias, names)


def chosen(node: Operator, names: Names) -> LayoutTensor:
    """Translate Gather: select some of the values, such as ten of eleven classes."""
    indices = np.asarray(node.constant(1))
    x = plain(node.first_input, names)
    if node.settings.get("axis", 0) != 1 or len(x.shape) != 1 or indices.ndim != 1:
        refuse("picks single images or numbers, which is not translated")
    kernel = np.zeros((x.shape[0], len(indices)))
    kernel[indices, np.arange(len(indices))] = 1
    return _dense(x, kernel, None, names)


def convolution(node: Operator, names: Names) -> LayoutTensor:
    """Translate Conv with one group, or one group per channel."""
    x, kernel, bias = as_maps(node.first_input, names), np.asarray(node.constant(1)), node.constant(2)
    groups, channels = node.settings.get("group", 1), x.shape[0]
    if kernel.ndim != 4 or (groups != 1 and (groups != channels or kernel.shape[1] != 1)):
        refuse(f"convolves in {groups} groups by {kernel.shape}; expected one group, or one for each channel")
    dilations = tuple(node.settings.get("dilations", (1, 1)))
    strides = tuple(node.settings.get("strides", (1, 1)))
    x, padding = _padded(x, node.settings, (kernel.shape[2:], strides, dilations), names, zeros=True)
    more = {"strides": strides, "padding": padding, "dilation_rate": dilations, "use_bias": bias is not None}
    if groups == 1:
        layer = names.made("Conv2D", kernel.shape[0], kernel.shape[2:], **more)
        kernel = kernel.transpose(2, 3, 1, 0)
    else:
        times = kernel.shape[0] // channels
        layer = names.made("DepthwiseConv2D", kernel.shape[2:], depth_multiplier=times, **more)
        kernel = kernel.reshape(channels, times, *kernel.shape[2:]).transpose(2, 3, 0, 1)
    weights = [kernel, *([] if bias is None else [bias.reshape(-1)])]
    return LayoutTensor(with_weights(layer, x.tensor, *weights), last=True)


_Window = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # its size, strides and dilations


def _padded(
    x: LayoutTensor, settings: dict[str, Any], window: _Window, names: Names, *, zeros: bool
) -> tuple[LayoutTensor, str]:  # fmt: skip
    """Return the maps, and the padding as Keras names it, "valid" or "same".

    zeros: whether other padding than "same" may be added as zeros around the maps
    """
    auto_pad = settings.get("auto_pad", b"NOTSET")
    pads = list(settings.get("pads", (0, 0, 0, 0)))
    if auto_pad == b"SAME_UPPER":
        return x, "same"
    if auto_pad not in (b"NOTSET", b"VALID", b""):
        refuse(f"pads as {str(auto_pad, 'ascii', 'replace')[:20]}, which Keras does not")
    if auto_pad == b"VALID" or not any(pads):
        return x, "valid"
    if pads == _same(x.shape[1:], window):
        return x, "same"
    if not zeros:
        refuse(f"pools with {pads} around the maps, which Keras does not")
    edges = ((pads[0], pads[2]), (pads[1], pads[3]))
    return LayoutTensor(names.call("ZeroPadding2D", x.tensor, edges), last=True), "valid"


def _same(sizes: tuple[int, ...], window: _Window) -> list[int]:
    """Return the padding that Keras' "same" adds before and after: [top, left, bottom, right]."""
    total = [
        max((math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        for size, kernel, stride, dilation in zip(sizes, *window, strict=True)
    ]
    return [each // 2 for each in total] + [each - each // 2 for each in total]


def zero_padding(node: Operator, names: Names) -> LayoutTensor:
    """Translate Pad with zeros around rows and columns."""
    amounts = node.settings.get("pads", node.constant(1))
    value = node.settings.get("value", node.constant(2))
    before, behind = np.asarray(amounts).reshape(2, -1)
    if node.settings.get("mode", b"constant") != b"constant" or np.any(value if value is not None else 0):
        refuse("pads with other numbers than 0")
    x = as_maps(node.first_input, names)
    if len(before) != 4 or before[:2].any() or behind[:2].any() or min(*before, *behind) < 0:
        refuse("pads other axes than rows and columns")
    edges = tuple((int(before[axis]), int(behind[axis])) for axis in (2, 3))
    return LayoutTensor(names.call("ZeroPadding2D", x.tensor, edges), last=True)


def pool(node: Operator, names: Names) -> LayoutTensor:
    """Translate MaxPool and AveragePool."""
    x, kernel = as_maps(node.first_input, names), tuple(node.settings["kernel_shape"])
    strides = tuple(node.settings.get("strides", (1, 1)))
    rest = [(size - side) % step for size, side, step in zip(x.shape[1:], kernel, strides, strict=True)]
    if node.settings.get("ceil_mode", 0) and any(rest):
        refuse("pools beyond the edge (ceil_mode)")
    if any(each != 1 for each in node.settings.get("dilations", ())):
        refuse("pools with gaps (dilations)")
    x, padding = _padded(x, node.settings, (kernel, strides, (1, 1)), names, zeros=False)
    average = node.kind == "AveragePool"
    if average and padding == "same" and node.settings.get("count_include_pad", 0):
        refuse("counts the padding in the mean")
    kind = "AveragePooling2D" if average else "MaxPooling2D"
    return LayoutTensor(names.call(kind, x.tensor, kernel, strides=strides, padding=padding), last=True)


def global_pool(node: Operator, names: Names) -> LayoutTensor:
    """Translate GlobalMaxPool and GlobalAveragePool: the maximum or mean of each map."""
    kind = "GlobalAveragePooling2D" if node.kind == "GlobalAveragePool" else "GlobalMaxPooling2D"
    return LayoutTensor(names.call(kind, as_maps(node.first_input, names).tensor, keepdims=True), last=True)


def over_maps(node: Operator, names: Names) -> LayoutTensor:
    """Translate ReduceMean and ReduceMax over rows and columns."""
    axes = node.settings.get("axes", node.constant(1))
    x, keepdims = node.first_input, bool(node.settings.get("keepdims", 1))
    positions = (
        sorted(int(axis) % (len(x.shape) + 1) for axis in np.asarray(axes).reshape(-1)) if axes is not None else []
    )
    if len(x.shape) != 3 or positions != ([2, 3] if x.last else [1, 2]):
        if x.last or len(x.shape) != 3 or positions != [2, 3]:
            refuse("takes the mean or maximum of other axes than rows and columns")
        x = as_maps(x, names)
    kind = "GlobalAveragePooling2D" if node.kind == "ReduceMean" else "GlobalMaxPooling2D"
    pooled = names.call(kind, x.tensor, keepdims=keepdims)
    return LayoutTensor(pooled, last=x.last and keepdims)


def batch_normalization(node: Operator, names: Names) -> LayoutTensor:
    """Translate BatchNormalization with stored means and variances."""
    x = node.first_input if len(node.first_input.shape) == 1 else as_maps(node.first_input, names)
    gamma, beta, mean, variance = (in_order(np.asarray(node.constant(index)), x) for index in (1, 2, 3, 4))
    layer = names.made("BatchNormalization", epsilon=float(node.settings.get("epsilon", 1e-5)))
    return like(x, with_weights(layer, x.tensor, gamma, beta, mean, variance))
