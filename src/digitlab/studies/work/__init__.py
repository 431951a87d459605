"""Execution of jobs: the `digitlab.scheduling.protocol.Work` of studies and tuning.

Fast to import: only the workers load the training code.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from digitlab.studies.job import Job
from digitlab.training.events import EpochEnded, Progressed, Started

if TYPE_CHECKING:
    from digitlab.scheduling.protocol import Inputs, Report
    from digitlab.stopping import StopRequest
    from digitlab.studies.work.data import Find
    from digitlab.training.events import Event, Listener

__all__ = ["VARIABLES", "check", "do", "environment", "inputs", "result_of"]

# The order of summation, and so the last digits of a result, depend on the number of threads: a cell trains on one
# thread, whatever the machine and the engine. Two cells in parallel on two cores took 46 s; one after the other, on two
# threads each, 62 s (`good`, three epochs).
VARIABLES = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

_BETWEEN = 0.5  # seconds between two progress messages


def environment() -> dict[str, Any]:
    """Collect processor, versions and commit; this loads the network library."""
    from digitlab.training.experiment import environment as of_run

    found = of_run(0)
    del found["seed"]  # the cell has its own
    return found


def inputs(job: dict[str, Any]) -> Inputs:
    """The images that a job needs, see `digitlab.studies.work.data.inputs_of`."""
    from digitlab.studies.work.data import inputs_of

    return inputs_of(Job(**job))


def check(job: dict[str, Any]) -> None:
    """Reject settings that cannot be used for training, and folds of images that do not exist.

    Raises:
        UsageError: for an unknown architecture, option, optimiser, schedule or augmentation.
        DatasetError: for folds of an unknown dataset, or one without training images.
    """
    if job["kind"] == "count-parameters":
        return
    from digitlab.datasets import find_dataset
    from digitlab.errors import UsageError
    from digitlab.training.assembly import network_of, optimiser_of
    from digitlab.training.augmentation import augmentation
    from digitlab.training.data import training_split

    training = Job(**job).training
    if training.members > 1:
        raise UsageError(f"members is {training.members}; a study trains single networks: expected 1")
    network_of(training)
    optimiser_of(training, steps=1)
    augmentation(training.augmentation)
    if "folds" in job["settings"]:  # a search has one dataset: without it, every trial would fail, and be kept as such
        training_split(find_dataset(training.dataset))


def do(job: dict[str, Any], *, inputs: Inputs, report: Report, stop: StopRequest, keep_state: bool) -> dict[str, Any]:
    """Do a job: see `digitlab.scheduling.protocol.Work.do`, and `result_of`."""
    from digitlab.studies.work.data import find_in

    return result_of(Job(**job), find=find_in(inputs), listener=_Progress(report), stop=stop, keep_state=keep_state)


def result_of(job: Job, *, find: Find, listener: Listener, stop: StopRequest, keep_state: bool) -> dict[str, Any]:
    """Do a job; returns its result as JSON-serialisable values.

    find: returns a dataset by its name
    keep_state: save checkpoints at `Job.checkpoint` and resume from them

    Raises:
        Interrupted: when it was asked to stop.
        DigitlabError: for invalid settings or data.
    """
    if job.kind in ("count-parameters", "weigh"):
        from digitlab.studies.work.networks import count, weigh

        return count(job) if job.kind == "count-parameters" else weigh(job)
    from digitlab.studies.work.training import find_rate, train

    if job.kind == "find-rate":
        return find_rate(job, find, listener, stop)
    return train(job, find, listener, stop, keep_state=keep_state)


class _Progress:
    """A listener that reports the progress of a training.

    done: finished epochs, with the fraction of the current one; epochs: the maximum; loss: mean of this epoch so far
    accuracies: [epoch, accuracy] after each full epoch since the job started, where validation images are evaluated
    """

    def __init__(self, report: Report) -> None:
        self._report, self._last_report = report, 0.0
        self._epochs = self._batches = 1
        self._accuracies: list[tuple[int, float]] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._epochs, self._batches = event.epochs, event.batches
        if isinstance(event, Progressed) and time.monotonic() - self._last_report >= _BETWEEN:
            self._last_report = time.monotonic()
            self._send(event.epoch - 1 + event.batch / self._batches, event.loss)
        if isinstance(event, EpochEnded) and event.validation_accuracy is not None:
            self._accuracies.append((event.epoch, float(f"{event.validation_accuracy:.5g}")))
            self._send(event.epoch, event.loss)

    def _send(self, done: float, loss: float) -> None:
        self._report({"done": round(done, 3), "epochs": self._epochs, "loss": loss, "accuracies": [*self._accuracies]})
