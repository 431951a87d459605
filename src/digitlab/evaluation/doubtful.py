"""MNIST's fifteen disputed test labels, and accuracy on labels that people agree with.

Northcutt, Athalye, Mueller: "Pervasive Label Errors in Test Sets Destabilize Machine Learning Benchmarks", 2021. Five
people looked at each of the 100 test images whose label a network doubted most, and chose between the label and the
network's prediction. For fifteen images fewer than three chose the label. For ten of these, three or more chose the
prediction, which is the label given here (votes: `mturk/mnist_mturk.json` of github.com/cleanlab/label-errors). For
five no label has three votes. Our own view: 947, 2597, 3558 and 6651 clearly are the digit of the majority; the other
six are ambiguous, and four of them have three votes against two.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from digitlab.evaluation.metrics import accuracy_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CORRECTED", "DOUBTFUL", "accuracies", "are_mnists_test_labels", "corrected_labels", "without_doubtful"]

# Row of MNIST's test images → the majority's digit. In brackets: MNIST's label, votes for it : for ours.
CORRECTED = {
    947: 9,  # (8, 0:5)
    1621: 6,  # (0, 2:3)
    1901: 4,  # (9, 2:3)
    2462: 0,  # (2, 0:4)
    2597: 3,  # (5, 0:4)
    3558: 0,  # (5, 1:4)
    5937: 3,  # (5, 1:3)
    6651: 6,  # (0, 0:5)
    6783: 6,  # (1, 2:3)
    9729: 6,  # (5, 2:3)
}
_UNDECIDED = (2130, 2654, 3520, 8527, 9679)
DOUBTFUL = tuple(sorted((*CORRECTED, *_UNDECIDED)))

_IMAGES = 10_000
_DIGEST = "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"  # SHA-256 of MNIST's test labels, as bytes


def are_mnists_test_labels(labels: NDArray[np.integer]) -> bool:
    """Return whether labels (N,) are those of MNIST's 10,000 test images, in their order.

    Sets derived from them (`sobel`, `0-1`, `mnist-c/…`) have the same labels, and the same disputed ones.
    """
    if labels.shape != (_IMAGES,):
        return False
    return hashlib.sha256(labels.astype(np.uint8).tobytes()).hexdigest() == _DIGEST


def corrected_labels(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return MNIST's test labels with the ten corrections: (10000,), a copy."""
    corrected = labels.copy()
    corrected[list(CORRECTED)] = list(CORRECTED.values())
    return corrected


def without_doubtful() -> NDArray[np.bool_]:
    """Return which of MNIST's test images have an undisputed label: bool (10000,), 9,985 of them true."""
    mask = np.ones(_IMAGES, bool)
    mask[list(DOUBTFUL)] = False
    return mask


def accuracies(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> dict[str, float] | None:
    """Compute accuracies on MNIST's test labels: as they are, with ten corrected, without the fifteen disputed.

    Of predictions (N, 10); None if labels (N,) are not MNIST's test labels. Keys: accuracy_raw, accuracy_corrected,
    accuracy_without.
    """
    if not are_mnists_test_labels(labels):
        return None
    undisputed = without_doubtful()
    return {
        "accuracy_raw": accuracy_of(probabilities, labels),
        "accuracy_corrected": accuracy_of(probabilities, corrected_labels(labels)),
        "accuracy_without": accuracy_of(probabilities[undisputed], labels[undisputed]),
    }
