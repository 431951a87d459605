"""Which precision is the quicker one for this network on this processor: some steps of both, measured and remembered.

A processor that multiplies bfloat16 is quicker with it where products are most of the work. Where a network is a few
narrow layers, what is done to each number beside them (widening, narrowing, normalising) costs more in bfloat16 than
the products save: a step of `tiny` takes 2.4 times as long, of `fast` 0.8, of `good` 0.7, of S0's 2Conv 0.55 times.

What was measured is kept in the cache folder, so that the same settings give the same weights on the same machine; what
a run was begun with stands in its `environment.json`, and it is resumed with that.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import RunError, StorageError
from digitlab.models import versions
from digitlab.models.backend import keras, release_memory
from digitlab.stopping import StopRequest
from digitlab.storage import cache_folder, write_text
from digitlab.training.assembly import loop_of
from digitlab.training.events import Stage
from digitlab.training.precision import processor_multiplies_bfloat16, processor_name
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from digitlab.runs import Run
    from digitlab.training.config import TrainingConfig
    from digitlab.training.events import Listener

__all__ = ["PRECISIONS", "Choice", "begun_with", "choose_precision"]

PRECISIONS = ("bfloat16", "float32")
# float32 must win by this: within it a measurement is noise, and the kept results of recipes are bfloat16's.
_QUICKER = 1.15
# Steps of a training that is worth measuring: an epoch of MNIST in batches of 128 has 469. A shorter one goes by the
# processor even where something is remembered: its weights shall not depend on what was trained before it.
_WORTH = 400
_IMAGES = 256  # a round of each precision
_ROUNDS = 5
_LONGEST = 1.0  # seconds that the rounds may take; compiling both takes half a second to a second more
_FEWEST = 2  # rounds, however long they take

_known: dict[str, dict[str, float]] = {}  # seconds a round by precision, by key


@dataclass(frozen=True, slots=True)
class Choice:
    """precision: "bfloat16" or "float32"; reason: why, in words."""

    precision: str
    reason: str


def begun_with(run: Run, training: TrainingConfig, images: int, listener: Listener) -> Choice:
    """What ``run`` was begun with where it goes on, else `choose_precision`."""
    if training.precision != "auto" or not run.environment.is_file():
        return choose_precision(training, images, listener)
    try:
        begun = run.read_json(run.environment).get("precision")
    except RunError:
        begun = None
    return Choice(str(begun), "as it was begun") if begun in PRECISIONS else _by_processor()


def choose_precision(training: TrainingConfig, images: int, listener: Listener) -> Choice:
    """What the settings ask for; for "auto" the quicker one, by a measurement of one to three seconds.

    Nothing is measured where the processor does not multiply bfloat16, where the training of ``images`` images is too
    short to gain by it, and where it was measured before.

    Raises:
        UsageError: for an unknown architecture, option, optimiser, schedule or augmentation.
    """
    if training.precision != "auto":
        return Choice(training.precision, "as asked")
    if not processor_multiplies_bfloat16() or training.epochs * -(-images // training.batch_size) < _WORTH:
        return _by_processor()
    settings = _what_counts(training)
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    path = cache_folder() / "precision" / f"{key}.json"
    seconds = _known.get(str(path)) or _remembered(path)
    if seconds is None:
        listener(Stage("measuring whether this network is quicker in bfloat16 or in float32"))
        seconds = _measured(training)
        _remember(path, seconds, settings)
    _known[str(path)] = seconds
    return _quicker(seconds)


def _by_processor() -> Choice:
    return Choice("bfloat16" if processor_multiplies_bfloat16() else "float32", "chosen for this processor")


def _quicker(seconds: dict[str, float]) -> Choice:
    gain = seconds["bfloat16"] / seconds["float32"]
    if gain > _QUICKER:
        return Choice("float32", f"measured: {gain:.1f} times as quick here as bfloat16")
    if gain > 1 / _QUICKER:
        return Choice("bfloat16", "measured: about as quick here as float32")
    return Choice("bfloat16", f"measured: {1 / gain:.1f} times as quick here as float32")


def _what_counts(training: TrainingConfig) -> dict[str, Any]:
    """What the time of a step depends on."""
    backend = keras.backend.backend()
    return {
        "architecture": training.architecture,
        "options": dict(training.options),
        "dropout": training.dropout,
        "noise": training.noise > 0,
        "augmentation": training.augmentation,
        "optimiser": training.optimiser,
        "batch_size": training.batch_size,
        "processor": processor_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        backend: versions()[backend],
    }


def _remembered(path: Path) -> dict[str, float] | None:
    """What was measured before; None where nothing was, or the file is damaged: it is made again."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        seconds = {name: float(kept["seconds"][name]) for name in PRECISIONS}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return seconds if all(0 < value < np.inf for value in seconds.values()) else None


def _remember(path: Path, seconds: dict[str, float], settings: dict[str, Any]) -> None:
    """For the next training; without a cache folder, for those of this process."""
    try:
        write_text(path, json.dumps({"seconds": seconds, **settings}, indent=1) + "\n")
    except StorageError:
        return


def _measured(training: TrainingConfig) -> dict[str, float]:
    """Seconds of a round in each precision: the median of some, the two by turns, since other work comes and goes."""
    rounds = {name: _rounds_of(replace(training, precision=name)) for name in PRECISIONS}
    for one in rounds.values():
        one()  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in PRECISIONS}
    began = time.perf_counter()
    for number in range(_ROUNDS):
        if number >= _FEWEST and time.perf_counter() - began > _LONGEST:
            break
        for name, one in rounds.items():
            started = time.perf_counter()
            one()
            seconds[name].append(time.perf_counter() - started)
    rounds.clear()
    release_memory()
    return {name: statistics.median(each) for name, each in seconds.items()}


def _rounds_of(training: TrainingConfig) -> Callable[[], object]:
    """A call trains a network of its own on some batches of noise: what the images show does not change the time."""
    rng, batches = np.random.default_rng(0), max(1, _IMAGES // training.batch_size)
    count = batches * training.batch_size
    digits = Digits(
        rng.integers(0, 256, (count, 28, 28), np.uint8), rng.integers(0, 10, count).astype(np.uint8)
    )  # fmt: skip
    loop = loop_of(replace(training, patience=None), digits, None)
    # A rate that is too high shows in the training itself, not here.
    return lambda: loop.run(len(loop.history.epochs) + 1, lambda _: None, StopRequest(), through_nan=True)
