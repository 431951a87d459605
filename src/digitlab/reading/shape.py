"""Which shapes digits have: how wide each is for its height, as MNIST's training writers wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.values import Box

__all__ = ["likely_shapes"]

# Mean and standard deviation of the logarithm of width / height, digits 0 to 9, over MNIST's training images.
_MEAN = np.array([-0.116, -0.986, -0.080, -0.255, -0.261, -0.082, -0.351, -0.286, -0.303, -0.422])
_DEVIATION = np.array([0.212, 0.480, 0.235, 0.222, 0.224, 0.278, 0.225, 0.225, 0.232, 0.211])
_USUAL = 1.0  # deviations that cost nothing
_WEIGHT = 0.3  # of the square of what is beyond
_MOST = 6.0


def likely_shapes(answers: NDArray[np.float32], boxes: Sequence[Box]) -> NDArray[np.float64]:
    """How well each mark's shape goes with what it reads as, float64 (N,), logarithms: 0 for usual ones, else less.

    answers: float32 (N, 10); boxes: one each
    """
    x0, y0, x1, y1 = np.array(boxes, np.float64).reshape(-1, 4).T
    digits = answers.argmax(axis=1)
    away = np.abs(np.log((x1 - x0) / (y1 - y0)) - _MEAN[digits]) / _DEVIATION[digits]
    return np.asarray(-np.minimum(_MOST, _WEIGHT * np.square(np.maximum(0.0, away - _USUAL))), np.float64)
