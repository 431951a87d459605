"""Candidates: where digits may stand on a page, how likely each is one, and which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Candidate", "main_candidate"]

_LARGE = 0.25  # of the picture's area: a digit that fills so much of it is the one that is meant


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where a digit may stand.

    box: x0, y0, x1, y1 in pixels of the picture that was looked at
    score: how likely a digit stands there, 0 … 1
    probabilities: float32 (10,), which digit it is, given that it is one
    place: among a pattern's digits; None without a pattern
    """

    box: tuple[float, float, float, float]
    score: float
    probabilities: NDArray[np.float32]
    place: int | None = None

    @property
    def digit(self) -> int:
        """The likeliest digit."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """How likely the likeliest digit stands there: 0 … 1."""
        return self.score * float(self.probabilities.max())

    @property
    def longest(self) -> float:
        """The box's longer side in pixels."""
        x0, y0, x1, y1 = self.box
        return max(x1 - x0, y1 - y0)


def main_candidate(candidates: list[Candidate], size: tuple[int, int]) -> Candidate | None:
    """The one digit that a picture of this width and height shows: the likeliest, but rather a large one."""

    def weight(candidate: Candidate) -> float:
        x0, y0, x1, y1 = candidate.box
        share = (x1 - x0) * (y1 - y0) / (size[0] * size[1])
        return candidate.score * math.sqrt(math.sqrt(min(share, _LARGE)))

    return max(candidates, key=weight, default=None)
