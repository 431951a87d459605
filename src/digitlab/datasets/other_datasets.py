"""Datasets other than MNIST: digits by other writers, clothes, and MNIST-C, which is generated from MNIST."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import mnist
from digitlab.datasets.cache import cached_arrays
from digitlab.datasets.splits import hold_out
from digitlab.errors import DatasetError, MissingExtraError
from digitlab.storage import cache_folder
from digitlab.values import Digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["load_corrupted", "load_digits_8x8", "load_fashion_mnist"]

_FASHION = "fashion-mnist"


def load_digits_8x8(split: str) -> Digits:
    """Load the 1,797 digits of 8×8 pixels that scikit-learn ships (Alpaydin, Kaynak, 1998), in MNIST's format.

    They have no split of their own; the last fifth of each class, in file order, becomes "test". Images are enlarged
    to 20×20 (bicubic) and centred in 28×28. The 43 writers are not in MNIST.

    Raises:
        MissingExtraError: without scikit-learn.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", needed_for="the set digits-8x8") from error
    stored = load_digits()
    whole = Digits(_enlarged(stored.images), stored.target.astype(np.uint8))
    train, test = hold_out(whole, 0.2)
    return test if split == "test" else train


def _enlarged(small: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Enlarge float (N, 8, 8), 0..16, to uint8 (N, 28, 28)."""
    import cv2

    images = np.zeros((len(small), 28, 28), np.uint8)
    for image, source in zip(images, small, strict=True):
        large = cv2.resize(source.astype(np.float32) * (255 / 16), (20, 20), interpolation=cv2.INTER_CUBIC)
        image[4:24, 4:24] = np.clip(np.rint(large), 0, 255)
    return images


def load_fashion_mnist(split: str) -> Digits:
    """Load pictures of clothes in MNIST's format (Xiao, Rasul, Vollgraf, 2017): 60,000 and 10,000, ten classes.

    Looked for in ``$DIGITLAB_DATA/fashion-mnist``, in the cache folder, and where Debian's package
    dataset-fashion-mnist installs it.

    Raises:
        DatasetError: when it is in none of these places.
    """
    from digitlab.datasets.formats import open_dataset_file, read_all

    folders = [cache_folder() / _FASHION, Path("/usr/share/datasets") / _FASHION]
    named = os.environ.get("DIGITLAB_DATA")
    if named:
        folders.insert(0, Path(named).expanduser() / _FASHION)
    stem = "train" if split == "train" else "t10k"
    for folder in folders:
        for ending in ("", ".gz"):
            images = folder / f"{stem}-images-idx3-ubyte{ending}"
            if images.is_file():
                return read_all(open_dataset_file(images))
    raise DatasetError(
        "fashion-mnist is not on this machine; `apt-get install dataset-fashion-mnist` gets it, or put its four IDX "
        f"files into {folders[0]}"
    )


_EDITION = 1  # part of the cache key: increase it when the bytes change


def load_corrupted(corruption: str, split: str, *, seed: int = 0) -> Digits:
    """Load MNIST under one of `digitlab.datasets.transforms.CORRUPTIONS` ("mnist-c/fog" …), images memory-mapped.

    A split is generated once per seed, and cached.
    """
    from digitlab.datasets.transforms import CORRUPTIONS, by_blocks

    source = mnist.load()[0 if split == "train" else 1]

    def fill(arrays: dict[str, NDArray[np.uint8]]) -> None:
        seed_parts = (seed, 0 if split == "train" else 1)
        arrays["images"][...] = by_blocks(CORRUPTIONS[corruption], source.images, seed_parts, jobs=os.cpu_count() or 1)

    key = f"mnist-c-{_EDITION}-{corruption}-{split}-{seed}"
    return Digits(cached_arrays(key, {"images": source.images.shape}, fill)["images"], source.labels)
