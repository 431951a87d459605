"""Layers found in an ONNX graph: receptive fields, and the tensors and layouts of their activations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from digitlab.network.receptive_field import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.network.receptive_field import ReceptiveField, Window

__all__ = ["CHANNELS_FIRST", "CHANNELS_LAST", "PICTURE", "Layer", "Step", "Walked", "as_maps", "maps_shape"]

CHANNELS_FIRST, CHANNELS_LAST, PICTURE = "channels first", "channels last", "a picture, row by row"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    name: unique, e.g. conv-1, relu-1, pool-1, dense-1, softmax
    kind: preparation, convolution, activation, normalisation, pooling, addition, mean, concatenation, flatten, dense,
        softmax or other
    operator: the name to display, e.g. "Conv 3×3", "Relu"
    shape: (rows, columns, maps), or (units,)
    takes: the names of its input layers
    field: the receptive field of its units; None: the whole image, or unknown
    explainable: whether `NetworkLayers.explain` supports it
    """

    name: str
    kind: str
    operator: str
    shape: tuple[int, ...]
    parameters: int
    takes: tuple[str, ...]
    field: ReceptiveField | None
    explainable: bool


@dataclass
class Step:
    """A layer with its output ``tensor``, its input tensor ``source``, and the layouts of both.

    kernel: float32 (filters, inputs of one group, rows, columns), and bias: float32 (filters,)
    follows: the name of the convolution or dense layer that this activation belongs to
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

    def patch(
        self, inputs: NDArray[np.float64], channel: int, row: int, column: int
    ) -> tuple[int, NDArray[np.float64]]:
        """Return the index of the first input map, and the inputs of one unit, cut from (maps, rows, columns)."""
        if self.layer.kind == "dense":
            return 0, inputs.reshape(-1, 1, 1)
        if self.window is None:  # an activation, or global pooling
            if self.layer.kind == "pooling":
                return channel, inputs[channel : channel + 1]
            return channel, inputs[channel, row, column].reshape(1, 1, 1)
        first, count = channel, 1
        if self.kernel is not None:
            count = self.kernel.shape[1]
            first = channel // (len(self.kernel) // self.groups) * count
        outside = np.nan if self.kernel is None else 0.0
        patch = np.full((count, *self.window.size), outside)
        for i in range(self.window.size[0]):
            for j in range(self.window.size[1]):
                y = row * self.window.stride[0] - self.window.padding[0] + i * self.window.dilation[0]
                x = column * self.window.stride[1] - self.window.padding[1] + j * self.window.dilation[1]
                if 0 <= y < inputs.shape[1] and 0 <= x < inputs.shape[2]:
                    patch[:, i, j] = inputs[first : first + count, y, x]
        return first, patch

    def reduce(self, patch: NDArray[np.float64]) -> float:
        """Compute a pooling from its patch, where NaN marks values outside the border; return an activation's input."""
        if self.largest:
            return float(np.nanmax(patch))
        return float(np.nansum(patch) / patch.size if self.counts_padding else np.nanmean(patch))


@dataclass
class Walked:
    """All steps in order."""

    steps: list[Step] = field(default_factory=list)

    @property
    def tensors(self) -> set[str]:
        """Tensors that must be outputs of the model."""
        return {name for step in self.steps for name in (step.tensor, step.source)}


def as_maps(value: NDArray[np.float32], layout: str | None) -> NDArray[np.float32]:
    """Return one image's tensor as (maps, rows, columns)."""
    inner: NDArray[np.float32] = value[0]
    if layout == PICTURE:
        return inner.reshape(1, SIDE, SIDE)
    if inner.ndim == 3:
        return inner.transpose(2, 0, 1) if layout == CHANNELS_LAST else inner
    return inner[None] if inner.ndim == 2 else inner.reshape(-1, 1, 1)


def maps_shape(shape: tuple[int, ...], layout: str | None) -> tuple[int, int, int]:
    """Return (maps, rows, columns) for the shape (1, …) of one image's tensor."""
    if layout == PICTURE:
        return 1, SIDE, SIDE
    if len(shape) == 4:
        maps, rows, columns = (shape[3], shape[1], shape[2]) if layout == CHANNELS_LAST else shape[1:]
        return maps, rows, columns
    return (1, shape[1], shape[2]) if len(shape) == 3 else (int(np.prod(shape)), 1, 1)
