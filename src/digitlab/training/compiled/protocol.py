"""What both backends share: the training steps of many batches as one call, and the signatures of loss and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Measure", "Objective", "Steps"]

# Labels (B,) and probabilities (B, 10) → what a step lowers.
Objective = Callable[[Any, Any], Any]
# … → (2,), the loss and the accuracy that are reported.
Measure = Callable[[Any, Any], Any]


class Steps(Protocol):
    """Trains on consecutive batches."""

    def __call__(
        self, images: NDArray[np.uint8], labels: NDArray[np.uint8], numbers: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """One step a batch: images (K, B, 28, 28), labels (K, B), numbers for the augmentation (K, B, width).

        A width of 0: these images are not varied.

        Returns (K, 2), each batch's loss and accuracy before its step.

        The loss is the plain cross-entropy, also where the training smooths its labels.
        """
