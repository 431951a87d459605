"""Training as the documents did it: float32 images, one-hot labels, `compile` and `fit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.models import build
from digitlab.models.backend import dtype_policy, keras

if TYPE_CHECKING:
    from digitlab.values import Digits

__all__ = ["BATCH", "PlainKeras"]

BATCH = 128  # S0's and S4's


class PlainKeras:
    """A network in training, in float32."""

    def __init__(self, architecture: str, train: Digits, optimiser: keras.Optimizer, seed: int = 0) -> None:
        keras.utils.set_random_seed(seed)
        with dtype_policy("float32"):
            self._model = build(architecture)
        self._images, self._labels = _as_floats(train)
        self._model.compile(optimizer=optimiser, loss="categorical_crossentropy", metrics=["accuracy"])

    def epoch(self) -> None:
        """Train for one more epoch."""
        self._model.fit(self._images, self._labels, batch_size=BATCH, epochs=1, verbose=0)

    def accuracy(self, test: Digits) -> float:
        """Share of these images that are answered rightly."""
        return float(self._model.evaluate(*_as_floats(test), batch_size=500, verbose=0)[1])


def _as_floats(digits: Digits) -> tuple[object, object]:
    return digits.images.astype("float32"), keras.utils.to_categorical(digits.labels, 10)
