"""A class's own digits in a small training: some pupils are held out, to measure how well it reads new writers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.apps.web.network_schemas import OwnResult
from digitlab.errors import counted
from digitlab.jobs.practice import read_digits_by_writer
from digitlab.values import Digits

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ClassDigits", "class_digits"]

_LEFT_OUT = 4  # every fourth pupil; if there is only one, every fourth drawing
_SHARE = 5  # the class's drawings are repeated until they are a fifth of the images, …
_MOST_TIMES = 20  # … or at most this often, so that a handful of drawings is not memorised


@dataclass(frozen=True, slots=True)
class ClassDigits:
    """The digits to train on and those held out for the test; ``pupils``: number of pupils held out."""

    train: Digits
    test: Digits
    pupils: int

    @property
    def about(self) -> str:
        """Description for the model's card."""
        return f"{counted(len(self.train), 'drawing')} of a class"

    def mixed_into(self, images: Digits) -> Digits:
        """Mix the class's digits, each repeated several times, into other images."""
        times = int(np.clip(len(images) // (_SHARE * max(len(self.train), 1)), 1, _MOST_TIMES))
        return Digits(
            np.concatenate([images.images, *[self.train.images] * times]),
            np.concatenate([images.labels, *[self.train.labels] * times]),
        )

    def result(self, probabilities: NDArray[np.floating]) -> OwnResult:
        """Count the held-out digits that are right: by these probabilities (N, 10), and by the shipped classifier."""
        from digitlab.network.classifier import Classifier, resolve_model

        reader = Classifier(resolve_model(None)).probabilities(self.test.images)
        right, reader_right = (
            int((answers.argmax(axis=1) == self.test.labels).sum()) for answers in (probabilities, reader)
        )
        return OwnResult(pupils=self.pupils, images=len(self.test), right=right, reader_right=reader_right)


def class_digits(path: Path, seed: int) -> ClassDigits:
    """Split the digits of a file by writer.

    Raises:
        DatasetError: for a file without writers.
    """
    digits, writers = read_digits_by_writer(path)
    names = np.random.default_rng(seed).permutation(sorted(set(writers.tolist())))
    if len(names) > 1:
        left_out = names[::_LEFT_OUT]
        tested = np.isin(writers, left_out)
        return ClassDigits(digits[~tested], digits[tested], len(left_out))
    tested = np.arange(len(digits)) % _LEFT_OUT == 0
    return ClassDigits(digits[~tested], digits[tested], 0)
