"""The whole set as a network sees it: the numbers before its answer, their map in the plane, who is near whom.

What stands before the last layer with weights is all that the answer is made of: images that are near each other there
are alike to the network. Distances are plain (Euclidean) ones between these numbers.
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

__all__ = ["Seen", "nearest", "penultimate", "projections", "prototypes", "see", "unusual"]

_TOGETHER = 500  # images a call: the widest network here takes 350 MB for so many
_PIECE = 10_000  # images that are float32 at once
_COMPONENTS = 50  # as many numbers of an image go into t-SNE; the directions beyond hold noise
_PERPLEXITY = 30.0  # van der Maaten and Hinton 2008: 5 to 50, and the picture hardly changes
_TSNE_SECONDS = 0.014  # an image, on one core (42 s of 3,000)
_NEIGHBOURS = 10  # of its own class, from which an unusual image is far
_SPARED = ("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout")  # change nothing when asked


@dataclass(frozen=True, slots=True)
class Seen:
    """What a network makes of N images: features float32 (N, F), probabilities float32 (N, 10)."""

    features: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def penultimate(network: Network) -> list[Step]:
    """What the last layers with weights take: one step; of an ensemble, one of each network in it.

    Where the only layer with weights takes the image itself, that layer.
    """
    found: dict[str, Step] = {}
    _go_back(network, network.answer, found)
    return list(found.values())


def _go_back(network: Network, step: Step, found: dict[str, Step]) -> None:
    weighty = bool(getattr(step.layer, "weights", ())) and step.kind not in (*ACTIVATIONS, *_SPARED)
    for name in step.takes:
        before = network.steps[name]
        if not weighty:
            _go_back(network, before, found)
            continue
        while before.kind in _SPARED and before.takes:
            before = network.steps[before.takes[0]]
        found[before.name] = before
    if not step.takes:
        found[step.name] = step


def see(network: Network, images: NDArray[np.uint8], steps: Sequence[Step]) -> Seen:
    """Features and answers of images (N, 28, 28) in one pass."""
    *made, said = _made(network, images, [*steps, network.answer])
    return Seen(_flat(made), said)


def _made(network: Network, images: NDArray[np.uint8], steps: Sequence[Step]) -> list[NDArray[np.float32]]:
    model = network.after(steps)
    parts: list[list[Any]] = []
    for start in range(0, len(images), _PIECE):
        piece = images[start : start + _PIECE].astype(np.float32)
        parts.append(keras.tree.flatten(model.predict(piece, batch_size=_TOGETHER, verbose=0)))
    return [np.concatenate(each).astype(np.float32, copy=False) for each in zip(*parts, strict=True)]


def _flat(made: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    rows = [each.reshape(len(each), -1) for each in made]
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)


def projections(
    features: NDArray[np.float32],
    *,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
    step: Callable[[str, float | None], None] = lambda *_: None,
) -> dict[str, NDArray[np.float32]]:
    """Maps of N images in the plane by name, float32 (N, 2), 0 … 1 each: t-SNE, PCA, and UMAP where it is installed.

    For fewer than five images, or images that are all the same to the network, there is one map; ``tell`` hears why.
    ``step`` hears the name of each map that takes long, and the seconds that it may take.
    """
    from sklearn.decomposition import PCA

    exact = features.astype(np.float64)
    if len(features) < 5 or float(np.ptp(exact, axis=0).max()) <= 1e-9 * max(1.0, float(np.abs(exact).max())):
        tell("too few images, or all the same to the network, for a map by t-SNE")
        return {"PCA": _in_square(np.pad(exact - exact.mean(axis=0), ((0, 0), (0, 1)))[:, :2])}
    parts = min(_COMPONENTS, *features.shape)
    few = PCA(parts, svd_solver="randomized", random_state=seed).fit_transform(exact)
    flat = np.pad(few, ((0, 0), (0, 1)))[:, :2]
    step(f"laying {len(few):,} images out by t-SNE", _TSNE_SECONDS * len(few))
    by_tsne = _by_tsne(few, seed)
    step(f"laying {len(few):,} images out by UMAP", None)
    found = {"t-SNE": by_tsne, **_by_umap(few, seed), "PCA": flat}
    return {name: _in_square(places) for name, places in found.items()}


def _by_tsne(few: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(_PERPLEXITY, (len(few) - 1) / 3)
    # Its threads wait for each other at each of 1,000 steps: on a busy machine 106 s instead of 42 s with one.
    with threadpool_limits(1):
        return np.asarray(TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(few))


def _by_umap(few: NDArray[np.float64], seed: int) -> dict[str, NDArray[np.float64]]:
    if importlib.util.find_spec("umap") is None:
        return {}
    umap = importlib.import_module("umap")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed leaves it one thread
        neighbours = min(15, len(few) - 1)
        return {"UMAP": np.asarray(umap.UMAP(n_neighbors=neighbours, random_state=seed).fit_transform(few))}


def _in_square(places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Moved and shrunk, alike in both directions, into the unit square."""
    low, high = places.min(axis=0), places.max(axis=0)
    side = float((high - low).max()) or 1.0
    return np.asarray(0.5 + (places - (low + high) / 2) / side, np.float32)


def nearest(features: NDArray[np.float32], asked: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The rows of ``features`` (N, F) nearest to each of ``asked`` (M, F), nearest first: int64 (M, count)."""
    from sklearn.neighbors import NearestNeighbors

    count = min(count, len(features))
    if not len(asked):
        return np.empty((0, count), np.int64)
    found = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(features)
    return np.asarray(found.kneighbors(asked, return_distance=False), np.int64)


def prototypes(
    features: NDArray[np.float32], labels: NDArray[np.uint8], count: int, *, seed: int = 0
) -> list[NDArray[np.int64]]:
    """For each class 0 … 9 the rows of images that stand for it, at most ``count``, those for most images first.

    The class is parted into so many groups (k-means), and each group's most central image is taken: the ways in which a
    digit is written, rather than one way many times.
    """
    from sklearn.cluster import KMeans

    found = []
    for rows in _by_class(labels):
        own = features[rows]
        groups = min(count, len(np.unique(own, axis=0)))
        if not groups:
            found.append(rows)
            continue
        parted = KMeans(groups, n_init=1, random_state=seed).fit(own)
        sizes = np.bincount(parted.labels_, minlength=groups)
        central = nearest(own, parted.cluster_centers_.astype(np.float32), 1)[:, 0]
        found.append(rows[list(dict.fromkeys(central[np.argsort(-sizes, kind="stable")].tolist()))])
    return found


def unusual(features: NDArray[np.float32], labels: NDArray[np.uint8], count: int) -> list[NDArray[np.int64]]:
    """For each class 0 … 9 the rows of its most unusual images, at most ``count``, the strangest first.

    Those farthest, on average, from their ten nearest images of the same class. Wrong labels are often among them.
    """
    from sklearn.neighbors import NearestNeighbors

    found = []
    for rows in _by_class(labels):
        near = min(_NEIGHBOURS, len(rows) - 1)
        if near < 1:
            found.append(rows)
            continue
        distances, _ = NearestNeighbors(n_neighbors=near, algorithm="brute").fit(features[rows]).kneighbors()
        found.append(rows[np.argsort(-distances.mean(axis=1), kind="stable")[:count]])
    return found


def _by_class(labels: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
    return [np.flatnonzero(labels == digit) for digit in range(10)]
