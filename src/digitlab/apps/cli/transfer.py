"""`digitlab transfer`."""

from __future__ import annotations

from typing import Any

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.jobs import trainings as jobs
from digitlab.stopping import StopRequest
from digitlab.transfer_learning.settings import Transfer

__all__ = ["transfer"]


@options_of(jobs.transfer, Transfer)
def transfer(*, json: bool = False, **given: Any) -> int:
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
        done = jobs.transfer(**given, listener=view, stop=stop)
    if json:
        say_json(done.as_dict())
        return 0
    before = "" if done.learned.before is None else f", {100 * done.learned.before:.2f} % before"
    say(
        f"{done.data.tested_on}, {done.metrics.images:,} test images: accuracy {100 * done.metrics.accuracy:.2f} %"
        f"{before}, log loss {done.metrics.loss:.4f}; trained on {len(done.data.train):,}"
    )
    if done.learned.model is None:
        advise("no model is saved: this learner cannot be written as layers")
    advise(f"look at {done.run.report}")
    say(str(done.run.path))
    return 0
