"""A class's own digits in a small training: some pupils are left out, for what it says of new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.apps.web.network_schemas import OwnResult
from digitlab.jobs.practice import read_digits_by_writer
from digitlab.values import Digits

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ClassDigits", "class_digits"]

_LEFT_OUT = 4  # every fourth pupil; of one pupil alone, every fourth drawing
_SHARE = 5  # the class's drawings are repeated until they are a fifth of the images, …
_MOST_TIMES = 20  # … or this often: a handful of drawings shall not be learned by heart


@dataclass(frozen=True, slots=True)
class ClassDigits:
    """What is trained on and what is left out for the test; ``pupils`` are those who are left out."""

    train: Digits
    test: Digits
    pupils: int

    @property
    def about(self) -> str:
        """For the model's card."""
        return f"{len(self.train):,} drawings of a class"

    def mixed_into(self, images: Digits) -> Digits:
        """Other images and the class's, each several times."""
        times = int(np.clip(len(images) // (_SHARE * max(len(self.train), 1)), 1, _MOST_TIMES))
        return Digits(
            np.concatenate([images.images, *[self.train.images] * times]),
            np.concatenate([images.labels, *[self.train.labels] * times]),
        )

    def result(self, probabilities: NDArray[np.floating]) -> OwnResult:
        """How many of the left out ones are right: by these probabilities (N, 10), and by the shipped classifier."""
        from digitlab.network.classifier import Classifier, resolve_model

        reader = Classifier(resolve_model(None)).probabilities(self.test.images)
        right, reader_right = (int((each.argmax(axis=1) == self.test.labels).sum()) for each in (probabilities, reader))
        return OwnResult(pupils=self.pupils, images=len(self.test), right=right, reader_right=reader_right)


def class_digits(path: Path, seed: int) -> ClassDigits:
    """Divide the digits of a file by writer.

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
