"""The events that a search reports to a listener."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.scheduling.protocol import Noted

if TYPE_CHECKING:
    from digitlab.tuning.parameters import Label
    from digitlab.tuning.search import Trial

__all__ = ["Event", "Listener", "Moved", "TrialBegan", "TrialEnded"]


@dataclass(frozen=True, slots=True)
class TrialBegan:
    """A trial was proposed, or an interrupted one is resumed."""

    number: int
    labels: Mapping[str, Label]


@dataclass(frozen=True, slots=True)
class Moved:
    """Progress of a trial: its ``job``, from 1 to ``jobs``, the epochs of it, and the mean accuracy so far, or None."""

    number: int
    job: int
    jobs: int
    epochs: float
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial is complete, pruned or failed; best: number of the best complete trial so far, if there is one."""

    trial: Trial
    best: int | None


Event = TrialBegan | Moved | TrialEnded | Noted
Listener = Callable[[Event], None]
