"""Apply transforms to many images, in blocks with separate random generators.

A transform is a function ``(images, rng) -> images``, both uint8 (N, 28, 28), light ink on dark. What happens to row i
depends on the generator and on i only, not on how many rows follow. `by_blocks` gives every `BLOCK` rows a generator
from the seed and the block's number, so the result does not depend on the number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from digitlab.errors import ShapeError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BLOCK", "Seed", "Transform", "by_blocks", "generator", "in_order", "require_images", "rounded"]

Seed = int | tuple[int, ...]
Transform = Callable[["NDArray[np.uint8]", np.random.Generator], "NDArray[np.uint8]"]

# Rows that share a generator. A thread works on one block, whose float copy (3 MB) fits the processor's cache; changing
# the number changes the bytes of every set generated from a seed.
BLOCK = 1000

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def require_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Check ``images``, and return them unchanged.

    Raises:
        ShapeError: when they are not uint8 (N, 28, 28).
    """
    if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise ShapeError("images", expected="uint8 (N, 28, 28)", received=f"{images.dtype} {images.shape}")
    return images


def rounded(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Convert a float array to uint8: rounded to the nearest level, clipped to 0..255."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def generator(seed: Seed, *part_indices: int) -> np.random.Generator:
    """Create an independent random generator for one part (a copy, a block) under a seed.

    Raises:
        UsageError: when a part of the seed is negative.
    """
    parts = (seed,) if isinstance(seed, int) else seed
    if any(part < 0 for part in parts):
        raise UsageError(f"seed is {seed}; expected 0 or more")
    # The number of parts comes first: SeedSequence treats (1,) and (1, 0) as the same.
    return np.random.default_rng(np.random.SeedSequence((len(parts), *parts), spawn_key=part_indices))


def by_blocks(transform: Transform, images: NDArray[np.uint8], seed: Seed, *, jobs: int = 1) -> NDArray[np.uint8]:
    """Apply ``transform`` to all images, uint8 (N, 28, 28); the result depends on the seed, not on ``jobs``.

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
        UsageError: when the seed is negative or ``jobs`` is below 1.
    """
    require_images(images)
    results = np.empty(images.shape, np.uint8)

    def run(number: int) -> None:
        rows = slice(number * BLOCK, (number + 1) * BLOCK)
        results[rows] = transform(images[rows], generator(seed, number))

    deque(in_order(run, range(-(-len(images) // BLOCK)), jobs=jobs), maxlen=0)
    return results


def in_order(function: Callable[[_Item], _Result], items: Iterable[_Item], *, jobs: int) -> Iterator[_Result]:
    """Run ``map`` on ``jobs`` threads: results are in order, at most ``2 * jobs`` of them waiting in memory.

    Raises:
        UsageError: when ``jobs`` is below 1.
    """
    if jobs < 1:
        raise UsageError(f"jobs is {jobs}; expected 1 or more")
    if jobs == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(jobs) as threads:
        waiting: deque[Future[_Result]] = deque()
        for item in items:
            waiting.append(threads.submit(function, item))
            if len(waiting) == 2 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
