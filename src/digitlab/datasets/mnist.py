"""MNIST, shipped with the package and unpacked once into the user's cache folder.

LeCun, Cortes, Burges: "The MNIST database of handwritten digits", 1998; CC BY-SA 3.0 (`shipped/NOTICE`).
60,000 training and 10,000 test images.
"""

from __future__ import annotations

import hashlib
import lzma
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.cache import cached_arrays
from digitlab.errors import DatasetError
from digitlab.values import Digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ABOUT", "DIGEST", "load"]

ABOUT = "MNIST: digits of 500 writers, size-normalised and centred; LeCun, Cortes, Burges, CC BY-SA 3.0"

# SHA-256 of the four IDX files joined in the order of _SHAPES; printed by tools/pack_mnist.py, which checks MD5s.
DIGEST = "b2d8f5bf39174ee5ffeefa97e42d673c35432b411bb5d1f74fbbeddae7f1690a"

_SHAPES = {
    "train-images": (60_000, 28, 28),
    "train-labels": (60_000,),
    "test-images": (10_000, 28, 28),
    "test-labels": (10_000,),
}


def load() -> tuple[Digits, Digits]:
    """Load training and test images, memory-mapped from the cache; the first call unpacks them in about a second.

    Raises:
        DatasetError: when the packed file is damaged.
    """
    arrays = cached_arrays(f"mnist-{DIGEST[:12]}", _SHAPES, _unpack)
    train, test = (Digits(arrays[f"{part}-images"], arrays[f"{part}-labels"]) for part in ("train", "test"))
    return train, test


def _unpack(arrays: dict[str, NDArray[np.uint8]]) -> None:
    packed = resources.files("digitlab.datasets").joinpath("shipped/mnist.xz").read_bytes()
    try:
        joined = lzma.decompress(packed)
    except (lzma.LZMAError, EOFError) as error:
        raise DatasetError(f"the MNIST in this installation is damaged ({error}); install digitlab again") from error
    if hashlib.sha256(joined).hexdigest() != DIGEST:
        raise DatasetError("the MNIST in this installation is not the published dataset; install digitlab again")
    position = 0
    for name, shape in _SHAPES.items():
        header = 4 + 4 * len(shape)  # IDX: a magic number, then each dimension
        size = int(np.prod(shape))
        arrays[name][...] = np.frombuffer(joined, np.uint8, size, position + header).reshape(shape)
        position += header + size
