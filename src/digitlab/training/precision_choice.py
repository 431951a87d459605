"""Choose the faster precision for this network on this processor: time some steps in both, and cache the result.

A processor that multiplies bfloat16 is faster with it where products are most of the work. In a network of a few narrow
layers, the element-wise work besides them (widening, narrowing, normalising) costs more in bfloat16 than the products
save: a step of `tiny` takes 2.4 times as long, of `fast` 0.8, of `good` 0.7, of S0's 2Conv 0.55 times.

Measurements are kept in the cache folder, so that the same settings give the same weights on the same machine. The
precision that a run was started with is in its `environment.json`, and it is resumed with that.
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

__all__ = ["PRECISIONS", "Choice", "choose_precision", "precision_of_run"]

PRECISIONS = ("bfloat16", "float32")
# float32 must be faster by this factor: smaller differences are noise, and the recipes' kept results are bfloat16's.
_CLEARLY_FASTER = 1.15
# Minimum steps of a training that is worth measuring: an epoch of MNIST in batches of 128 has 469. For a shorter one,
# the processor decides even if a measurement is cached: its weights must not depend on what was trained before it.
_FEWEST_STEPS = 400
_IMAGES = 256  # per round, in each precision
_ROUNDS = 5
_LONGEST = 1.0  # seconds that all rounds may take; compiling both networks takes another half to one second
_FEWEST = 2  # minimum number of rounds, however long they take

_known: dict[str, dict[str, float]] = {}  # cache file → precision → seconds per round


@dataclass(frozen=True, slots=True)
class Choice:
    """precision: "bfloat16" or "float32"; reason: why, in words."""

    precision: str
    reason: str


def precision_of_run(run: Run, training: TrainingConfig, images: int, listener: Listener) -> Choice:
    """Return the precision that ``run`` was started with if it is being resumed, else `choose_precision`."""
    if training.precision != "auto" or not run.environment.is_file():
        return choose_precision(training, images, listener)
    try:
        stored = run.read_json(run.environment).get("precision")
    except RunError:
        stored = None
    return Choice(str(stored), "as when it was started") if stored in PRECISIONS else _by_processor()


def choose_precision(training: TrainingConfig, images: int, listener: Listener) -> Choice:
    """Return the requested precision; for "auto" the faster one, measured in one to three seconds.

    Nothing is measured if the processor does not multiply bfloat16, if the training of ``images`` images is too short
    to benefit from it, or if it was measured before.

    Raises:
        UsageError: for an unknown architecture, option, optimiser, schedule or augmentation.
    """
    if training.precision != "auto":
        return Choice(training.precision, "as asked")
    if not processor_multiplies_bfloat16() or training.epochs * -(-images // training.batch_size) < _FEWEST_STEPS:
        return _by_processor()
    settings = _relevant_settings(training)
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    path = cache_folder() / "precision" / f"{key}.json"
    seconds = _known.get(str(path)) or _load(path)
    if seconds is None:
        listener(Stage("measuring whether this network is quicker in bfloat16 or in float32"))
        seconds = _measure(training)
        _store(path, seconds, settings)
    _known[str(path)] = seconds
    return _faster(seconds)


def _by_processor() -> Choice:
    return Choice("bfloat16" if processor_multiplies_bfloat16() else "float32", "chosen for this processor")


def _faster(seconds: dict[str, float]) -> Choice:
    gain = seconds["bfloat16"] / seconds["float32"]
    if gain > _CLEARLY_FASTER:
        return Choice("float32", f"measured: {gain:.1f} times as quick here as bfloat16")
    if gain > 1 / _CLEARLY_FASTER:
        return Choice("bfloat16", "measured: about as quick here as float32")
    return Choice("bfloat16", f"measured: {1 / gain:.1f} times as quick here as float32")


def _relevant_settings(training: TrainingConfig) -> dict[str, Any]:
    """Collect everything that the duration of a step depends on."""
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


def _load(path: Path) -> dict[str, float] | None:
    """Load an earlier measurement; None if there is none, or if the file is damaged: it is then measured again."""
    try:
        content = json.loads(path.read_text("utf-8"))
        seconds = {name: float(content["seconds"][name]) for name in PRECISIONS}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return seconds if all(0 < value < np.inf for value in seconds.values()) else None


def _store(path: Path, seconds: dict[str, float], settings: dict[str, Any]) -> None:
    """Cache a measurement for later trainings; without a cache folder, only this process remembers it."""
    try:
        write_text(path, json.dumps({"seconds": seconds, **settings}, indent=1) + "\n")
    except StorageError:
        return


def _measure(training: TrainingConfig) -> dict[str, float]:
    """Measure seconds per round in each precision: medians of alternating rounds, since the machine's load varies."""
    rounds = {name: _rounds_of(replace(training, precision=name)) for name in PRECISIONS}
    for run_round in rounds.values():
        run_round()  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in PRECISIONS}
    start = time.perf_counter()
    for number in range(_ROUNDS):
        if number >= _FEWEST and time.perf_counter() - start > _LONGEST:
            break
        for name, run_round in rounds.items():
            round_start = time.perf_counter()
            run_round()
            seconds[name].append(time.perf_counter() - round_start)
    rounds.clear()
    release_memory()
    return {name: statistics.median(times) for name, times in seconds.items()}


def _rounds_of(training: TrainingConfig) -> Callable[[], object]:
    """Return a function that trains its own network on batches of noise: image content does not affect the time."""
    rng, batches = np.random.default_rng(0), max(1, _IMAGES // training.batch_size)
    count = batches * training.batch_size
    digits = Digits(
        rng.integers(0, 256, (count, 28, 28), np.uint8), rng.integers(0, 10, count).astype(np.uint8)
    )  # fmt: skip
    loop = loop_of(replace(training, patience=None), digits, None)
    # Divergence at too high a learning rate is reported by the training itself, not here.
    return lambda: loop.run(len(loop.history.epochs) + 1, lambda _: None, StopRequest(), through_nan=True)
