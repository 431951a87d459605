"""Activation maps, layer by layer, and the maps that are dead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.inspection.steps import CONVOLUTIONS, POOLINGS
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from digitlab.inspection.steps import Network, Step

__all__ = ["ActivationStatistics", "Maps", "activation_maps", "activation_statistics", "mapping_layers", "results"]

_BATCH = 100  # images per pass: the maps of the widest network here, 256 of 26 by 26, then take 70 MB


@dataclass(frozen=True, slots=True)
class Maps:
    """The activation maps of one convolution or pooling layer.

    after: float32 (N, H, W, C), the input of the next layer: after the activation function
    before: the same before the activation function; None where the layer has none
    activation: "relu" …, or None
    """

    layer: str
    kind: str
    after: NDArray[np.float32]
    before: NDArray[np.float32] | None = None
    activation: str | None = None


@dataclass(frozen=True, slots=True)
class ActivationStatistics:
    """The range of each activation map of a layer over a set of images.

    least, greatest: float32 (C,), over all positions of all images
    images: their number
    """

    layer: str
    least: NDArray[np.float32]
    greatest: NDArray[np.float32]
    images: int

    @property
    def dead(self) -> list[int]:
        """The numbers, from 1, of the dead maps: constant over all positions of all images."""
        return _numbers(self._spread <= 1e-6)

    @property
    def faint(self) -> list[int]:
        """The numbers of the nearly dead maps: their range is less than 1 % of the largest one's."""
        return _numbers((self._spread > 1e-6) & (self._spread < 0.01))

    @property
    def _spread(self) -> NDArray[np.float32]:
        """The range of each map, relative to the largest; all 0 where none varies."""
        spread = self.greatest - self.least
        scale = float(max(np.abs(self.greatest).max(), np.abs(self.least).max()))
        most = float(spread.max())
        return np.asarray(spread / most if most > 1e-6 * scale else 0 * spread)


def _numbers(chosen: NDArray[np.bool_]) -> list[int]:
    return [int(index) + 1 for index in np.flatnonzero(chosen)]


def mapping_layers(network: Network) -> list[Step]:
    """The convolution and pooling layers."""
    return network.of_kinds((*CONVOLUTIONS, *POOLINGS))


def activation_maps(network: Network, images: NDArray[Any], layers: Iterable[Step]) -> list[Maps]:
    """The activation maps of these layers for images (N, 28, 28), 0 … 255, in one pass.

    Layers whose output is not (N, H, W, C) are skipped.
    """
    mapping = [layer for layer in layers if len(layer.shape) == 3]
    activated = [network.activated(layer) for layer in mapping]
    outputs = iter(results(network, images, [*mapping, *activated]))
    unactivated = [next(outputs) for _ in mapping]
    return [
        Maps(layer.name, layer.kind, after)
        if layer is last
        else Maps(layer.name, layer.kind, after, before_activation, last.activation)
        for layer, last, before_activation, after in zip(mapping, activated, unactivated, outputs, strict=True)
    ]


def results(network: Network, images: NDArray[Any], steps: Sequence[Step]) -> list[NDArray[np.float32]]:
    """The outputs of these steps for images (N, 28, 28): float32 (N, …) each, in one pass."""
    parts = list(_batches(network, images, steps))
    return [np.concatenate(batches) for batches in zip(*parts, strict=True)]


def _batches(network: Network, images: NDArray[Any], steps: Sequence[Step]) -> Iterator[list[NDArray[np.float32]]]:
    if not steps:
        return
    model = network.after(steps)
    for start in range(0, len(images), _BATCH):
        outputs = model(np.asarray(images[start : start + _BATCH], np.float32), training=False)
        yield [np.asarray(output, np.float32) for output in keras.tree.flatten(outputs)]


def activation_statistics(network: Network, images: NDArray[Any], layers: Iterable[Step]) -> list[ActivationStatistics]:
    """The ranges of these layers' maps, after the activation; images (N, 28, 28), any number, in bounded memory."""
    layers = list(layers)
    extremes: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    for outputs in _batches(network, images, [network.activated(layer) for layer in layers]):
        axes = [tuple(range(output.ndim - 1)) for output in outputs]
        low = [output.min(axis=axis) for output, axis in zip(outputs, axes, strict=True)]
        high = [output.max(axis=axis) for output, axis in zip(outputs, axes, strict=True)]
        so_far = extremes or list(zip(low, high, strict=True))
        extremes = [
            (np.minimum(least, lower), np.maximum(greatest, higher))
            for (least, greatest), lower, higher in zip(so_far, low, high, strict=True)
        ]
    return [
        ActivationStatistics(layer.name, least, greatest, len(images))
        for layer, (least, greatest) in zip(layers, extremes, strict=True)
    ]
