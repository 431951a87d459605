"""`digitlab transfer`."""

from __future__ import annotations

from typing import Any

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import counted
from digitlab.jobs import trainings as jobs
from digitlab.stopping import StopRequest
from digitlab.transfer_learning.settings import Transfer

__all__ = ["transfer"]


@options_of(jobs.transfer, Transfer)
def transfer(*, json: bool = False, **options: Any) -> int:
    """Transfer learning: adapt a trained network to other images, often few; evaluate, save and export the result.

    The network may be one of keras.applications (VGG16, MobileNetV2 …) with its weights in a file of yours.

    For example:
    digitlab transfer runs/2026-…-thesis-2conv --data fashion-mnist --per-class 100
    digitlab transfer runs/2026-…-thesis-2conv --data digits-8x8 --how features --learner svm
    digitlab transfer runs/2026-…-reader --data my-digits/ --head keep --augmentation handwriting
    digitlab transfer VGG16 --weights vgg16_notop.h5 --data fashion-mnist --how features --per-class 100

    Args:
        json: Results as one JSON object.
    """
    stop = StopRequest()
    with JobView(stop) as view:
        result = jobs.transfer(**options, listener=view, stop=stop)
    if json:
        say_json(result.as_dict())
        return 0
    before = "" if result.learned.before is None else f", {100 * result.learned.before:.2f} % before"
    say(
        f"{result.data.tested_on}, {counted(result.metrics.images, 'test image')}: accuracy "
        f"{100 * result.metrics.accuracy:.2f} %{before}, log loss {result.metrics.loss:.4f}; trained on "
        f"{len(result.data.train):,}"
    )
    if result.learned.model is None:
        advise("no model is saved: this learner cannot be written as layers")
    advise(f"look at {result.run.report}")
    say(str(result.run.path))
    return 0
