"""Sanity check for attribution maps: randomise the network, and see whether the maps change (Adebayo et al., 2018).

The weights are shuffled within each layer, from the last layer to the first: their distribution stays, what they
learned is gone. A map that does not change shows the image, not the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.inspection.steps import lay_open

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.inspection.steps import Network

    Explain = Callable[[Network], NDArray[np.float32]]  # attribution maps, (W, 28, 28)

__all__ = ["SanityStage", "rank_correlation", "sanity_check", "shuffled"]

_MOST_STAGES = 4


@dataclass(frozen=True, slots=True)
class SanityStage:
    """The maps after shuffling the weights of a network's last layers.

    layers: how many, counted by those that have weights
    maps: float32 (W, 28, 28)
    correlations: W rank correlations with the trained network's maps over the pixels with ink, −1 … 1; 0 for a constant
        map
    """

    layers: int
    maps: NDArray[np.float32]
    correlations: tuple[float, ...]


def sanity_check(network: Network, image: NDArray[np.uint8], explain: Explain) -> list[SanityStage]:
    """The maps of the trained network, then with more and more of the last layers shuffled, finally with all."""
    trained, ink = explain(network), image > 0
    count = len(_weighty(network))
    stages = sorted({round(share * count) for share in np.linspace(1 / _MOST_STAGES, 1, _MOST_STAGES)} - {0})
    checked = [SanityStage(0, trained, (1.0,) * len(trained))]
    for layers in stages:
        maps = explain(shuffled(network, layers, seed=0))
        alike = (rank_correlation(one[ink], other[ink]) for one, other in zip(trained, maps, strict=True))
        checked.append(SanityStage(layers, maps, tuple(alike)))
    return checked


def shuffled(network: Network, layers: int, *, seed: int) -> Network:
    """The same network with the weights of its last ``layers`` layers shuffled within each."""
    rng = np.random.default_rng(seed)
    copy = lay_open(network.model)
    for layer in reversed(_weighty(copy)[-layers:] if layers else []):
        layer.set_weights([rng.permutation(weights.ravel()).reshape(weights.shape) for weights in layer.get_weights()])
    return copy


def _weighty(network: Network) -> list[Any]:
    """The layers that have weights, each once."""
    layers = {id(step.layer): step.layer for step in network.steps.values() if getattr(step.layer, "weights", None)}
    return list(layers.values())


def rank_correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Spearman's rank correlation, −1 … 1; 0 where one of the lists is constant.

    >>> rank_correlation(np.array([1, 2, 3, 4.0]), np.array([10, 20, 40, 30.0]))
    0.8
    """
    ranks = [_ranks(each) - (len(each) - 1) / 2 for each in (one, other)]
    length = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return float((ranks[0] * ranks[1]).sum()) / length if length else 0.0


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share their mean rank."""
    _, positions, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts) - 1
    return np.asarray((last - (counts - 1) / 2)[positions])
