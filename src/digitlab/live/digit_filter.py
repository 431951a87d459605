"""Which digit is at a place, and whether it is finished: a continuous-time hidden Markov model, forward-filtered.

Six states: nothing; a stroke is being drawn; the pen is lifted between two strokes (two states in series, so that
pauses have a typical length); the digit is finished; it is finished, and something moves in front of or behind it. The
transition matrix of a step is expm(Q·dt), with dt the seconds between two frames: frames are never counted, so they may
arrive at any rate, irregularly, or be lost.

What is observed in a frame:

- whether the ink differs from that after its last change (`digitlab.live.ink`). Changes are events of a Poisson process
  whose rate depends on the state: often while a stroke is drawn, hardly ever while a digit stands. The state may change
  between two frames: with L the diagonal matrix of the rates, expm((Q - L)·dt) is the step without a change of ink (a
  Markov-modulated Poisson process: W. Fischer, K. Meier-Hellstern, Performance Evaluation 18 (1993), 149-171), and the
  remainder of expm(Q·dt) is the step with one;
- how confident the reader is. Frames that show the same picture have the same errors, so the weight of a frame is
  proportional to the time since the previous one, up to `_SAME_PICTURE`;
- which digit it answers. The class is a second belief, over 0 to 9 and a mark that is not a digit; it is forgotten to
  the extent that the ink has probably changed.

The rates and tables were counted in synthetic sequences: `python bench/steadiness.py learn` (docs/live.md).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.live.config import Steadiness

__all__ = ["ANSWERS", "OTHER", "Answer", "Belief", "DigitFilter", "Seen", "answer_kind"]

OTHER = 10  # the eleventh class: a mark that is not a digit
_NOTHING, _STROKE, _PAUSE, _PAUSED, _QUIET, _BUSY = range(6)
_FINISHED = slice(_QUIET, _BUSY + 1)

Belief: TypeAlias = "tuple[NDArray[np.float64], NDArray[np.float64]]"
"""The probabilities of the six states, and of the eleven classes."""
Answer = Literal["sure", "likely", "doubtful", "declined", "unread", "erased", "covered"]
ANSWERS: tuple[Answer, ...] = ("sure", "likely", "doubtful", "declined", "unread", "erased", "covered")
_SURE, _LIKELY = 0.9, 0.6  # confidences

# Seconds and fractions, counted in synthetic sequences.
_STROKE_TIME = 0.4
_LIFTS = 0.25  # fraction of the strokes that are followed by another
_ERASED = 0.1  # fraction of the changes of ink after which the place is empty
_STANDS = 3.0
_UNTIL_DRAWN = 4.0
_PUSHED = 0.3  # fraction of the digits that are finished when they appear
_PASSES = 0.4  # seconds for which something passes over a digit
_IN_BETWEEN = 5.0  # seconds between two such passes
# Changes of ink per second in each state: nothing, stroke, pause (two states), finished, finished and something moves.
_CHANGES = np.array((4.0, 8.0, 0.5, 0.5, 0.06, 1.5))
# Frequency of the reader's answers in each state (row); columns as ANSWERS.
_GIVEN = np.array(
    (
        (0.02, 0.03, 0.05, 0.02, 0.10, 0.45, 0.33),
        (0.42, 0.29, 0.09, 0.02, 0.09, 0.02, 0.07),
        (0.48, 0.22, 0.10, 0.02, 0.10, 0.01, 0.07),
        (0.48, 0.22, 0.10, 0.02, 0.10, 0.01, 0.07),
        (0.78, 0.13, 0.025, 0.03, 0.027, 0.002, 0.006),
        (0.40, 0.12, 0.06, 0.03, 0.10, 0.01, 0.28),
    )
)
# The same for a mark that is not a digit.
_GIVEN_OTHER = np.array((0.01, 0.03, 0.20, 0.62, 0.12, 0.01, 0.01))
_MISREAD = 0.02  # fraction of the answers for a finished digit that are no better than chance
_MISREAD_KEEPS = 0.15  # minimum factor for the belief that it is finished, in a frame in which another digit is read
_WAVERS, _AGREES = 0.5, 0.85  # likelihood of an unfinished digit if another digit is read, and if the same is
_INDEPENDENT = 0.12  # seconds after which the errors of two frames are independent
_SAME_PICTURE = 0.5  # seconds after which another frame of the same ink is new evidence that it is a digit
_LONGEST_STEP = 1.0  # maximum seconds of a step: a longer gap makes it forget no more


@dataclass(frozen=True, slots=True)
class Seen:
    """The observation of a place in one frame.

    answer: "sure", "likely" or "doubtful": how confident the reader was; "declined": it declined; "unread": it found
        nothing although the ink is still there; "erased": the ink is gone; "covered": something else is there
    changed: whether the ink differs from that after its last change; None if unknown, e.g. when it is covered
    probabilities: ten that sum to 1, if it answered
    """

    answer: Answer
    changed: bool | None
    probabilities: Sequence[float] = ()


def answer_kind(digit: int | None, confidence: float) -> Answer:
    """Classify how confident the reader was.

    >>> answer_kind(7, 0.97), answer_kind(None, 0.4)
    ('sure', 'declined')
    """
    if digit is None:
        return "declined"
    return "sure" if confidence >= _SURE else "likely" if confidence >= _LIKELY else "doubtful"


class DigitFilter:
    """The belief about one place. Not thread-safe.

    stood: probability that the finished digit is still the same, although its ink seemed to change in the last frame
    """

    def __init__(self, steadiness: Steadiness) -> None:
        self._steadiness = steadiness
        self._states = np.array((0.6, 0.29, 0.0, 0.0, 0.11, 0.0))
        self._classes = np.full(11, 1.0 / 11.0)
        self.stood = 1.0

    def step(self, seconds: float, seen: Seen) -> None:
        """Predict the state after this many seconds since the previous frame, then update it with what is seen."""
        seconds = min(max(seconds, 1e-3), _LONGEST_STEP)
        column = ANSWERS.index(seen.answer)
        likely = _GIVEN[:, column].copy()
        likely[_QUIET] += float(self._classes[OTHER]) * (_GIVEN_OTHER[column] - likely[_QUIET])
        likely = likely ** _weight(seconds, _SAME_PICTURE, new=bool(seen.changed))
        before = self._states
        self._states = before @ _step(round(seconds, 3), seen.changed, self._steadiness) * likely
        self.stood = 1.0
        if seen.changed:
            stood = before[_FINISHED] @ _stand(round(seconds, 3), self._steadiness) * likely[_FINISHED]
            self.stood = float(stood.sum() / self._states.sum())
            self._classes = self.stood * self._classes + (1.0 - self.stood) / 11.0
        agreed, weight = self._class(seconds, seen)
        self._states[_FINISHED] *= max(_MISREAD_KEEPS, agreed)
        self._states[:_QUIET] *= (_WAVERS + (_AGREES - _WAVERS) * agreed) ** weight
        self._states /= self._states.sum()

    def _class(self, seconds: float, seen: Seen) -> tuple[float, float]:
        """Update the class; return how well the answer agrees with the previous ones, 0 … 1, and its weight."""
        if seen.answer in ("erased", "covered"):
            return 1.0, 0.0
        weight = _weight(seconds, _INDEPENDENT, new=bool(seen.changed))
        column = ANSWERS.index(seen.answer)
        likely = np.full(11, _GIVEN[_QUIET, column])
        if len(seen.probabilities) == 10 and seen.answer not in ("declined", "unread"):
            likely[:10] *= (1.0 - _MISREAD) * np.asarray(seen.probabilities) + _MISREAD / 10.0
            likely[OTHER] = _GIVEN_OTHER[column] * 0.1
        else:
            likely[OTHER] = _GIVEN_OTHER[column]
        likely = likely**weight
        agreed = float(self._classes @ likely)
        best = float(likely.max()) * float(self._classes @ self._classes)
        self._classes = self._classes * likely / agreed
        return min(1.0, agreed / best), weight

    @property
    def belief(self) -> Belief:
        """The complete belief, to be restored later."""
        return self._states.copy(), self._classes.copy()

    def restore(self, belief: Belief) -> None:
        """Restore an earlier belief."""
        self._states, self._classes = belief[0].copy(), belief[1].copy()

    @property
    def finished(self) -> NDArray[np.float64]:
        """The probability of each finished digit, and of a mark that is not a digit: (11,)."""
        return np.asarray(self._classes * self._states[_FINISHED].sum(), np.float64)

    @property
    def nothing(self) -> float:
        """The probability that nothing is there."""
        return float(self._states[_NOTHING])

    @property
    def drawing(self) -> float:
        """The probability that it is being drawn or erased, or that the pen is lifted between two strokes."""
        return float(self._states[_STROKE : _PAUSED + 1].sum())


def _weight(seconds: float, independent: float, *, new: bool) -> float:
    """Return the weight of a frame, 0 … 1, given those before it."""
    return 1.0 if new else min(1.0, seconds / independent)


@functools.lru_cache(maxsize=1024)
def _step(seconds: float, changed: bool | None, steadiness: Steadiness) -> NDArray[np.float64]:
    """Return the transition matrix over this many seconds, joint with whether the ink changed meanwhile: (6, 6).

    Rows sum to the probability of that observation; to 1 if it is unknown whether the ink changed.
    """
    rates = _rates(steadiness)
    if changed is None:
        return _exponential(rates * seconds)
    calm = _exponential((rates - np.diag(_CHANGES)) * seconds)
    return np.clip(_exponential(rates * seconds) - calm, 0.0, None) if changed else calm


@functools.lru_cache(maxsize=512)
def _stand(seconds: float, steadiness: Steadiness) -> NDArray[np.float64]:
    """Return the part of the step with a change in which the two finished states were never left: (2, 2)."""
    rates = _rates(steadiness)[_FINISHED, _FINISHED]
    calm = _exponential((rates - np.diag(_CHANGES[_FINISHED])) * seconds)
    return np.clip(_exponential(rates * seconds) - calm, 0.0, None)


def _exponential(exponent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the exponential of a matrix, by scaling and squaring."""
    squarings = max(0, int(np.ceil(np.log2(max(np.abs(exponent).max(), 1e-9)))) + 4)
    small, term = exponent / 2.0**squarings, np.eye(len(exponent))
    total = term.copy()
    for order in range(1, 8):
        term = term @ small / order
        total += term
    for _ in range(squarings):
        total = total @ total
    return np.asarray(total, np.float64)


def _rates(steadiness: Steadiness) -> NDArray[np.float64]:
    """Return Q, the transition rates per second, (6, 6); rows sum to 0."""
    rates = np.zeros((6, 6))
    rates[_NOTHING, [_STROKE, _QUIET]] = (1 - _PUSHED) / _UNTIL_DRAWN, _PUSHED / _UNTIL_DRAWN
    ends = 1 - _LIFTS - _ERASED
    rates[_STROKE, [_PAUSE, _QUIET, _NOTHING]] = np.array((_LIFTS, ends, _ERASED)) / _STROKE_TIME
    rates[_PAUSE, _PAUSED] = rates[_PAUSED, _STROKE] = 2 / steadiness.pause
    rates[_QUIET, [_STROKE, _NOTHING, _BUSY]] = 0.7 / _STANDS, 0.3 / _STANDS, 1 / _IN_BETWEEN
    rates[_BUSY, [_QUIET, _STROKE, _NOTHING]] = 1 / _PASSES, 0.5, 0.7 / steadiness.hidden
    np.fill_diagonal(rates, -rates.sum(axis=1))
    return rates
