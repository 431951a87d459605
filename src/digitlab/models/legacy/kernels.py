"""Convert weights of old files to the layout of Keras 3 on TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.safety.plain import refuse, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["CONVOLUTIONS", "Layout", "adapt_arrays", "fill"]

CONVOLUTIONS = ("Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D")

Arrays = list["NDArray[Any]"]


@dataclass(slots=True)
class Layout:
    """The layout of one file's arrays, and what was changed.

    turned: whether the kernels are from Theano, which rotates them by 180°
    outputs_first: whether kernels are (out, in, rows, columns), as Keras 1 stored them with channels_first
    turned_layers, reordered_layers: names of the layers that were changed
    """

    turned: bool
    outputs_first: bool
    turned_layers: list[str] = field(default_factory=list)
    reordered_layers: list[str] = field(default_factory=list)


def adapt_arrays(
    kind: str, name: str, arrays: Arrays, layout: Layout, order: tuple[int, ...] | None = None, *, first: bool = False
) -> Arrays:
    """Rotate and reorder the arrays of one layer.

    Args:
        kind: the layer's class in Keras 3.
        name: the layer's name, recorded in ``layout`` for every change.
        arrays: as stored in the file.
        layout: the layout of the file's arrays; changes are recorded in it.
        order: (channels, rows, columns) if the layer's input was flattened in that order; it is now flattened as
            (rows, columns, channels).
        first: whether the file's images are channels_first.
    """
    adapted = list(arrays)
    if kind in CONVOLUTIONS and adapted:
        adapted[0] = _kernel(adapted[0], layout, name, reorder=layout.outputs_first)
    elif kind in ("Dense", "BatchNormalization") and order is not None:
        layout.reordered_layers.append(name)
        adapted = [_flat_rows(array, order) if len(array) == np.prod(order) else array for array in adapted]
    elif kind == "PReLU" and first and adapted and adapted[0].ndim == 3:
        adapted[0] = adapted[0].transpose(1, 2, 0)
    return adapted


def _kernel(kernel: NDArray[Any], layout: Layout, name: str, *, reorder: bool) -> NDArray[Any]:
    if kernel.ndim != 4:
        refuse(f"the kernel of {shown(name)} has the shape {kernel.shape}; expected four sizes")
    if reorder:  # (out, in, rows, columns) → (rows, columns, in, out)
        layout.reordered_layers.append(name)
        kernel = kernel.transpose(2, 3, 1, 0)
    if layout.turned:
        layout.turned_layers.append(name)
        kernel = kernel[::-1, ::-1]
    return kernel


def _flat_rows(array: NDArray[Any], order: tuple[int, ...]) -> NDArray[Any]:
    """Reorder (C·H·W, …) from channels first to rows, columns, channels."""
    rest = array.shape[1:]
    return np.moveaxis(array.reshape(*order, *rest), 0, 2).reshape(-1, *rest)


def fill(layer: Any, arrays: Sequence[NDArray[Any]]) -> None:
    """Set the weights of a built Keras layer to ``arrays``.

    Raises:
        ModelError: when their number or a shape differs.
    """
    weights = layer.weights
    expected = [tuple(weight.shape) for weight in weights]
    received = [array.shape for array in arrays]
    if expected != received:
        refuse(f"layer {shown(layer.name)} has arrays of the shapes {received}; expected {expected}")
    for weight, array in zip(weights, arrays, strict=True):
        weight.assign(np.ascontiguousarray(array, np.float32))
