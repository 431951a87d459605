"""Decide which of a file's named arrays are images and which are labels, by their usual names and shapes."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from digitlab.datasets.formats.checks import (
    REST,
    expect_a_split,
    expect_numbers,
    in_split_order,
    labels_are_loose,
    no_labels,
)
from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Pair", "chosen", "images_and_labels", "pairs_of", "splits_among"]

_IMAGES = frozenset({"images", "image", "x", "data", "patterns", "features", "inputs"})
_LABELS = frozenset({"labels", "label", "y", "targets", "target", "classes"})
_SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test", "validation": "validation",
           "valid": "validation", "val": "validation", "extra": "extra"}  # fmt: skip


class Pair(NamedTuple):
    """The names of a split's arrays; labels None: the last axis is the class (USPS), or there are no labels."""

    images: str
    labels: str | None


def pairs_of(names: Mapping[str, tuple[int, ...]]) -> dict[str, Pair]:
    """Pair images and labels by split ("" where the names give none); ``names`` maps names to shapes.

    >>> pairs_of({"X": (32, 32, 3, 9), "y": (9, 1)})
    {'': Pair(images='X', labels='y')}
    >>> list(pairs_of({"dataset.test.images": (9, 784), "dataset.test.labels": (9, 1), "dataset.mapping": (10, 2)}))
    ['test']
    """
    roles_by_split: dict[str, dict[str, str]] = {}
    for name in names:
        words = [word for word in re.split(r"[._\W]+", name.lower()) if word and word != "dataset"]
        split = next((_SPLITS[word] for word in words if word in _SPLITS), "")
        rest = [word for word in words if word not in _SPLITS]
        role = rest[-1] if rest else ""
        if role in _IMAGES or role in _LABELS:
            roles_by_split.setdefault(split, {}).setdefault("images" if role in _IMAGES else "labels", name)
    pairs = {
        split: Pair(roles["images"], roles.get("labels"))
        for split, roles in roles_by_split.items()
        if "images" in roles and ("labels" in roles or _class_by_class(names[roles["images"]]) or labels_are_loose())
    }
    return {split: pairs[split] for split in in_split_order(pairs)}


def splits_among(pairs: Mapping[str, Pair]) -> tuple[str, ...]:
    """Return the splits to choose from, arrays without a split's name under `REST`; empty for a single pair."""
    return tuple(split or REST for split in pairs) if len(pairs) > 1 else ()


def _class_by_class(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[2] == 10 and math.isqrt(shape[0]) ** 2 == shape[0]


def chosen(path: Path, pairs: Mapping[str, Pair], split: str | None, contents: str) -> Pair:
    """Return the pair of a split, or the only one.

    Raises:
        DatasetError: if there is no pair (the message shows ``contents``), or the split does not exist or is not
            chosen.
    """
    if not pairs:
        raise DatasetError(f"{path}: expected images and labels (images, X or data; labels or y), found: {contents}")
    if len(pairs) == 1 and split is None:
        return next(iter(pairs.values()))
    named = {name or REST: pair for name, pair in pairs.items() if name or len(pairs) > 1}
    expect_a_split(path, tuple(named), split)
    return named[split or REST]


def images_and_labels(
    path: Path, images: NDArray[Any], labels: NDArray[Any] | None, *, columns_first: bool = False
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rearrange arrays in any of the usual axis orders to images (N, H, W[, C]) and labels (N,).

    columns_first: flattened images are in column-major order, as MATLAB stores them (EMNIST)

    Raises:
        DatasetError: for arrays that cannot be images with labels.
    """
    expect_numbers(path, "its images", images.dtype)
    if labels is None and not _class_by_class(images.shape):
        labels = no_labels(_count(images.shape))
    elif labels is None:  # USPS: (256, examples, classes); the classes are 1 … 9, 0
        examples = images.shape[1]
        labels = np.repeat(np.arange(1, 11) % 10, examples)
        images = images.transpose(2, 1, 0).reshape(-1, images.shape[0])
    else:
        expect_numbers(path, "its labels", labels.dtype)
        labels = _flat(path, labels)
    if images.ndim < 2 or len(labels) not in (images.shape[0], images.shape[-1]):
        raise DatasetError(f"{path}: its images have the shape {images.shape}, its labels are {len(labels):,}")
    if images.shape[0] != len(labels):
        images = np.moveaxis(images, -1, 0)
    if images.ndim == 2:
        side = math.isqrt(images.shape[1])
        if not side or side * side != images.shape[1]:
            raise DatasetError(
                f"{path}: its images are of {images.shape[1]} pixels; expected a square number, such as 784"
            )
        images = images.reshape(-1, side, side)
        images = images.transpose(0, 2, 1) if columns_first else images
    if images.ndim == 4 and images.shape[3] not in (1, 3, 4) and images.shape[1] in (1, 3):
        images = np.moveaxis(images, 1, 3)
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3, 4)):
        raise DatasetError(f"{path}: its images have the shape {images.shape}; expected (N, height, width[, channels])")
    return images, labels


def _count(shape: tuple[int, ...]) -> int:
    """Count unlabelled images: the last axis if the first axes are an image's (MATLAB's order), else the first axis.

    >>> _count((32, 32, 3, 500)), _count((28, 28, 500)), _count((500, 28, 28)), _count((784, 500)), _count((500, 784))
    (500, 500, 500, 500, 500)
    """
    if len(shape) == 2:
        first, last = (math.isqrt(size) ** 2 == size > 1 for size in shape)
        return shape[1] if first and not last else shape[0]
    return shape[-1] if len(shape) > 2 and shape[0] == shape[1] != shape[2] else shape[0]


def _flat(path: Path, labels: NDArray[Any]) -> NDArray[Any]:
    """Flatten labels to (N,), also from one-hot rows or columns; 10 becomes 0 where MATLAB's labels begin at 1."""
    if labels.ndim == 2 and 1 not in labels.shape and 10 in labels.shape:
        return np.asarray(labels.argmax(axis=1 if labels.shape[1] == 10 else 0))
    if labels.size != max(labels.shape, default=0):
        raise DatasetError(
            f"{path}: its labels have the shape {labels.shape}; expected (N,), (N, 1) or one-hot (N, 10)"
        )
    labels = labels.reshape(-1)
    if labels.size and labels.min() >= 1 and labels.max() == 10:
        labels = np.where(labels == 10, 0, labels)
    return labels
