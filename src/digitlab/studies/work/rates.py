"""A learning-rate range test as a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.stopping import Interrupted, StopRequest
from digitlab.studies.work.training import few_digits, finding
from digitlab.training.data import open_training_data
from digitlab.training.range_test import range_curve

if TYPE_CHECKING:
    from digitlab.studies.job import Job
    from digitlab.studies.work import Find
    from digitlab.training import Listener

__all__ = ["find_rate"]

_MOST_POINTS = 150


def find_rate(job: Job, find: Find, listener: Listener, stop: StopRequest) -> dict[str, Any]:
    """The smoothed curve, and what is read from it; see `digitlab.training.range_test.RangeTest`."""
    settings = job.settings
    with open_training_data(job.training, finding(job, find)) as data:
        found = range_curve(
            job.training,
            data,
            settings["low"],
            settings["high"],
            passes=settings["passes"],
            listener=listener,
            stop=stop,
        )
    if stop.asked:
        raise Interrupted
    step = -(-len(found.rates) // _MOST_POINTS)
    return {
        "steepest": found.steepest,
        "least": found.least,
        "diverged": found.diverged,
        "rates": few_digits(found.rates[::step].tolist()),
        "smoothed": few_digits(found.smoothed[::step].tolist()),
    }
