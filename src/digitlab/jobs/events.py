"""Events that a job sends its listener while it works. Trainings within a job also send `digitlab.training.events`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.studies.running import Estimate
    from digitlab.tuning.space import Space

__all__ = ["Counted", "Listener", "Note", "SearchBegan", "StudiesBegan", "Work", "ignore", "loading"]

_BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work begins whose progress cannot be measured; it ends with the next event, or with the job.

    expected: seconds that it may take, if known
    then: the pieces of work that follow it
    """

    text: str
    expected: float | None = None
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """Progress of a piece of work: ``done`` of ``of``, if that is known; ``item``: what is being worked on now."""

    text: str
    done: int
    of: int | None
    unit: str = "images"
    item: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A message for the user who started the job."""

    text: str


@dataclass(frozen=True, slots=True)
class SearchBegan:
    """A hyperparameter search begins: its search space, and the number of trials that exist already."""

    space: Space
    before: int


@dataclass(frozen=True, slots=True)
class StudiesBegan:
    """A run of studies begins: how long it takes, and how many of its cells are missing.

    store: the folder where results are kept
    undecided: number of conclusions to be decided by further cells; None if none are added
    """

    estimate: Estimate
    missing: int
    cells: int
    store: Path
    undecided: int | None = None


# For the events above and, in jobs that train, of `training.events`, `tuning.events` and `scheduling.protocol`.
Listener = Callable[[Any], None]


def ignore(_: object) -> None:
    """Ignore all events: the default listener."""


def loading() -> Work:
    """Announce that the network library will be imported: this takes some seconds, many more after a reboot."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    return Work(f"loading {_BACKENDS.get(backend, backend)}")
