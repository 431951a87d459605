"""A whole dataset in the network's feature space, as one page to explore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.inspection.embedding import embed, nearest, penultimate, projections, prototypes, unusual
from digitlab.reports.explorer import Exploration, Pictured, expect_so_many, write_explorer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.inspection.embedding import Embedding
    from digitlab.inspection.look.album import Album
    from digitlab.values import Digits

__all__ = ["STEPS", "Part", "explore", "look_at_set"]

_PREDICTING, _COMPARING = "predicting all images", "finding neighbours, prototypes and outliers"
_WRITING = "writing the page"
STEPS = (_PREDICTING, _COMPARING, "mapping {images:,} images by t-SNE", "mapping {images:,} images by UMAP", _WRITING)

_NEIGHBOURS, _EXAMPLES = 8, 12
_MISTAKES_WITH_NEIGHBOURS = 400  # 3,200 pictures at most


@dataclass(frozen=True, slots=True)
class Part:
    """A split of a dataset, its images as the network takes them."""

    name: str
    digits: Digits


def look_at_set(album: Album, shown: Part, learned: Part | None, *, data: str, images: int = 3000) -> dict[str, Any]:
    """Write `explorer.html` into the folder; returns its content in numbers, for JSON.

    Args:
        album: the network and the folder.
        shown: the split whose images are on the map, ``images`` of them: misclassified ones first.
        learned: the training split, searched for neighbours, prototypes and outliers; None: prototypes and outliers
            are of ``shown``, and there are no neighbours.
        data: the dataset's name.
        images: 100 to 6,000.

    Raises:
        UsageError: for another number of images.
        StorageError: when the page cannot be written.
    """
    exploration = explore(album, shown, learned, data=data, images=images)
    album.step(_WRITING, None)
    size = write_explorer(exploration, album.folder / "explorer.html")
    album.pictures.append("explorer.html")
    album.on_note(f"explorer.html: {len(exploration.points.digits):,} images on the map, {size / 1e6:.1f} MB")
    mistakes = int(exploration.confusion.sum() - np.trace(exploration.confusion))
    return {
        "data": data,
        "layers": exploration.layers,
        "images": int(exploration.confusion.sum()),
        "mistakes": mistakes,
        "on_the_map": len(exploration.points.digits),
        "maps": list(exploration.places),
        "confusion": exploration.confusion.tolist(),
        "prototypes": _numbers(exploration, exploration.prototypes),
        "unusual": _numbers(exploration, exploration.unusual),
        "bytes": size,
    }


def _numbers(exploration: Exploration, rows: list[list[int]]) -> list[list[int]]:
    return [[int(exploration.others.numbers[row]) for row in each] for each in rows]


def explore(
    album: Album, shown: Part, learned: Part | None, *, data: str, images: int = 3000, seed: int = 0
) -> Exploration:
    """The content of the page, as arrays; see `look_at_set`."""
    expect_so_many(images)
    network = album.network
    layers = penultimate(network)
    album.step(_PREDICTING, None)
    embedded = embed(network, shown.digits.images, layers)
    pool, pool_embedded = (
        (shown, embedded) if learned is None else (learned, embed(network, learned.digits.images, layers))
    )
    labels = shown.digits.labels
    predictions = embedded.probabilities.argmax(axis=1)
    chosen = _chosen(labels, predictions, embedded.probabilities, images, seed)
    mistakes = np.flatnonzero(labels[chosen] != predictions[chosen])[:_MISTAKES_WITH_NEIGHBOURS]
    near = np.empty((0, 0), np.int64)
    album.step(_COMPARING, None)
    if learned is not None:
        near = nearest(pool_embedded.features, embedded.features[chosen[mistakes]], _NEIGHBOURS)
    central = prototypes(pool_embedded.features, pool.digits.labels, _EXAMPLES, seed=seed)
    strange = unusual(pool_embedded.features, pool.digits.labels, _EXAMPLES)
    needed = np.unique(np.concatenate([near.ravel(), *central, *strange])).astype(np.int64)
    return Exploration(
        model=network.model.name,
        data=data,
        layers=[layer.name for layer in layers],
        points=_pictured(shown, embedded, chosen),
        others=_pictured(pool, pool_embedded, needed),
        places=projections(embedded.features[chosen], seed=seed, on_note=album.on_note, step=album.step),
        confusion=np.bincount(labels * 10 + predictions, minlength=100).reshape(10, 10),
        neighbours={
            int(point): np.searchsorted(needed, rows).tolist() for point, rows in zip(mistakes, near, strict=False)
        },
        prototypes=[np.searchsorted(needed, rows).tolist() for rows in central],
        unusual=[np.searchsorted(needed, rows).tolist() for rows in strange],
    )


def _pictured(part: Part, embedded: Embedding, rows: NDArray[np.int64]) -> Pictured:
    return Pictured(part.name, part.digits[rows], embedded.probabilities[rows], rows)


def _chosen(
    labels: NDArray[np.uint8],
    predictions: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    images: int,
    seed: int,
) -> NDArray[np.int64]:
    """The rows on the map: misclassified ones, the most confident first, at most half; then others at random."""
    wrong = np.flatnonzero(labels != predictions)
    wrong = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][: images // 2]
    rest = np.setdiff1d(np.arange(len(labels)), wrong)
    sampled = np.random.default_rng(seed).permutation(rest)[: images - len(wrong)]
    return np.concatenate([wrong, np.sort(sampled)])
