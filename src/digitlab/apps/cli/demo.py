"""`digitlab demo`: the whole program in a few minutes, on real digits."""

from __future__ import annotations

import json as json_module
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import complain, say
from digitlab.apps.cli.waiting import Waiting, loading

if TYPE_CHECKING:
    from digitlab.evaluation import Metrics
    from digitlab.live import LiveReading
    from digitlab.runs import Run

__all__ = ["demo"]

_EPOCHS = 8  # S0's network passes 98.5 % after four to five; the rest is for an unlucky seed or processor
_ENOUGH = 0.985
_NUMBERS = ("2017", "31415", "6885", "90210")
_SECONDS_EACH = 2.5


def demo(*, out: Path = Path("demo"), seed: int = 0) -> int:
    """Train a network, evaluate it, export it, write its report, make a video of paper and read it live.

    Ends with 1 when the network is less accurate than 98.5 % or the exported one answers differently.

    For example:
    digitlab demo

    Args:
        out: The folder for all that it makes.
        seed: Of the training and the video.
    """
    began = time.perf_counter()
    run, trained = _train(out, seed)
    exported = _evaluate_exported(run)
    video, shown = _make_video(out, seed)
    right, read, statistics = _read_live(video, shown, run, out / "readings.jsonl")
    same = exported.confusion_matrix == trained.confusion_matrix
    say()
    say(
        f"1. Trained thesis-2conv, a network of two convolutions, on MNIST's 60,000 training images: {_EPOCHS} epochs, "
        f"all of this took {time.perf_counter() - began:.0f} s."
    )
    say(f"2. Accuracy on the 10,000 test images: {100 * trained.accuracy:.2f} %; see {run.report}")
    say(
        f"3. Exported to {run.onnx}: {100 * exported.accuracy:.2f} % in ONNX Runtime, "
        f"{'the same prediction for every image' if same else 'NOT the same predictions'}."
    )
    say(
        f"4. Wrote numbers on paper as a video ({video}) and read it live: {right} of {read} readings right; "
        f"{statistics}"
    )
    say(f"5. Next: digitlab read YOUR-PHOTO.jpg, or look at {out / 'readings.jsonl'}, or open README.md.")
    if trained.accuracy < _ENOUGH or not same:
        complain(f"the demo wants at least {100 * _ENOUGH:.1f} % and equal answers of the exported model")
        return 1
    return 0


def _train(out: Path, seed: int) -> tuple[Run, Metrics]:
    with loading():
        from digitlab.apps.cli.training_view import TrainingView
        from digitlab.runs import Run
        from digitlab.training import TrainingConfig, run_training

    training = TrainingConfig(architecture="thesis-2conv", epochs=_EPOCHS, seed=seed, name="demo")
    run = Run.create("demo", out / "runs")
    with TrainingView() as view:
        return run, run_training(training, run, listener=view).metrics


def _evaluate_exported(run: Run) -> Metrics:
    from digitlab.datasets import load_dataset
    from digitlab.evaluation import measure
    from digitlab.reading import Classifier

    test = load_dataset("mnist").split("test")
    with Waiting() as step:
        step("measuring the exported model with ONNX Runtime")
        return measure(Classifier(run.onnx).probabilities(test.images), test.labels)


def _make_video(out: Path, seed: int) -> tuple[Path, Any]:
    from digitlab.examples.paper_video import make_video

    video = out / "paper.mp4"
    with Waiting() as step:
        step(f"writing {', '.join(_NUMBERS)} on paper, as a video")
        return video, make_video(video, numbers=_NUMBERS, seconds_each=_SECONDS_EACH, seed=seed)


def _read_live(video: Path, shown: Any, run: Run, log: Path) -> tuple[int, int, str]:
    """Readings that equal what the paper showed at that frame, all readings, the speeds in words."""
    from digitlab.live import LiveEngine
    from digitlab.reading import Reader
    from digitlab.storage import write_text

    readings: list[LiveReading] = []
    engine = LiveEngine(str(video), Reader(run.path), mode="page")
    engine.subscribe(readings.append)
    with Waiting() as step:
        step("reading the video live", len(_NUMBERS) * _SECONDS_EACH)
        with engine:
            engine.wait()
            if engine.failure is not None:
                raise engine.failure
    right = sum(
        live.reading.text == next((each.text for each in shown if each.first <= live.frame_number < each.end), "")
        for live in readings
    )
    write_text(log, "\n".join(json_module.dumps(live.as_json()) for live in readings) + "\n")
    return right, len(readings), engine.statistics.describe()
