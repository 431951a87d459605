"""The interfaces shared by the scheduler's parts: jobs, the modules that do them, worker pools, and messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.stopping import StopRequest

__all__ = [
    "Began", "Done", "Failed", "GaveUp", "Inputs", "Job", "Lost", "Message", "Noted", "Pool", "Progressed", "Report",
    "Stopped", "Watcher", "Work",
]  # fmt: skip

Report = Callable[[Mapping[str, Any]], None]  # takes a job's progress, as plain values
Inputs = Mapping[str, Callable[[], Any]]  # name → function that returns the input


class Job(Protocol):
    """One piece of work."""

    @property
    def digest(self) -> str:
        """The identity: jobs with the same digest have the same result."""

    def as_dict(self) -> dict[str, Any]:
        """Return the job as JSON-serialisable values, so that any process on any machine can do it."""


class Work(Protocol):
    """A module that does jobs, with these names. Whoever starts workers imports it, so its import should be fast.

    VARIABLES: environment variables that a worker starts with
    """

    VARIABLES: Mapping[str, str]

    def environment(self) -> dict[str, Any]:
        """Return what results depend on besides the job, e.g. versions; called once per worker, before any job."""

    def inputs(self, job: dict[str, Any]) -> Inputs:
        """Return large arrays that ``job`` needs, each under a unique name: Ray sends each of them once to a node.

        If a job is given no inputs, it must load them itself.
        """

    def check(self, job: dict[str, Any]) -> None:
        """Reject a job that cannot be done, before hours are spent on others.

        Raises:
            DigitlabError: with a message for the user.
        """

    def do(
        self, job: dict[str, Any], *, inputs: Inputs, report: Report, stop: StopRequest, keep_state: bool
    ) -> Mapping[str, Any]:
        """Do a job and return its result, as JSON-serialisable values.

        report: to be called with the job's progress from time to time
        keep_state: whether to keep a state on this machine's disk, from which the next attempt resumes

        Raises:
            Interrupted: when ``stop`` was requested.
        """


@dataclass(frozen=True, slots=True)
class Began:
    """A job was given to a worker."""

    job: Job


@dataclass(frozen=True, slots=True)
class Progressed:
    """A job's progress, in the format of its `Work`."""

    job: Job
    progress: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """A job's result, and what it depends on besides the job (`Work.environment`); where: on which machine."""

    job: Job
    result: Mapping[str, Any]
    environment: Mapping[str, Any]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A job raised an error; reason: its message, in one line."""

    job: Job
    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A job's worker is gone: killed, out of memory, or its whole machine; ``blame``: the job may be the cause."""

    job: Job
    reason: str
    blame: bool = True


@dataclass(frozen=True, slots=True)
class Stopped:
    """A job stopped because it was asked to; it can be resumed."""

    job: Job


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A job failed and will not be retried; the others continue."""

    job: Job
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A sentence for the user: a node that cannot be used, a worker that was replaced."""

    text: str


Message = Began | Progressed | Done | Failed | Lost | Stopped | GaveUp | Noted
Watcher = Callable[[Message], None]


class Pool(Protocol):
    """Workers that each do one job at a time; a context manager that ends all of them."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def check(self, jobs: Sequence[Job]) -> None:
        """Have a worker check these jobs (`Work.check`).

        Raises:
            DigitlabError: for a job that cannot be done, or when there is no worker.
        """

    @property
    def idle(self) -> int:
        """The number of jobs that could be given out now."""

    def give(self, job: Job) -> None:
        """Give a job to an idle worker."""

    def wait(self, seconds: float) -> Sequence[Message]:
        """Return the workers' messages since the last call; wait at most ``seconds`` for the first.

        Raises:
            DigitlabError: when there are no workers left, and none are expected.
        """

    def stop(self) -> None:
        """Ask all workers to stop soon; each answers with `Stopped`, or with `Done` if it finished before."""

    def cut(self, job: Job) -> None:
        """Ask the worker of this job to stop it soon; it answers as after `stop`, and is then idle."""
