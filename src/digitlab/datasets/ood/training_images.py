"""Synthetic out-of-distribution images for training with outlier exposure.

Handwritten symbols and doodles, blobs and textures, and damaged digits: merged, cut, rotated, crossed out. Those of
`test_images` are different, and never used for training.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.ood.kinds import KINDS
from digitlab.datasets.ood.pen import as_mnist, blank
from digitlab.datasets.transforms.batches import by_blocks
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from digitlab.values import Digits

__all__ = ["DISTRACTORS", "draw_distractors"]

DISTRACTORS = tuple(KINDS)


def draw_distractors(
    count: int, digits: Digits, *, seed: int = 0, kinds: Collection[str] = DISTRACTORS
) -> NDArray[np.uint8]:
    """Images that are not digits, light ink on dark, placed like MNIST's digits: uint8 (count, 28, 28).

    digits: the source of the damaged digits
    kinds: a subset of `DISTRACTORS`, in proportion to their shares

    Raises:
        UsageError: for a negative count or seed, or no known kind.
    """
    if count < 0:
        raise UsageError(f"{count} distractors were requested; expected 0 or more")
    chosen = [KINDS[kind] for kind in DISTRACTORS if kind in kinds]
    if not chosen:
        raise UsageError(f"no kind of distractor among {sorted(kinds)}; expected some of {', '.join(DISTRACTORS)}")
    shares = np.array([share for share, _ in chosen], np.float64)

    def draw(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        results = np.empty(images.shape, np.uint8)
        for row, kind in enumerate(rng.choice(len(chosen), len(images), p=shares / shares.sum()).tolist()):
            canvas = blank()
            chosen[kind][1](canvas, rng, digits)
            results[row] = as_mnist(canvas)
        return results

    return by_blocks(draw, np.zeros((count, 28, 28), np.uint8), seed, jobs=os.cpu_count() or 1)
