"""Trainings and learning-rate range tests as cells: no run folder and no export, only the numbers."""

from __future__ import annotations

import contextlib
import math
import time
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import RunError, StorageError
from digitlab.evaluation import measure
from digitlab.evaluation.curves import roc_curves
from digitlab.models import predict_probabilities
from digitlab.stopping import Interrupted
from digitlab.studies.work.data import find_for
from digitlab.training.assembly import finished_network, loop_of
from digitlab.training.checkpoint import load_checkpoint, save_checkpoint
from digitlab.training.data import open_training_data
from digitlab.training.events import EpochEnded, Started
from digitlab.training.range_test import range_curve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from digitlab.studies.job import Job
    from digitlab.studies.work.data import Find
    from digitlab.training import History, Listener, Loop, StopRequest
    from digitlab.training.events import Event
    from digitlab.values import Digits

__all__ = ["find_rate", "train"]

_SHARE_OF_SAVING = 0.02  # of the time, at most, goes into saving checkpoints
_FIRST_SAVE = 0.05  # seconds; the assumed duration of the first save
_POINTS = 120  # kept of the curve over batches
_RATES = 150  # kept of the curve of a range test


def train(job: Job, find: Find, listener: Listener, stop: StopRequest, *, keep_state: bool) -> dict[str, Any]:
    """Train, evaluate on the test images, and return what tables and figures need.

    Raises:
        Interrupted: when it was asked to stop; the state after the last epoch stays at `Job.checkpoint`.
    """
    training, start = job.training, time.monotonic()
    with open_training_data(training, find_for(job, find)) as data:
        watched = data.test if job.settings.get("watch") == "test" and data.validation is None else data.validation
        loop = loop_of(training, data.train, watched)
        if keep_state:
            _resume(job, loop)
        resumed = sum(epoch.seconds for epoch in loop.history.epochs)  # these passed before ``start``
        batches, size = loop.batches, loop.model.count_params()
        timed = _Timed(listener)
        timed(Started(len(data.train), len(watched or ()), training.epochs, batches, size, "", ""))
        saver = _Saver(job) if keep_state else None
        history = loop.run(training.epochs, timed, stop, saver, through_nan=True)
        if history.interrupted:
            raise Interrupted
        numbers = _test_numbers(predict_probabilities(finished_network(training, loop), data.test.images), data.test)
    if keep_state:
        _delete_checkpoint(job)
    seconds = sum(epoch.seconds for epoch in history.epochs)
    return {
        **numbers,
        "epochs": len(history.epochs),
        "best_epoch": history.best_epoch or len(history.epochs),
        "ended": history.stopped,
        "seconds": round(seconds, 2),
        "overhead": round(time.monotonic() - start - (seconds - resumed), 2),
        "processor_seconds": [round(each, 3) for each in timed.seconds],
        "images": len(data.train),
        "tested_on": data.tested_on,
        "parameters": size,
        "history": _columns(history),
        "batches": _thinned(history, batches),
    }


def find_rate(job: Job, find: Find, listener: Listener, stop: StopRequest) -> dict[str, Any]:
    """Run a range test: the smoothed curve and the rates read from it; see `digitlab.training.range_test.RangeTest`.

    Raises:
        Interrupted: when it was asked to stop.
    """
    settings, start = job.settings, time.monotonic()
    with open_training_data(job.training, find_for(job, find)) as data:
        result = range_curve(
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
    step = -(-len(result.rates) // _RATES)
    return {
        "steepest": result.steepest,
        "least": result.least,
        "diverged": result.diverged,
        "seconds": round(time.monotonic() - start, 2),
        "rates": _few_digits(result.rates[::step].tolist()),
        "smoothed": _few_digits(result.smoothed[::step].tolist()),
    }


def _test_numbers(probabilities: NDArray[np.float32], test: Digits) -> dict[str, Any]:
    """Accuracy, loss, confusion matrix and AUCs; if any output is not finite, each class has probability 0.1."""
    diverged = not np.isfinite(probabilities).all()
    if diverged:
        probabilities = np.full_like(probabilities, 0.1)
    metrics = measure(probabilities, test.labels)
    areas = [None if curve is None else round(curve.area, 6) for curve in roc_curves(probabilities, test.labels)]
    return {
        "accuracy": metrics.accuracy,
        "loss": metrics.loss,
        "diverged": diverged,
        "test_images": metrics.images,
        "confusion_matrix": metrics.confusion_matrix,
        "areas": areas,
    }


class _Timed:
    """A listener that measures the processor time of each epoch: other programs on the machine do not count.

    seconds: by epoch since the job started, summed over all threads of this process
    """

    def __init__(self, listener: Listener) -> None:
        self._listener, self._began = listener, time.process_time()
        self.seconds: list[float] = []

    def __call__(self, event: Event) -> None:
        self._listener(event)
        if isinstance(event, Started):
            self._began = time.process_time()
        if isinstance(event, EpochEnded):
            now = time.process_time()
            self.seconds.append(now - self._began)
            self._began = now


class _Saver:
    """Saves checkpoints after epochs, as often as `_SHARE_OF_SAVING` of the time allows.

    Where the cache cannot be written, the job goes on without: only a killed one begins again.
    """

    def __init__(self, job: Job) -> None:
        self._path, self._saved, self._duration = job.checkpoint, time.monotonic(), _FIRST_SAVE

    def __call__(self, loop: Loop) -> None:
        start = time.monotonic()
        if start - self._saved >= self._duration / _SHARE_OF_SAVING:
            with contextlib.suppress(StorageError):
                save_checkpoint(self._path, loop)
            self._saved = time.monotonic()
            self._duration = self._saved - start


def _resume(job: Job, loop: Loop) -> None:
    """Resume from a checkpoint; one that does not match, as written by another version, is deleted and raises."""
    path = job.checkpoint
    if path.is_file():
        try:
            load_checkpoint(path, loop)
        except RunError:
            _delete_checkpoint(job)
            raise


def _delete_checkpoint(job: Job) -> None:
    path = job.checkpoint
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty: a second process trains the same cell
        path.parent.rmdir()


def _columns(history: History) -> dict[str, list[Any]]:
    """The history by columns, without epoch numbers, learning rates and speeds."""
    names = ("loss", "accuracy", "validation_loss", "validation_accuracy", "seconds")
    return {name: _few_digits(getattr(epoch, name) for epoch in history.epochs) for name in names}


def _thinned(history: History, batches: int) -> dict[str, Any]:
    """Loss and accuracy over batches, as means of ``each`` consecutive ones; ``batches``: their number per epoch."""
    each = max(1, -(-len(history.batches) // _POINTS))
    blocks = [history.batches[start : start + each] for start in range(0, len(history.batches), each)]
    return {
        "batches": batches,
        "each": each,
        "loss": _few_digits(fmean(loss for *_, loss, _ in block) for block in blocks),
        "accuracy": _few_digits(fmean(accuracy for *_, accuracy in block) for block in blocks),
    }


def _few_digits(values: Iterable[float | None]) -> list[float | None]:
    """Round to five significant digits, which keeps files small; NaN and infinity become None."""
    return [float(f"{value:.5g}") if value is not None and math.isfinite(value) else None for value in values]
