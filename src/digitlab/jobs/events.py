"""What a job tells its listener while it works. Trainings within a job tell `digitlab.training.events` as well."""

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
    """A piece of work begins whose progress cannot be told; it ends with the next event, or the job.

    expected: seconds that it may take, where that is known
    then: the pieces of work that come after it
    """

    text: str
    expected: float | None = None
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """How far a piece of work is: ``done`` of ``of``, if that is known; ``item``: what is being worked on now."""

    text: str
    done: int
    of: int | None
    unit: str = "images"
    item: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that whoever asked for the job should know."""

    text: str


@dataclass(frozen=True, slots=True)
class SearchBegan:
    """A hyperparameter search: what is searched, and how many of its trials are there already."""

    space: Space
    before: int


@dataclass(frozen=True, slots=True)
class StudiesBegan:
    """A run of studies: how long it takes, and how many of its cells are missing.

    store: where results are kept
    undecided: how many conclusions are to be decided by further cells; None where none are added
    """

    estimate: Estimate
    missing: int
    cells: int
    store: Path
    undecided: int | None = None


# Of the events above, and those of `training.events`, `tuning.events` and `scheduling.protocol` in the jobs that train.
Listener = Callable[[Any], None]


def ignore(_: object) -> None:
    """The listener of those who do not care."""


def loading() -> Work:
    """The network library is about to be imported: some seconds, after a start of the machine many."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    return Work(f"loading {_BACKENDS.get(backend, backend)}")
