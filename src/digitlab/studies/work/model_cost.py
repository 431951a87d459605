"""What a network costs whoever uses it: the size of its file, and the time for one image."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.models import export_onnx, preparation_of
from digitlab.models.export.verify import checking_images
from digitlab.network.classifier import Classifier
from digitlab.training.assembly import network_of
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from digitlab.studies.job import Job

__all__ = ["weigh"]

_BLOCKS, _IMAGES = 9, 60


def weigh(job: Job) -> dict[str, Any]:
    """Parameters, kilobytes of `model.onnx`, and milliseconds for one image in ONNX Runtime on one thread.

    The weights do not matter, so the network is not trained. The time is the least of nine medians: whatever else the
    machine does makes it longer only.
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
            began = time.perf_counter()
            classifier.probabilities(image)
            times.append(time.perf_counter() - began)
        medians.append(statistics.median(times))
    return {
        "parameters": model.count_params(),
        "kilobytes": round(kilobytes, 1),
        "milliseconds": float(f"{1000 * min(medians):.3g}"),
    }
