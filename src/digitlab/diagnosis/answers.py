"""The answer of a network: a digit and its confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A digit and its confidence, 0…1."""

    digit: int
    confidence: float

    @classmethod
    def of(cls, probabilities: NDArray[np.floating]) -> Answer:
        """Return the most likely of ten digits."""
        return cls(int(probabilities.argmax()), float(probabilities.max()))

    def __str__(self) -> str:
        """Format it for a sentence.

        >>> str(Answer(5, 0.974))
        '5 (97 %)'
        """
        return f"{self.digit} ({100 * self.confidence:.0f} %)"

    def as_json(self) -> dict[str, Any]:
        """Return the digit, and its confidence to four decimal places."""
        return {"digit": self.digit, "confidence": round(self.confidence, 4)}
