"""What the digits of a number are evidence of: for each place how likely each digit is, and how likely it is one.

The reader's probabilities are right on the whole and too certain at their ends: of digits that it gives 1 in 10,000,
more than that many stand there. So every digit keeps a floor, by which a list or a check can still be right where the
reader is wrong; the floor and the shares of digits that are overlooked or invented were counted on drawn pages
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

__all__ = ["CARRIED", "Evidence", "evidence_of"]

FLOOR = 1e-3  # of a place's probability: is spread over all ten digits
OVERLOOKED = 0.028  # the share of written digits that no candidate stands for
CARRIED = 0.95  # the probability from which on a value is given that is not the one that was read
LEAST_DOUBT = 1e-3  # that a candidate is no digit: so likely at least


@dataclass(frozen=True, slots=True)
class Evidence:
    """The digits of one number as they were read.

    probabilities: float64 (N, 10), which digit stands at each place, given that one does; each row sums to 1
    present: float64 (N,), how likely a digit stands there at all, 0 … 1
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
    """The evidence of digits in reading order, answered or not; an array (0, 10) of none.

    A digit without probabilities (a reader that does not tell them) is what it was answered as, as surely as its
    confidence says, and any other digit alike.
    """
    rows = [_which(each) for each in digits]
    which = np.array([row for row, _ in rows], np.float64).reshape(-1, 10)
    present = np.array([score for _, score in rows], np.float64)
    which = (1.0 - FLOOR) * which + FLOOR / 10.0
    return Evidence(which, np.clip(present, LEAST_DOUBT, 1.0 - LEAST_DOUBT))


def _which(digit: ReadDigit) -> tuple[NDArray[np.float64], float]:
    """The ten probabilities of a digit, and how likely there is one."""
    if digit.probabilities:
        which = np.asarray(digit.probabilities, np.float64)
        total = float(which.sum())
        if total > 0.0:
            which = which / total
            return which, min(1.0, digit.confidence / float(which.max()))
    which = np.full(10, 0.1)
    if digit.digit is not None:
        sure = min(max(digit.confidence, 0.1), 1.0)
        which = np.full(10, (1.0 - sure) / 9.0)
        which[digit.digit] = sure
    return which, 1.0
