"""Tasks without training: the parameters of a network, the size of its file, and its latency."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError
from digitlab.models import build, export_onnx, preparation_of
from digitlab.models.backend import keras
from digitlab.models.export.verify import checking_images
from digitlab.network.classifier import Classifier
from digitlab.training.assembly import network_of
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from digitlab.studies.job import Job

__all__ = ["count", "weigh"]

_BLOCKS, _IMAGES = 9, 60

_LAYERS = {
    "dense": lambda size: [keras.layers.Flatten(), keras.layers.Dense(size)],
    "conv": lambda size: [keras.layers.Conv2D(size, 3)],
}


def count(job: Job) -> dict[str, Any]:
    """Count the parameters of an architecture with its options, or of one layer.

    The job's settings: ``architecture`` and ``options``; or ``layer`` ("dense", or "conv" of 3×3), its ``size``, and
    the ``side`` of the square grey image that it takes.

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


def weigh(job: Job) -> dict[str, Any]:
    """Measure parameters, kilobytes of `model.onnx`, and milliseconds for one image in ONNX Runtime on one thread.

    None of these depends on the weights, so the network is not trained. The latency is the lowest of nine medians,
    because other processes can only make it longer.
    """
    model = network_of(job.training)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(model, path, ModelCard("weighed", job.training.architecture, preparation_of(model)))
        kilobytes = path.stat().st_size / 1000
        classifier = Classifier(path, threads=1)
    images = checking_images()[:_IMAGES, None]  # (60, 1, 28, 28): one at a time
    medians = []
    for _ in range(_BLOCKS):
        times = []
        for image in images:
            start = time.perf_counter()
            classifier.probabilities(image)
            times.append(time.perf_counter() - start)
        medians.append(statistics.median(times))
    return {
        "parameters": model.count_params(),
        "kilobytes": round(kilobytes, 1),
        "milliseconds": float(f"{1000 * min(medians):.3g}"),
    }
