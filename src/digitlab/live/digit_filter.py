"""What stands at a place, and whether it is finished: a hidden Markov model in continuous time, forward-filtered.

Six states: nothing; a stroke is being drawn; the pen is lifted between two strokes (two states in a row, so that pauses
have a typical length); the digit is finished; it is finished, and something moves over or behind it. The matrix of a
step is expm(Q·dt), with dt the seconds between two frames: nothing counts frames, so they may come at any rate,
unevenly, or be lost.

What is observed in a frame:

- whether the ink is another than when it last changed (`digitlab.live.ink`): an event of a Poisson process whose rate
  depends on the state, often while a stroke is drawn, hardly ever while a digit stands. The state may have been left
  between two frames: with L the rates, expm((Q - L)·dt) is the step in which nothing changed (a Markov-modulated
  Poisson process: W. Fischer, K. Meier-Hellstern, Performance Evaluation 18 (1993), 149-171), and what it leaves of
  expm(Q·dt) the step in which something did;
- how confident the reader is. The errors of frames that show the same picture are the same, so a frame counts as much
  as the time since the one before, up to `_SAME_PICTURE`;
- which digit it answers. Which one stands there is a second belief, over 0 to 9 and a mark that is not a digit, that is
  forgotten as far as the ink likely changed.

The rates and tables were counted in made sequences: `python bench/steadiness.py learn` (docs/live.md).
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

OTHER = 10  # the eleventh class: a mark that is no digit
_NOTHING, _STROKE, _PAUSE, _PAUSED, _QUIET, _BUSY = range(6)
_FINISHED = slice(_QUIET, _BUSY + 1)

Belief: TypeAlias = "tuple[NDArray[np.float64], NDArray[np.float64]]"
"""Of the six states, and of the eleven classes."""
Answer = Literal["sure", "likely", "doubtful", "declined", "unread", "erased", "covered"]
ANSWERS: tuple[Answer, ...] = ("sure", "likely", "doubtful", "declined", "unread", "erased", "covered")
_SURE, _LIKELY = 0.9, 0.6  # confidences

# Seconds and shares, counted in made sequences.
_STROKE_TIME = 0.4
_LIFTS = 0.25  # of the strokes are followed by another
_ERASED = 0.1  # of the changes of ink end in an empty place
_STANDS = 3.0
_UNTIL_DRAWN = 4.0
_PUSHED = 0.3  # of the digits appear finished
_PASSES = 0.4  # something that moves over a digit
_IN_BETWEEN = 5.0  # seconds between two such passes
# Changes of ink a second: nothing, stroke, the two states of a pause, finished, finished while something moves.
_CHANGES = np.array((4.0, 8.0, 0.5, 0.5, 0.06, 1.5))
# How often the reader answers so in each state; columns as ANSWERS.
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
# And of a mark that is not a digit.
_GIVEN_OTHER = np.array((0.01, 0.03, 0.20, 0.62, 0.12, 0.01, 0.01))
_MISREAD = 0.02  # of the answers for a digit that stands are as good as chance
_MISREAD_KEEPS = 0.15  # of the belief that it is finished is left by a frame in which another digit is read
_WAVERS, _AGREES = 0.5, 0.85  # likelihood of what is unfinished where another digit is read, and where the same is
_INDEPENDENT = 0.12  # seconds after which a misread frame says nothing about the next
_SAME_PICTURE = 0.5  # seconds after which another frame of the same ink is new evidence that it is a digit
_LONGEST_STEP = 1.0  # seconds: after a longer gap nothing more is forgotten


@dataclass(frozen=True, slots=True)
class Seen:
    """What a frame shows at a place.

    answer: how the reader answered: surely, likely, doubtfully; it declined; it saw nothing where the ink still is; the
        ink is gone; something else is there
    changed: whether the ink is another than when it last changed; None where it cannot be told, as when it is covered
    probabilities: ten that sum to 1, where it answered
    """

    answer: Answer
    changed: bool | None
    probabilities: Sequence[float] = ()


def answer_kind(digit: int | None, confidence: float) -> Answer:
    """How confident the reader was.

    >>> answer_kind(7, 0.97), answer_kind(None, 0.4)
    ('sure', 'declined')
    """
    if digit is None:
        return "declined"
    return "sure" if confidence >= _SURE else "likely" if confidence >= _LIKELY else "doubtful"


class DigitFilter:
    """The belief about one place. Not thread-safe.

    stood: the probability that what stood there still stands, though its ink seemed to change in the last frame
    """

    def __init__(self, steadiness: Steadiness) -> None:
        self._steadiness = steadiness
        self._states = np.array((0.6, 0.29, 0.0, 0.0, 0.11, 0.0))
        self._classes = np.full(11, 1.0 / 11.0)
        self.stood = 1.0

    def step(self, seconds: float, seen: Seen) -> None:
        """Let this many seconds pass since the frame before, and then see this."""
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
        """See which digit was answered; how well that agrees with the answers before, 0 … 1, and how much it counts."""
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
        """All that it believes, to be restored later."""
        return self._states.copy(), self._classes.copy()

    def restore(self, belief: Belief) -> None:
        """Believe again what was believed."""
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
    """How much a frame counts beside those before it."""
    return 1.0 if new else min(1.0, seconds / independent)


@functools.lru_cache(maxsize=1024)
def _step(seconds: float, changed: bool | None, steadiness: Steadiness) -> NDArray[np.float64]:
    """From the states before to those after so many seconds, and whether the ink changed meanwhile: (6, 6).

    Rows sum to the probability of what was observed; to 1 where it cannot be told whether something changed.
    """
    rates = _rates(steadiness)
    if changed is None:
        return _exponential(rates * seconds)
    calm = _exponential((rates - np.diag(_CHANGES)) * seconds)
    return np.clip(_exponential(rates * seconds) - calm, 0.0, None) if changed else calm


@functools.lru_cache(maxsize=512)
def _stand(seconds: float, steadiness: Steadiness) -> NDArray[np.float64]:
    """The part of the step with a change in which the two finished states were never left: (2, 2)."""
    rates = _rates(steadiness)[_FINISHED, _FINISHED]
    calm = _exponential((rates - np.diag(_CHANGES[_FINISHED])) * seconds)
    return np.clip(_exponential(rates * seconds) - calm, 0.0, None)


def _exponential(exponent: NDArray[np.float64]) -> NDArray[np.float64]:
    """The exponential of a matrix, by scaling and squaring."""
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
    """Q: transitions a second, (6, 6); rows sum to 0."""
    rates = np.zeros((6, 6))
    rates[_NOTHING, [_STROKE, _QUIET]] = (1 - _PUSHED) / _UNTIL_DRAWN, _PUSHED / _UNTIL_DRAWN
    ends = 1 - _LIFTS - _ERASED
    rates[_STROKE, [_PAUSE, _QUIET, _NOTHING]] = np.array((_LIFTS, ends, _ERASED)) / _STROKE_TIME
    rates[_PAUSE, _PAUSED] = rates[_PAUSED, _STROKE] = 2 / steadiness.pause
    rates[_QUIET, [_STROKE, _NOTHING, _BUSY]] = 0.7 / _STANDS, 0.3 / _STANDS, 1 / _IN_BETWEEN
    rates[_BUSY, [_QUIET, _STROKE, _NOTHING]] = 1 / _PASSES, 0.5, 0.7 / steadiness.hidden
    np.fill_diagonal(rates, -rates.sum(axis=1))
    return rates
