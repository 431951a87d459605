"""One digit tracked over frames: the public view of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitlab.values import Box

__all__ = ["Track"]


@dataclass(frozen=True, slots=True)
class Track:
    """One digit tracked over frames.

    identity: 1, 2, 3 …, unique for a tracker
    box: bounding box in pixels of the frame it was last seen in
    digit: the digit, once it is decided; None while it is not, or for a mark that is not a digit
    probabilities: ten, class 0 first, averaged over the last frames; they sum to 1
    line: 0 for the first line of the page
    frames: number of frames it was seen in
    changing: whether it is probably still being drawn
    score: the probability that there is a digit at all, averaged over the same frames
    """

    identity: int
    box: Box
    digit: int | None
    probabilities: tuple[float, ...]
    line: int
    frames: int
    changing: bool
    score: float = 1.0

    @property
    def confidence(self) -> float:
        """Confidence, defined as in a still reading: the score times the largest probability."""
        return self.score * max(self.probabilities)
