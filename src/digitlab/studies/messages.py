"""What workers tell the dispatcher, and the dispatcher whoever watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from digitlab.studies.job import Job

    Watcher = Callable[["Message"], None]

__all__ = ["Began", "Done", "Failed", "GaveUp", "Lost", "Message", "Noted", "Progressed", "Stopped"]


@dataclass(frozen=True, slots=True)
class Began:
    """A job was given to a worker."""

    job: Job


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a job is: of ``epochs`` at most, ``done`` so far, with a fraction of the next.

    accuracies: after each whole epoch since the job was given, where images are watched: epoch and accuracy
    """

    job: Job
    done: float
    epochs: int
    loss: float
    accuracies: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """A job's result, and what it depends on beside the settings (versions, processor); where: on which machine."""

    job: Job
    result: Mapping[str, Any]
    environment: Mapping[str, Any]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A job raised an error, in one line."""

    job: Job
    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker of a job is gone: killed, out of memory, or its whole machine; ``blame``: the job may be why."""

    job: Job
    reason: str
    blame: bool = True


@dataclass(frozen=True, slots=True)
class Stopped:
    """A job was asked to stop, and did; it goes on another time."""

    job: Job


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A job failed for the last time; the others go on."""

    job: Job
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A sentence for the user: a node that cannot be used, a worker that was replaced."""

    text: str


Message = Began | Progressed | Done | Failed | Lost | Stopped | GaveUp | Noted
