"""What a network answers: a digit and how likely it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A digit and how likely it is, 0…1."""

    digit: int
    confidence: float

    @classmethod
    def of(cls, probabilities: NDArray[np.floating]) -> Answer:
        """The most likely of ten."""
        return cls(int(probabilities.argmax()), float(probabilities.max()))

    def __str__(self) -> str:
        """As sentences have it.

        >>> str(Answer(5, 0.974))
        '5 (97 %)'
        """
        return f"{self.digit} ({100 * self.confidence:.0f} %)"

    def as_json(self) -> dict[str, Any]:
        """The digit, and its confidence to four places."""
        return {"digit": self.digit, "confidence": round(self.confidence, 4)}
