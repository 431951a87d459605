"""Training: settings in, a run folder out."""

from __future__ import annotations

from digitlab.training.events import EpochEnded, Event, Listener, Progressed, Stage, Started
from digitlab.training.experiment import Trained, check, resumed, run_training
from digitlab.training.loop import History, Loop, StopRequest
from digitlab.training.settings import Training, find_recipe, read_recipe, recipe_names, with_options

__all__ = [
    "EpochEnded",
    "Event",
    "History",
    "Listener",
    "Loop",
    "Progressed",
    "Stage",
    "Started",
    "StopRequest",
    "Trained",
    "Training",
    "check",
    "find_recipe",
    "read_recipe",
    "recipe_names",
    "resumed",
    "run_training",
    "with_options",
]
