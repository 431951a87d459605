"""What a search tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitlab.tuning.parameters import Label
    from digitlab.tuning.search import Trial

__all__ = ["Event", "Listener", "Moved", "Noted", "TrialBegan", "TrialEnded"]


@dataclass(frozen=True, slots=True)
class TrialBegan:
    """A trial was proposed, or an interrupted one goes on."""

    number: int
    labels: Mapping[str, Label]


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a trial is: its ``job``, from 1 to ``jobs``, and epochs of it; the mean accuracy so far, or None."""

    number: int
    job: int
    jobs: int
    epochs: float
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial is complete, pruned or failed; the best number of a complete one so far, if any."""

    trial: Trial
    best: int | None


@dataclass(frozen=True, slots=True)
class Noted:
    """A sentence for the user."""

    text: str


Event = TrialBegan | Moved | TrialEnded | Noted
Listener = Callable[[Event], None]
