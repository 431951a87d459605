"""Training: takes settings, produces a run folder.

Settings and events are cheap to import; modules that need Keras are loaded lazily, on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from digitlab.stopping import StopRequest
from digitlab.training.config import TrainingConfig, find_recipe, with_options
from digitlab.training.events import EpochEnded, Event, Listener, Progressed, Stage, Started

if TYPE_CHECKING:
    from digitlab.training.experiment import Trained, check, resumed, run_training
    from digitlab.training.loop import History, Loop

__all__ = [
    "EpochEnded", "Event", "History", "Listener", "Loop", "Progressed", "Stage", "Started", "StopRequest", "Trained",
    "TrainingConfig", "check", "find_recipe", "resumed", "run_training", "with_options",
]  # fmt: skip

_MODULES = {
    **dict.fromkeys(("Trained", "check", "resumed", "run_training"), "experiment"),
    **dict.fromkeys(("History", "Loop"), "loop"),
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'digitlab.training' has no attribute {name!r}")
    return getattr(importlib.import_module(f"digitlab.training.{_MODULES[name]}"), name)
