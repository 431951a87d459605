"""What is no digit, drawn by code, for a reader to learn to refuse it.

Signs and doodles by a pen, blobs and textures, and digits that are spoilt: merged, cut, turned, crossed out. Made for
training; `strangers` has others, to measure with, which no training here sees.
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
    """Images of what is no digit, light ink on dark, placed as MNIST's digits are: uint8 (count, 28, 28).

    digits: from which the spoilt ones are made
    kinds: which of `DISTRACTORS`, each as often as its share says

    Raises:
        UsageError: for a negative count or seed, or no kinds.
    """
    if count < 0:
        raise UsageError(f"{count} distractors were asked for; expected 0 or more")
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
