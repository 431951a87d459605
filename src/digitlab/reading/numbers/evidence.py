"""The evidence of a number's digits: for each place the probability of each digit, and that there is one at all.

The reader's probabilities are right on average, but overconfident at the extremes: more than 1 in 10,000 of the digits
to which it gives 1 in 10,000 are right. So every digit keeps a floor, by which a list or a check can still be right
where the reader is wrong; the floor and the rates of overlooked and spurious digits were counted on drawn pages
(tools/fit_numbers.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.values import ReadDigit

__all__ = ["CHANGE_THRESHOLD", "Evidence", "evidence_of"]

FLOOR = 1e-3  # of a place's probability: the part that is spread over all ten digits
OVERLOOKED = 0.024  # the share of written digits without a candidate
CHANGE_THRESHOLD = 0.95  # the probability from which a value is returned that differs from what was read
LEAST_DOUBT = 1e-3  # least probability that a candidate is not a digit


@dataclass(frozen=True, slots=True)
class Evidence:
    """The digits of one number as they were read.

    probabilities: float64 (N, 10), of each digit at each place, given that there is one; each row sums to 1
    present: float64 (N,), probability that there is a digit at all, 0 … 1
    """

    probabilities: NDArray[np.float64]
    present: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.present)

    @property
    def likeliest(self) -> str:
        """The most likely digit of each place."""
        return "".join(map(str, self.probabilities.argmax(axis=1).tolist()))


def evidence_of(digits: Sequence[ReadDigit]) -> Evidence:
    """Collect the evidence of digits in reading order, answered or not; arrays of length 0 if there are none.

    A digit without probabilities (from a reader that provides none) gets its confidence for the answered digit; the
    rest is spread evenly over the other digits.
    """
    rows = [_probabilities_of(each) for each in digits]
    probabilities = np.array([row for row, _ in rows], np.float64).reshape(-1, 10)
    present = np.array([score for _, score in rows], np.float64)
    probabilities = (1.0 - FLOOR) * probabilities + FLOOR / 10.0
    return Evidence(probabilities, np.clip(present, LEAST_DOUBT, 1.0 - LEAST_DOUBT))


def _probabilities_of(digit: ReadDigit) -> tuple[NDArray[np.float64], float]:
    """Return the ten probabilities of a digit, and the probability that there is one."""
    if digit.probabilities:
        probabilities = np.asarray(digit.probabilities, np.float64)
        total = float(probabilities.sum())
        if total > 0.0:
            probabilities = probabilities / total
            return probabilities, min(1.0, digit.confidence / float(probabilities.max()))
    probabilities = np.full(10, 0.1)
    if digit.digit is not None:
        confidence = min(max(digit.confidence, 0.1), 1.0)
        probabilities = np.full(10, (1.0 - confidence) / 9.0)
        probabilities[digit.digit] = confidence
    return probabilities, 1.0
