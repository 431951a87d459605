"""How the tasks of `digitlab.studies.tasks` are done, in the process that is given the job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.datasets import Dataset
    from digitlab.studies.job import Job
    from digitlab.training import Listener, StopRequest

    Find = Callable[[str], Dataset]

__all__ = ["check_job", "do"]


def check_job(job: Job) -> None:
    """Refuse settings that cannot be done, before hours are spent on others.

    Raises:
        UsageError: for an unknown architecture, option, optimiser, schedule or augmentation.
    """
    if job.kind == "count-parameters":
        return
    from digitlab.errors import UsageError
    from digitlab.training.assembly import network_of, optimiser_of
    from digitlab.training.augmentation import augmentation

    training = job.training
    if training.members > 1:
        raise UsageError(f"members is {training.members}; a study trains single networks: expected 1")
    network_of(training)
    optimiser_of(training, steps=1)
    augmentation(training.augmentation)


def do(job: Job, *, find: Find, listener: Listener, stop: StopRequest, keep_state: bool = True) -> dict[str, Any]:
    """Do a job and return its result: plain values.

    find: the datasets by name
    keep_state: keep the state of a training on the disk of this machine, so that it goes on after a kill

    Raises:
        Interrupted: when it was asked to stop.
        DigitlabError: for whatever is wrong with the settings or the data.
    """
    if job.kind == "count-parameters":
        from digitlab.studies.work.counting import count

        return count(job)
    if job.kind == "find-rate":
        from digitlab.studies.work.rates import find_rate

        return find_rate(job, find, listener, stop)
    if job.kind == "weigh":
        from digitlab.studies.work.model_cost import weigh

        return weigh(job)
    from digitlab.studies.work.training import train

    return train(job, find, listener, stop, keep_state=keep_state)
