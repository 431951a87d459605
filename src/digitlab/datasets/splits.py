"""Split a training set into training and validation images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.values import Digits

__all__ = ["THESIS_TRAINING_COUNTS", "first_of_each_class", "hold_out", "thesis_split"]

# Training images per class in the datasets of the thesis S0, of MNIST's 60,000: the first 80 % of each class, in file
# order. Rounding would differ by one for classes 1 and 2 (5394 and 4766); these are the published counts.
THESIS_TRAINING_COUNTS = (4738, 5393, 4767, 4905, 4674, 4337, 4734, 5012, 4681, 4759)


def first_of_each_class(labels: NDArray[np.uint8], counts: Sequence[int]) -> NDArray[np.bool_]:
    """Mark the first ``counts[c]`` rows of each class c, in file order: bool (N,)."""
    first = np.zeros(len(labels), np.bool_)
    for label, count in enumerate(counts):
        first[np.flatnonzero(labels == label)[:count]] = True
    return first


def thesis_split(digits: Digits) -> tuple[Digits, Digits]:
    """Split MNIST's training images as in S0: 48,000 for training, 12,000 for validation."""
    first = first_of_each_class(digits.labels, THESIS_TRAINING_COUNTS)
    return digits[np.flatnonzero(first)], digits[np.flatnonzero(~first)]


def hold_out(digits: Digits, fraction: float) -> tuple[Digits, Digits]:
    """Hold out the last ``fraction`` of each class; both parts keep the file's order.

    Stratified and deterministic, so that every seed of a study uses the same split.

    Raises:
        UsageError: when the fraction is not between 0 and 1.
    """
    if not 0.0 < fraction < 1.0:
        raise UsageError(f"validation fraction is {fraction:g}; expected more than 0 and less than 1")
    counts = [round(count * (1.0 - fraction)) for count in np.bincount(digits.labels, minlength=10).tolist()]
    first = first_of_each_class(digits.labels, counts)
    return digits[np.flatnonzero(first)], digits[np.flatnonzero(~first)]
