"""How jobs are done: the `digitlab.scheduling.protocol.Work` of studies and tuning.

Quick to import: what trains is loaded by the workers alone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from digitlab.studies.job import Job
from digitlab.training.events import EpochEnded, Progressed, Started

if TYPE_CHECKING:
    from digitlab.scheduling.protocol import Inputs, Tell
    from digitlab.stopping import StopRequest
    from digitlab.studies.work.data import Find
    from digitlab.training.events import Event, Listener

__all__ = ["VARIABLES", "check", "do", "environment", "inputs", "result_of"]

# The order of sums depends on the number of threads, and with it the last digits of a result: a cell trains on one,
# whatever the machine has and whichever engine runs it. Two cells side by side on two cores took 46 s where one after
# the other on two threads each took 62 s (`good`, three epochs).
VARIABLES = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

_BETWEEN = 0.5  # seconds between two messages of progress


def environment() -> dict[str, Any]:
    """Processor, versions and commit; the network library is loaded here."""
    from digitlab.training.experiment import environment as of_run

    found = of_run(0)
    del found["seed"]  # the cell has its own
    return found


def inputs(job: dict[str, Any]) -> Inputs:
    """The images that a job needs, see `digitlab.studies.work.data.inputs_of`."""
    from digitlab.studies.work.data import inputs_of

    return inputs_of(Job(**job))


def check(job: dict[str, Any]) -> None:
    """Refuse settings that cannot be trained with.

    Raises:
        UsageError: for an unknown architecture, option, optimiser, schedule or augmentation.
    """
    if job["kind"] == "count-parameters":
        return
    from digitlab.errors import UsageError
    from digitlab.training.assembly import network_of, optimiser_of
    from digitlab.training.augmentation import augmentation

    training = Job(**job).training
    if training.members > 1:
        raise UsageError(f"members is {training.members}; a study trains single networks: expected 1")
    network_of(training)
    optimiser_of(training, steps=1)
    augmentation(training.augmentation)


def do(job: dict[str, Any], *, inputs: Inputs, tell: Tell, stop: StopRequest, keep_state: bool) -> dict[str, Any]:
    """See `digitlab.scheduling.protocol.Work.do`, and `result_of`."""
    from digitlab.studies.work.data import find_in

    return result_of(Job(**job), find=find_in(inputs), listener=_Progress(tell), stop=stop, keep_state=keep_state)


def result_of(job: Job, *, find: Find, listener: Listener, stop: StopRequest, keep_state: bool) -> dict[str, Any]:
    """The result of a job, as values that JSON can hold.

    find: the datasets by name
    keep_state: save checkpoints at `Job.checkpoint` and resume from them

    Raises:
        Interrupted: when it was asked to stop.
        DigitlabError: for whatever is wrong with the settings or the data.
    """
    if job.kind in ("count-parameters", "weigh"):
        from digitlab.studies.work.networks import count, weigh

        return count(job) if job.kind == "count-parameters" else weigh(job)
    from digitlab.studies.work.training import find_rate, train

    if job.kind == "find-rate":
        return find_rate(job, find, listener, stop)
    return train(job, find, listener, stop, keep_state=keep_state)


class _Progress:
    """A listener that tells how far a training is.

    done: epochs, with the fraction of the next one; epochs: at most; loss: mean of this epoch so far
    accuracies: [epoch, accuracy] after each whole epoch since the job was given, where images are watched
    """

    def __init__(self, tell: Tell) -> None:
        self._tell, self._told = tell, 0.0
        self._epochs = self._batches = 1
        self._accuracies: list[tuple[int, float]] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._epochs, self._batches = event.epochs, event.batches
        if isinstance(event, Progressed) and time.monotonic() - self._told >= _BETWEEN:
            self._told = time.monotonic()
            self._say(event.epoch - 1 + event.batch / self._batches, event.loss)
        if isinstance(event, EpochEnded) and event.validation_accuracy is not None:
            self._accuracies.append((event.epoch, float(f"{event.validation_accuracy:.5g}")))
            self._say(event.epoch, event.loss)

    def _say(self, done: float, loss: float) -> None:
        self._tell({"done": round(done, 3), "epochs": self._epochs, "loss": loss, "accuracies": [*self._accuracies]})
