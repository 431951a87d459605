"""A training as a cell: no run folder and no export, only the numbers."""

from __future__ import annotations

import math
import time
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import RunError
from digitlab.evaluation import measure
from digitlab.evaluation.curves import roc_curves
from digitlab.models import predict_probabilities
from digitlab.stopping import Interrupted
from digitlab.studies.store import checkpoint_of
from digitlab.studies.work.data import folded, shared
from digitlab.training.assembly import finished_network, loop_of
from digitlab.training.checkpoint import load_checkpoint, save_checkpoint
from digitlab.training.data import open_training_data
from digitlab.training.events import Started

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from digitlab.studies.job import Job
    from digitlab.studies.work import Find
    from digitlab.training import History, Listener, Loop, StopRequest
    from digitlab.values import Digits

__all__ = ["few_digits", "finding", "train"]

_SHARE_OF_SAVING = 0.02  # of the time, at most
_FIRST_SAVE = 0.05  # seconds that one takes, as long as it is not known
_POINTS = 120  # of the curve over batches that is kept


def train(job: Job, find: Find, listener: Listener, stop: StopRequest, *, keep_state: bool) -> dict[str, Any]:
    """Train, measure on the test images, and return what tables and figures need.

    Raises:
        Interrupted: when it was asked to stop; the state after the last epoch stays where `checkpoint_of` says.
    """
    training, began = job.training, time.monotonic()
    with open_training_data(training, finding(job, find)) as data:
        watched = data.test if job.settings.get("watch") == "test" and data.validation is None else data.validation
        loop = loop_of(training, data.train, watched)
        if keep_state:
            _go_on(job, loop)
        batches, size = loop.batches, loop.model.count_params()
        listener(Started(len(data.train), len(watched or ()), training.epochs, batches, size, "", ""))
        saver = _Saver(job) if keep_state else None
        history = loop.run(training.epochs, listener, stop, saver, through_nan=True)
        if history.interrupted:
            raise Interrupted
        numbers = _measured(predict_probabilities(finished_network(training, loop), data.test.images), data.test)
    if keep_state:
        _forget(job)
    return {
        **numbers,
        "epochs": len(history.epochs),
        "best_epoch": history.best_epoch or len(history.epochs),
        "ended": history.stopped,
        "seconds": round(sum(epoch.seconds for epoch in history.epochs), 2),
        "overhead": round(time.monotonic() - began - sum(epoch.seconds for epoch in history.epochs), 2),
        "images": len(data.train),
        "tested_on": data.tested_on,
        "parameters": size,
        "history": _columns(history),
        "batches": _thinned(history, batches),
    }


def finding(job: Job, find: Find) -> Find:
    """The datasets as this job sees them: a share, or without a fold."""
    share, folds = job.settings.get("share"), job.settings.get("folds")
    fold = job.settings.get("fold", job.training.seed)

    def found(name: str) -> Any:
        data = find(name)
        if share is not None:
            data = shared(data, share)
        return data if folds is None else folded(data, fold, folds)

    return found


def _measured(probabilities: NDArray[np.float32], test: Digits) -> dict[str, Any]:
    """Accuracy, loss, confusions and areas; a network that came to NaN is taken for one that says 0.1 to everything."""
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


class _Saver:
    """Keeps the state after an epoch, unless epochs are so short that it would be felt."""

    def __init__(self, job: Job) -> None:
        self._path, self._saved, self._takes = checkpoint_of(job), time.monotonic(), _FIRST_SAVE

    def __call__(self, loop: Loop) -> None:
        began = time.monotonic()
        if began - self._saved >= self._takes / _SHARE_OF_SAVING:
            save_checkpoint(self._path, loop)
            self._saved = time.monotonic()
            self._takes = self._saved - began


def _go_on(job: Job, loop: Loop) -> None:
    """Take up a state that was kept; one that does not fit is of an older program, and is dropped."""
    path = checkpoint_of(job)
    if path.is_file():
        try:
            load_checkpoint(path, loop)
        except RunError:
            _forget(job)
            raise


def _forget(job: Job) -> None:
    path = checkpoint_of(job)
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        path.parent.rmdir()


def _columns(history: History) -> dict[str, list[Any]]:
    """The history by columns; epoch numbers, rates and speeds are left to run folders."""
    names = ("loss", "accuracy", "validation_loss", "validation_accuracy", "seconds")
    return {name: few_digits(getattr(epoch, name) for epoch in history.epochs) for name in names}


def _thinned(history: History, batches: int) -> dict[str, Any]:
    """Loss and accuracy over batches, means of ``each`` of them; an epoch has so many ``batches``."""
    each = max(1, -(-len(history.batches) // _POINTS))
    blocks = [history.batches[start : start + each] for start in range(0, len(history.batches), each)]
    return {
        "batches": batches,
        "each": each,
        "loss": few_digits(fmean(loss for *_, loss, _ in block) for block in blocks),
        "accuracy": few_digits(fmean(accuracy for *_, accuracy in block) for block in blocks),
    }


def few_digits(values: Iterable[float | None]) -> list[float | None]:
    """Five digits each, for files that stay small; None for what is no finite number."""
    return [float(f"{value:.5g}") if value is not None and math.isfinite(value) else None for value in values]
