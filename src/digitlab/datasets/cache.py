"""A cache of arrays in the user's cache folder: computed once, memory-mapped afterwards."""

from __future__ import annotations

import os
import shutil
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import StorageError
from digitlab.storage import atomic_folder, cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.uint8]]
    Shapes = Mapping[str, tuple[int, ...]]

__all__ = ["cached_arrays"]

_TRIES = 3
_NPY_HEADER = 128  # np.save's header size for arrays of few dimensions


def cached_arrays(key: str, shapes: Shapes, fill: Callable[[Arrays], None]) -> Arrays:
    """Return the uint8 arrays cached under ``key``, memory-mapped read-only; on the first call, ``fill`` computes them.

    ``fill`` receives arrays of these shapes to write into; they are memory-mapped files, so it needs little memory.
    Safe against concurrent processes and kills: the folder appears complete or not at all. If the cache cannot be
    written, the arrays are computed in memory, with a warning.
    """
    folder = cache_folder() / key
    reason = "another process removes it again and again"
    for _ in range(_TRIES):
        try:
            if not _is_whole(folder, shapes):
                _make(folder, shapes, fill)
            # np.asarray drops the memmap subclass, whose every slice is slow, and keeps the mapping.
            return {name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in shapes}
        except FileNotFoundError:  # another process judged it damaged at the same moment, and rebuilds it
            continue
        except StorageError as error:
            reason = str(error)
            break
    warnings.warn(f"{key} cannot be cached and is computed each time: {reason}", stacklevel=1)  # this line: shown once
    arrays: Arrays = {name: np.empty(shape, np.uint8) for name, shape in shapes.items()}
    fill(arrays)
    return arrays


def _is_whole(folder: Path, shapes: Shapes) -> bool:
    """Return whether every file exists with its full size: a cheap check for a damaged cache."""
    try:
        return all(
            (folder / f"{name}.npy").stat().st_size == _NPY_HEADER + int(np.prod(shape))
            for name, shape in shapes.items()
        )
    except OSError:
        return False


def _make(folder: Path, shapes: Shapes, fill: Callable[[Arrays], None]) -> None:
    with atomic_folder(folder) as temporary:
        maps = {name: _room(temporary / f"{name}.npy", shape) for name, shape in shapes.items()}
        fill({**maps})
        for written in maps.values():
            written.flush()
        if folder.exists() and not _is_whole(folder, shapes):  # removed, so that the new one can be renamed to it
            shutil.rmtree(folder, ignore_errors=True)


def _room(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
    """Create a mapped array with its disk space preallocated: on a full disk, a later write would kill the process."""
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, _NPY_HEADER + mapped.size)
        else:
            file.seek(_NPY_HEADER)
            for start in range(0, mapped.size, 1 << 20):
                file.write(bytes(min(1 << 20, mapped.size - start)))
    return mapped
