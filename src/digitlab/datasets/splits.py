"""Parting a training set into training and validation images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.values import Digits

__all__ = ["hold_out"]


def hold_out(digits: Digits, fraction: float) -> tuple[Digits, Digits]:
    """Part off the last ``fraction`` of each class, in file order; both parts keep the file's order.

    Stratified and without randomness, so that every seed of a study sees the same split.

    Raises:
        UsageError: when the fraction is not between 0 and 1.
    """
    if not 0.0 < fraction < 1.0:
        raise UsageError(f"validation fraction is {fraction:g}; expected more than 0 and less than 1")
    kept: NDArray[np.bool_] = np.ones(len(digits), np.bool_)
    for label in range(10):
        rows = np.flatnonzero(digits.labels == label)
        kept[rows[round(len(rows) * (1.0 - fraction)) :]] = False
    return digits[np.flatnonzero(kept)], digits[np.flatnonzero(~kept)]
