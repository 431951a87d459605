"""A whole set in a network's feature space: embeddings, their 2-D maps, nearest neighbours.

The input of the last layer with weights is all that the prediction is computed from: images that are close there look
similar to the network. Distances are Euclidean.
"""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.inspection.steps import ACTIVATIONS
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitlab.inspection.steps import Network, Step

__all__ = ["Embedding", "embed", "nearest", "penultimate", "projections", "prototypes", "unusual"]

_TOGETHER = 500  # images per call: the widest network here then takes 350 MB
_BATCH = 10_000  # images in float32 at a time
_COMPONENTS = 50  # principal components that go into t-SNE; the others hold noise
_PERPLEXITY = 30.0  # van der Maaten and Hinton 2008: 5 to 50 give similar maps
_TSNE_SECONDS = 0.014  # per image, on one core (42 s for 3,000)
_NEIGHBOURS = 10  # of its own class; their mean distance measures how unusual an image is
_SPARED = ("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout")  # inactive at inference


@dataclass(frozen=True, slots=True)
class Embedding:
    """Features float32 (N, F) and probabilities float32 (N, 10) of N images."""

    features: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def penultimate(network: Network) -> list[Step]:
    """The inputs of the last layer with weights: one step; of an ensemble, one for each member.

    Where the only layer with weights takes the image itself, that layer.
    """
    inputs: dict[str, Step] = {}
    _go_back(network, network.answer, inputs)
    return list(inputs.values())


def _go_back(network: Network, step: Step, inputs: dict[str, Step]) -> None:
    weighty = bool(getattr(step.layer, "weights", ())) and step.kind not in (*ACTIVATIONS, *_SPARED)
    for name in step.takes:
        before = network.steps[name]
        if not weighty:
            _go_back(network, before, inputs)
            continue
        while before.kind in _SPARED and before.takes:
            before = network.steps[before.takes[0]]
        inputs[before.name] = before
    if not step.takes:
        inputs[step.name] = step


def embed(network: Network, images: NDArray[np.uint8], steps: Sequence[Step]) -> Embedding:
    """Features and probabilities of images (N, 28, 28) in one pass."""
    *outputs, probabilities = _outputs(network, images, [*steps, network.answer])
    return Embedding(_flat(outputs), probabilities)


def _outputs(network: Network, images: NDArray[np.uint8], steps: Sequence[Step]) -> list[NDArray[np.float32]]:
    model = network.after(steps)
    parts: list[list[Any]] = []
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH].astype(np.float32)
        parts.append(keras.tree.flatten(model.predict(batch, batch_size=_TOGETHER, verbose=0)))
    return [np.concatenate(batches).astype(np.float32, copy=False) for batches in zip(*parts, strict=True)]


def _flat(outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    rows = [each.reshape(len(each), -1) for each in outputs]
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)


def projections(
    features: NDArray[np.float32],
    *,
    seed: int = 0,
    on_note: Callable[[str], None] = lambda _: None,
    step: Callable[[str, float | None], None] = lambda *_: None,
) -> dict[str, NDArray[np.float32]]:
    """2-D maps of N images by name, float32 (N, 2), 0 … 1: t-SNE, PCA, and UMAP where it is installed.

    Fewer than five images, or identical features, give PCA only; ``on_note`` is called with the reason. ``step`` is
    called with the name of each slow map and its expected seconds.
    """
    from sklearn.decomposition import PCA

    exact = features.astype(np.float64)
    if len(features) < 5 or float(np.ptp(exact, axis=0).max()) <= 1e-9 * max(1.0, float(np.abs(exact).max())):
        on_note("too few images, or identical features: no t-SNE map")
        return {"PCA": _in_square(np.pad(exact - exact.mean(axis=0), ((0, 0), (0, 1)))[:, :2])}
    parts = min(_COMPONENTS, *features.shape)
    few = PCA(parts, svd_solver="randomized", random_state=seed).fit_transform(exact)
    flat = np.pad(few, ((0, 0), (0, 1)))[:, :2]
    step(f"mapping {len(few):,} images by t-SNE", _TSNE_SECONDS * len(few))
    by_tsne = _by_tsne(few, seed)
    step(f"mapping {len(few):,} images by UMAP", None)
    maps = {"t-SNE": by_tsne, **_by_umap(few, seed), "PCA": flat}
    return {name: _in_square(points) for name, points in maps.items()}


def _by_tsne(few: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(_PERPLEXITY, (len(few) - 1) / 3)
    # One thread: several synchronise at each of 1,000 steps, which took 106 s instead of 42 s on a busy machine.
    with threadpool_limits(1):
        return np.asarray(TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(few))


def _by_umap(few: NDArray[np.float64], seed: int) -> dict[str, NDArray[np.float64]]:
    if importlib.util.find_spec("umap") is None:
        return {}
    umap = importlib.import_module("umap")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "a seed allows one thread only"
        neighbours = min(15, len(few) - 1)
        return {"UMAP": np.asarray(umap.UMAP(n_neighbors=neighbours, random_state=seed).fit_transform(few))}


def _in_square(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Shift and scale points into the unit square, with the same factor in both directions."""
    low, high = points.min(axis=0), points.max(axis=0)
    side = float((high - low).max()) or 1.0
    return np.asarray(0.5 + (points - (low + high) / 2) / side, np.float32)


def nearest(features: NDArray[np.float32], queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The rows of ``features`` (N, F) nearest to each of ``queries`` (M, F), nearest first: int64 (M, count)."""
    from sklearn.neighbors import NearestNeighbors

    count = min(count, len(features))
    if not len(queries):
        return np.empty((0, count), np.int64)
    index = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(features)
    return np.asarray(index.kneighbors(queries, return_distance=False), np.int64)


def prototypes(
    features: NDArray[np.float32], labels: NDArray[np.uint8], count: int, *, seed: int = 0
) -> list[NDArray[np.int64]]:
    """Prototypes: for each class 0 … 9 the rows of at most ``count`` typical images, those of large clusters first.

    The class is split into ``count`` clusters (k-means), and the image nearest to each centre is taken: the different
    ways in which a digit is written, rather than the same way many times.
    """
    from sklearn.cluster import KMeans

    chosen = []
    for rows in _by_class(labels):
        own = features[rows]
        groups = min(count, len(np.unique(own, axis=0)))
        if not groups:
            chosen.append(rows)
            continue
        parted = KMeans(groups, n_init=1, random_state=seed).fit(own)
        sizes = np.bincount(parted.labels_, minlength=groups)
        central = nearest(own, parted.cluster_centers_.astype(np.float32), 1)[:, 0]
        chosen.append(rows[list(dict.fromkeys(central[np.argsort(-sizes, kind="stable")].tolist()))])
    return chosen


def unusual(features: NDArray[np.float32], labels: NDArray[np.uint8], count: int) -> list[NDArray[np.int64]]:
    """Outliers: for each class 0 … 9 the rows of at most ``count`` images, the most unusual first.

    Those with the largest mean distance to their ten nearest neighbours of the same class, often label errors.
    """
    from sklearn.neighbors import NearestNeighbors

    chosen = []
    for rows in _by_class(labels):
        near = min(_NEIGHBOURS, len(rows) - 1)
        if near < 1:
            chosen.append(rows)
            continue
        distances, _ = NearestNeighbors(n_neighbors=near, algorithm="brute").fit(features[rows]).kneighbors()
        chosen.append(rows[np.argsort(-distances.mean(axis=1), kind="stable")[:count]])
    return chosen


def _by_class(labels: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
    return [np.flatnonzero(labels == digit) for digit in range(10)]
