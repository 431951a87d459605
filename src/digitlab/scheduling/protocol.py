"""What the parts of the scheduler have in common: jobs, what does them, pools of workers, and their messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.stopping import StopRequest

__all__ = [
    "Began", "Done", "Failed", "GaveUp", "Inputs", "Job", "Lost", "Message", "Noted", "Pool", "Progressed", "Stopped",
    "Tell", "Watcher", "Work",
]  # fmt: skip

Tell = Callable[[Mapping[str, Any]], None]  # takes plain values: how far a job is
Inputs = Mapping[str, Callable[[], Any]]  # by name, what returns it


class Job(Protocol):
    """One piece of work."""

    @property
    def digest(self) -> str:
        """The identity: jobs with the same digest have the same result."""

    def as_dict(self) -> dict[str, Any]:
        """The job as values that JSON can hold, so that any process on any machine can do it."""


class Work(Protocol):
    """What does jobs: a module with these names. It is imported by whoever starts workers, and should be quick to.

    VARIABLES: environment variables that a worker starts with
    """

    VARIABLES: Mapping[str, str]

    def environment(self) -> dict[str, Any]:
        """What results depend on beside the job, e.g. versions; called once in each worker, before its first job."""

    def inputs(self, job: dict[str, Any]) -> Inputs:
        """Large arrays that ``job`` needs, each under a name of its own: Ray sends each of them once to a node.

        The job must find its inputs by itself where it is given none.
        """

    def check(self, job: dict[str, Any]) -> None:
        """Refuse a job that cannot be done, before hours are spent on others.

        Raises:
            DigitlabError: in words for the user.
        """

    def do(
        self, job: dict[str, Any], *, inputs: Inputs, tell: Tell, stop: StopRequest, keep_state: bool
    ) -> Mapping[str, Any]:
        """The result of a job, as values that JSON can hold.

        tell: is to be called with how far it is, now and then
        keep_state: whether to keep a state on this machine's disk, from which the next attempt goes on

        Raises:
            Interrupted: when ``stop`` was asked.
        """


@dataclass(frozen=True, slots=True)
class Began:
    """A job was given to a worker."""

    job: Job


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a job is, in the words of its `Work`."""

    job: Job
    progress: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """A job's result, and what it depends on beside the job (`Work.environment`); where: on which machine."""

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
    """A job was asked to stop, and did; it can be resumed."""

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
Watcher = Callable[[Message], None]


class Pool(Protocol):
    """Workers of which each does one job at a time; a context manager that ends all of them."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def check(self, jobs: Sequence[Job]) -> None:
        """Have a worker check these jobs (`Work.check`).

        Raises:
            DigitlabError: for a job that cannot be done, or where there is no worker.
        """

    @property
    def idle(self) -> int:
        """How many jobs could be given now."""

    def give(self, job: Job) -> None:
        """Give a job to an idle worker."""

    def wait(self, seconds: float) -> Sequence[Message]:
        """The workers' messages since the last call; waits at most ``seconds`` for the first.

        Raises:
            DigitlabError: when there are no workers left, nor will be.
        """

    def stop(self) -> None:
        """Ask all workers to stop soon; each answers with `Stopped`, or with `Done` where that was before."""

    def cut(self, job: Job) -> None:
        """Ask the worker of this job to stop it soon; it answers as after `stop`, and is idle then."""
