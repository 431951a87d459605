"""MNIST-C: MNIST under fifteen corruptions, "mnist-c/fog" …. Generated once into the cache, by seed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from digitlab.datasets import mnist
from digitlab.datasets.cache import kept
from digitlab.values import Digits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["load_corrupted"]

_EDITION = 1  # part of the cache key: increase it when the bytes change


def load_corrupted(corruption: str, split: str, *, seed: int = 0) -> Digits:
    """A split of MNIST under one corruption of `digitlab.datasets.transforms.CORRUPTIONS`, memory-mapped."""
    from digitlab.datasets.transforms import CORRUPTIONS, by_blocks

    source = mnist.load()[0 if split == "train" else 1]

    def fill(arrays: dict[str, NDArray[np.uint8]]) -> None:
        place = (seed, 0 if split == "train" else 1)
        arrays["images"][...] = by_blocks(CORRUPTIONS[corruption], source.images, place, jobs=os.cpu_count() or 1)

    key = f"mnist-c-{_EDITION}-{corruption}-{split}-{seed}"
    return Digits(kept(key, {"images": source.images.shape}, fill)["images"], source.labels)
