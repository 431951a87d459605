"""For the guided tour: S2's filters on a photo, and a gallery of digits to try."""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.apps.web.looking import as_bytes
from digitlab.apps.web.schemas import FilterBank, FilterResult, Gallery, GallerySet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

__all__ = ["filter_bank", "gallery"]

_MOST_SIDE = 320  # pixels: eleven results of it are some hundred kilobytes
_EACH = 20  # images of a set of the gallery


def filter_bank(picture: NDArray[np.uint8]) -> FilterBank:
    """Every filter of S2's bank on uint8 (H, W, 3), in grey and small."""
    from digitlab.datasets.transforms.filter_bank import BANK, apply_bank

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    scale = _MOST_SIDE / max(grey.shape)
    if scale < 1:
        sizes = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, sizes, interpolation=cv2.INTER_AREA)
    small = np.asarray(grey, np.uint8)
    results = []
    for name, values in apply_bank(small).items():
        low, high = float(values.min()), float(values.max())
        levels = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
        kernel = [[round(float(each), 4) for each in row] for row in BANK[name]]
        results.append(
            FilterResult(name=name, kernel=kernel, low=low, high=high, png=_png(np.rint(levels).astype(np.uint8)))
        )
    return FilterBank(width=small.shape[1], height=small.shape[0], grey=_png(small), results=results)


@functools.cache
def gallery() -> Gallery:
    """Two of each test digit, the same turned, moved, noisy and thinned, and things that are no digits."""
    from digitlab.datasets import load_dataset
    from digitlab.datasets.ood.test_images import draw_shapes
    from digitlab.datasets.robustness_sets import rotated, shifted

    test = load_dataset("mnist").split("test")
    rows = np.concatenate([np.flatnonzero(test.labels == digit)[:2] for digit in range(10)])
    images, labels = np.asarray(test.images[rows]), test.labels[rows]
    noise = np.random.default_rng(0).normal(0.0, 60.0, images.shape)
    none = [None] * _EACH
    return Gallery(
        sets=[
            _set("mnist", images, labels.tolist()),
            _set("hard-turned", rotated(images, 35.0), labels.tolist()),
            _set("hard-moved", shifted(images, 5, 4), labels.tolist()),
            _set("hard-noisy", np.clip(images + noise, 0, 255).astype(np.uint8), labels.tolist()),
            _set("hard-thin", np.array([cv2.erode(each, np.ones((2, 2))) for each in images]), labels.tolist()),
            _set("hard-cut", _cut(images), labels.tolist()),
            _set("strangers", draw_shapes(_EACH, seed=0), none),
        ]
    )


def _cut(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A bar over the middle."""
    cut = images.copy()
    cut[:, 13:16] = 0
    return cut


def _set(name: str, images: NDArray[Any], labels: Sequence[int | None]) -> GallerySet:
    return GallerySet(name=name, count=len(images), labels=list(labels), data=as_bytes(np.asarray(images, np.uint8)))


def _png(grey: NDArray[np.uint8]) -> str:
    return base64.b64encode(cv2.imencode(".png", grey)[1].tobytes()).decode("ascii")
