"""MNIST, shipped with the package and unpacked once into the user's cache.

LeCun, Cortes, Burges: "The MNIST database of handwritten digits", 1998; CC BY-SA 3.0 (`shipped/NOTICE`).
60,000 training and 10,000 test images.
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import warnings
from importlib import resources
from pathlib import Path

import numpy as np

from digitlab.errors import DatasetError, StorageError
from digitlab.storage import atomic_folder, cache_folder
from digitlab.values import Digits

__all__ = ["ABOUT", "DIGEST", "load"]

ABOUT = (
    "MNIST: 70,000 handwritten digits of 500 writers, size-normalised and centred; LeCun, Cortes, Burges, CC BY-SA 3.0"
)

# SHA-256 of the four IDX files joined in the order of _PARTS; printed by tools/pack_mnist.py, which checked their MD5s.
DIGEST = "b2d8f5bf39174ee5ffeefa97e42d673c35432b411bb5d1f74fbbeddae7f1690a"

# Name in the cache, shape, and bytes of IDX header before the numbers.
_PARTS = (
    ("train-images", (60_000, 28, 28), 16),
    ("train-labels", (60_000,), 8),
    ("test-images", (10_000, 28, 28), 16),
    ("test-labels", (10_000,), 8),
)
_NPY_HEADER = 128  # np.save pads its header to this for arrays of so few dimensions


def load() -> tuple[Digits, Digits]:
    """Training and test images, memory-mapped read-only from the cache.

    The first call unpacks (about a second); later calls map the files. Several processes may call at once, and one may
    be killed at any moment: the cache folder appears whole or not at all. Where no cache can be written, the images are
    unpacked into memory, with a warning.

    Raises:
        DatasetError: when the packed file is damaged.
    """
    folder = cache_folder() / f"mnist-{DIGEST[:12]}"
    if not _is_whole(folder):
        arrays = _unpack()
        try:
            _store(folder, arrays)
        except StorageError as error:
            warnings.warn(f"MNIST is unpacked anew each time: {error}", stacklevel=2)
            return _as_digits(arrays)
    return _as_digits({name: np.load(folder / f"{name}.npy", mmap_mode="r") for name, _, _ in _PARTS})


def _as_digits(arrays: dict[str, np.ndarray]) -> tuple[Digits, Digits]:
    # np.asarray drops the memmap subclass (whose every slice is slow) and keeps the mapping.
    train, test = ((np.asarray(arrays[f"{part}-images"]), np.asarray(arrays[f"{part}-labels"])) for part in ("train", "test"))
    return Digits(*train), Digits(*test)


def _is_whole(folder: Path) -> bool:
    """Whether every file is there with its full size: a cheap check against a cache that someone trimmed."""
    try:
        return all((folder / f"{name}.npy").stat().st_size == _NPY_HEADER + np.prod(shape) for name, shape, _ in _PARTS)
    except OSError:
        return False


def _store(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    if folder.exists():  # damaged: set aside, so that the whole one can take its name
        shutil.rmtree(folder, ignore_errors=True)
    with atomic_folder(folder) as temporary:
        for name, array in arrays.items():
            np.save(temporary / f"{name}.npy", array)


def _unpack() -> dict[str, np.ndarray]:
    packed = resources.files("digitlab.datasets").joinpath("shipped/mnist.xz").read_bytes()
    try:
        joined = lzma.decompress(packed)
    except (lzma.LZMAError, EOFError) as error:
        raise DatasetError(f"the packed MNIST of this installation is damaged ({error}); install digitlab again") from error
    if hashlib.sha256(joined).hexdigest() != DIGEST:
        raise DatasetError("the packed MNIST of this installation is not the published one; install digitlab again")
    arrays, position = {}, 0
    for name, shape, header in _PARTS:
        size = int(np.prod(shape))
        start = position + header
        arrays[name] = np.frombuffer(joined, np.uint8, size, start).reshape(shape)
        position = start + size
    return arrays
