"""Counting weights: of an architecture, or of a single layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError
from digitlab.models import build
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from digitlab.studies.job import Job

__all__ = ["count"]

_LAYERS = {
    "dense": lambda size: [keras.layers.Flatten(), keras.layers.Dense(size)],
    "conv": lambda size: [keras.layers.Conv2D(size, 3)],
}


def count(job: Job) -> dict[str, Any]:
    """Settings: architecture and options; or layer ("dense", "conv" of 3×3), size, and side of a square grey image.

    Raises:
        UsageError: for an unknown layer or architecture.
    """
    settings = dict(job.settings)
    if "layer" in settings:
        if settings["layer"] not in _LAYERS:
            raise UsageError(f"there is no layer {settings['layer']!r} to count; known: {', '.join(_LAYERS)}")
        side = settings["side"]
        model = keras.Sequential([keras.Input((side, side, 1)), *_LAYERS[settings["layer"]](settings["size"])])
    else:
        model = build(settings["architecture"], options=settings.get("options"))
    trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return {"parameters": model.count_params(), "trained_parameters": trained}
