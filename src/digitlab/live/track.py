"""One digit followed over frames, as others see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitlab.values import Box

__all__ = ["Track"]


@dataclass(frozen=True, slots=True)
class Track:
    """One digit followed over frames.

    identity: 1, 2, 3 …, unique for a tracker
    box: bounding box in pixels of the frame it was last seen in
    digit: the digit that it surely is; None while it is not
    probabilities: ten, class 0 first, averaged over the last frames; they sum to 1
    line: 0 for the first line of the page
    frames: number of frames it was seen in
    changing: whether it is likely still being drawn
    score: the probability that a digit stands there at all, averaged over the same frames
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
        """As of a still reading: the score times the largest probability."""
        return self.score * max(self.probabilities)
