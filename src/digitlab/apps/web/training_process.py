"""The process of a training that was started on the page.

It gets a `TrainingQuestion` as the first line of its input and the name of the file to write as the second; the line
"stop" ends the training early, the end of the input ends the process. Its argument, if there is one, is the file of a
class's digits, which are trained on as well. It writes one JSON object per line to its output:
``{"event": …, "data": …}``, where the last event is ``done`` or ``failed``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.apps.web.classroom.training import class_digits
from digitlab.apps.web.looking import as_bytes, kernels_of
from digitlab.apps.web.network_schemas import Mistake, TrainingEpoch, TrainingProgress, TrainingQuestion
from digitlab.apps.web.problems import lacking
from digitlab.errors import DigitlabError, MissingExtraError
from digitlab.scheduling.worker import own_stdout

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.apps.web.network_schemas import Kernels
    from digitlab.training import Event, Loop, StopRequest
    from digitlab.values import Digits

    Report = Callable[[str, dict[str, Any]], None]

__all__ = ["main"]

_VALIDATED = 1000  # test images evaluated after each epoch, in a tenth of a second
_MISTAKES = 24
_BATCH = 128
_NICE = 5  # lower priority: the server must answer while we compute


def main() -> None:
    """Train as requested in the input."""
    out = own_stdout()

    def report(event: str, data: dict[str, Any]) -> None:
        out.write(json.dumps({"event": event, "data": data}) + "\n")
        out.flush()

    if hasattr(os, "nice"):
        os.nice(_NICE)
    question = TrainingQuestion.model_validate_json(sys.stdin.readline())
    target = Path(sys.stdin.readline().rstrip("\n"))
    try:
        report("done", _train(question, target, Path(sys.argv[1]) if len(sys.argv) > 1 else None, report))
    except (MissingExtraError, ModuleNotFoundError):
        report("failed", {"error": lacking(MissingExtraError("train", needed_for="training")).detail})
    except DigitlabError as error:
        report("failed", {"error": str(error)})
    except MemoryError:
        report("failed", {"error": "the training does not fit into memory; choose a smaller network"})


def _train(question: TrainingQuestion, target: Path, own: Path | None, report: Report) -> dict[str, Any]:
    """Train and export to ``target``; return whether it was interrupted, and the result on a class's own digits."""
    report("stage", {"text": "loading"})
    from digitlab.datasets import load_dataset
    from digitlab.models import export_onnx, predict_probabilities, preparation_of, versions
    from digitlab.training import StopRequest, TrainingConfig
    from digitlab.training.assembly import finished_network, loop_of
    from digitlab.values import ModelCard

    stop = StopRequest()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    training = TrainingConfig(
        architecture=question.architecture.value, epochs=question.epochs, optimiser="adam", batch_size=_BATCH,
        learning_rate=question.learning_rate, seed=question.seed,
    )  # fmt: skip
    data = load_dataset("mnist")
    rows = np.random.default_rng(question.seed).permutation(60_000)[: question.images]
    test = data.split("test")[np.arange(_VALIDATED) * (10_000 // _VALIDATED)]
    images = data.split("train")[rows]
    class_data = None if own is None else class_digits(own, question.seed)
    loop = loop_of(training, images if class_data is None else class_data.mixed_into(images), test)
    watch = _Watch(test, loop.batches, report)
    history = loop.run(training.epochs, watch.progress, stop, watch.epoch)
    report("stage", {"text": "exporting"})
    model = finished_network(training, loop)
    measured = {
        "dataset": f"{question.images:,} of MNIST's training images"
        + (f" and {class_data.about}" if class_data else ""),
        "seed": question.seed,
        "epochs_trained": len(history.epochs),
    }
    if history.epochs and history.epochs[-1].validation_accuracy is not None:
        measured["test_accuracy"] = round(history.epochs[-1].validation_accuracy, 4)
    card = ModelCard(
        "trained on the page", training.architecture, preparation_of(model), training=measured, versions=versions()
    )
    export_onnx(model, target, card)
    result = None if class_data is None else class_data.result(predict_probabilities(model, class_data.test.images))
    return {"interrupted": history.interrupted, "own": result and result.model_dump()}


def _listen(stop: StopRequest) -> None:
    """Wait for the request to stop; exit at the end of the input, since nobody will use the result then."""
    for line in sys.stdin:
        if line.strip() == "stop":
            stop()
    os._exit(1)


class _Watch:
    """Reports the events of the training."""

    def __init__(self, test: Digits, batches: int, report: Report) -> None:
        self._test, self._batches, self._report = test, batches, report

    def progress(self, event: Event) -> None:
        from digitlab.training import Progressed

        if isinstance(event, Progressed):
            progress = TrainingProgress(
                epoch=event.epoch,
                batch=event.batch,
                batches=self._batches,
                losses=[_finite(each) for each in event.losses],
                accuracies=[_finite(each) for each in event.accuracies],
            )
            self._report("progress", progress.model_dump())

    def epoch(self, loop: Loop) -> None:
        from digitlab.models import predict_probabilities

        ended = loop.history.epochs[-1]
        answers = predict_probabilities(loop.model, self._test.images)
        message = TrainingEpoch(
            epoch=ended.epoch,
            loss=_finite(ended.loss),
            accuracy=_finite(ended.accuracy),
            validation_loss=None if ended.validation_loss is None else _finite(ended.validation_loss),
            validation_accuracy=None if ended.validation_accuracy is None else _finite(ended.validation_accuracy),
            seconds=round(ended.seconds, 3),
            filters=_first_filters(loop.model),
            mistakes=_mistakes(self._test, answers),
        )
        self._report("epoch", message.model_dump(mode="json"))


def _first_filters(model: Any) -> Kernels | None:
    """Return the weights of the first convolution as (filters, input maps, rows, columns)."""
    for layer in model.layers:
        if type(layer).__name__ == "Conv2D":
            weights = np.asarray(layer.get_weights()[0], np.float32)  # (rows, columns, input maps, filters)
            return kernels_of(np.nan_to_num(weights).transpose(3, 2, 0, 1), None)
    return None


def _mistakes(test: Digits, answers: Any) -> list[Mistake]:
    """Return the misclassified images, the most confident first."""
    sure = np.nan_to_num(answers.max(axis=1))
    digits = answers.argmax(axis=1)
    wrong = np.flatnonzero(digits != test.labels)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][:_MISTAKES]
    return [
        Mistake(
            glyph=as_bytes(test.images[row]),
            label=int(test.labels[row]),
            answer=int(digits[row]),
            confidence=round(float(sure[row]), 4),
        )
        for row in wrong
    ]


def _finite(value: float) -> float:
    """Make a value finite, since JSON cannot represent the NaN or infinity of a diverged training."""
    return round(float(np.nan_to_num(value, nan=1e9, posinf=1e9, neginf=-1e9)), 6)


if __name__ == "__main__":
    main()
