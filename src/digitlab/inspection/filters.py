"""The filters of a network's convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.inspection.steps import CONVOLUTIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.inspection.steps import Network, Step

__all__ = ["Filters", "convolution_filters"]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of one convolution.

    layer: its step's name
    kernel: float32 (height, width, depth, number), for cross-correlation: not rotated. Kernels of Theano, which
        rotates them, are rotated when a model is imported.
    biases: float32 (number,), or None where the layer has none
    part: "depthwise" or "pointwise" of a separable convolution, which has both
    """

    layer: str
    kernel: NDArray[np.float32]
    biases: NDArray[np.float32] | None = None
    part: str | None = None

    @property
    def name(self) -> str:
        """The layer's name, with its part."""
        return self.layer if self.part is None else f"{self.layer}-{self.part}"

    @property
    def weak(self) -> NDArray[np.bool_]:
        """Bool (number,): filters whose weights are all near 0, relative to the others."""
        lengths = np.sqrt((self.kernel.astype(np.float64) ** 2).sum(axis=(0, 1, 2)))
        return np.asarray(lengths < 0.05 * np.median(lengths))

    def as_dict(self) -> dict[str, Any]:
        """A JSON-serialisable summary: sizes, extremes, biases; not the weights themselves."""
        height, width, depth, number = self.kernel.shape
        return {
            "layer": self.layer,
            **({"part": self.part} if self.part else {}),
            "width": width,
            "height": height,
            "depth": depth,
            "number": number,
            "least": float(self.kernel.min()),
            "greatest": float(self.kernel.max()),
            "biases": None if self.biases is None else [round(float(bias), 6) for bias in self.biases],
        }


def convolution_filters(network: Network) -> list[Filters]:
    """The filters of every convolution in order of computation; shared layers once."""
    by_layer: dict[int, list[Filters]] = {}
    for step in network.of_kinds(CONVOLUTIONS):
        by_layer.setdefault(id(step.layer), _of(step))
    return [each for parts in by_layer.values() for each in parts]


def _of(step: Step) -> list[Filters]:
    layer, name = step.layer, step.name
    biases = np.asarray(layer.bias, np.float32) if layer.use_bias else None
    if step.kind == "SeparableConv2D":
        return [
            Filters(name, _depthwise(layer.depthwise_kernel), part="depthwise"),
            Filters(name, np.asarray(layer.pointwise_kernel, np.float32), biases, part="pointwise"),
        ]
    if step.kind == "DepthwiseConv2D":
        return [Filters(name, _depthwise(layer.kernel), biases)]
    kernel = np.asarray(layer.kernel, np.float32)
    if step.kind == "Conv2DTranspose":  # Keras keeps (height, width, number, depth)
        kernel = kernel.swapaxes(2, 3)
    return [Filters(name, kernel, biases)]


def _depthwise(kernel: Any) -> NDArray[np.float32]:
    """(height, width, channels, multiplier) → (height, width, 1, channels · multiplier), in output order."""
    array = np.asarray(kernel, np.float32)
    return array.reshape(*array.shape[:2], 1, -1)
