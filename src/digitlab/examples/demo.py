"""The whole program in a few minutes, on real digits: a network from its first epoch to the live camera."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.jobs.events import Listener, Work, ignore

if TYPE_CHECKING:
    from digitlab.evaluation import Metrics
    from digitlab.examples.paper_video import Shown
    from digitlab.live import LiveReading
    from digitlab.runs import Run

__all__ = ["EPOCHS", "Demo", "run_demo"]

EPOCHS = 8  # S0's network passes 98.5 % after four to five; the rest is for an unlucky seed or processor
_NUMBERS = ("2017", "31415", "6885", "90210")
_SECONDS_EACH = 2.5


@dataclass(frozen=True, slots=True)
class Demo:
    """The results of the demo.

    trained, exported: metrics of the network in Keras, and of its ONNX file, on the test images
    video: numbers on paper; ``right`` of ``read`` readings equalled the number shown in their frame
    readings: the file with all of them; statistics: speeds in words
    """

    run: Run
    trained: Metrics
    exported: Metrics
    video: Path
    right: int
    read: int
    readings: Path
    statistics: str
    seconds: float

    @property
    def same(self) -> bool:
        """Whether the exported network classifies every image as the trained one does."""
        return self.exported.confusion_matrix == self.trained.confusion_matrix


def run_demo(*, out: Path = Path("demo"), seed: int = 0, listener: Listener = ignore) -> Demo:
    """Train a network, evaluate it, export it, write its report, make a video of paper and read it live.

    Args:
        out: the folder for all results.
        seed: seed of the training and the video.
        listener: receives the events of the training (`digitlab.training.events`), and `Work`.

    Raises:
        StorageError: when something cannot be written.
    """
    from digitlab.examples.paper_video import make_video
    from digitlab.jobs import train
    from digitlab.training import TrainingConfig

    began = time.perf_counter()
    training = TrainingConfig(architecture="thesis-2conv", epochs=EPOCHS, seed=seed, name="demo")
    trained = train(training, runs=out / "runs", listener=listener)
    listener(Work("measuring the exported model with ONNX Runtime"))
    exported = _measured(trained.run.onnx)
    listener(Work(f"writing {', '.join(_NUMBERS)} on paper, as a video"))
    video, readings = out / "paper.mp4", out / "readings.jsonl"
    shown = make_video(video, numbers=_NUMBERS, seconds_each=_SECONDS_EACH, seed=seed)
    listener(Work("reading the video live", len(_NUMBERS) * _SECONDS_EACH))
    right, read, statistics = _read_live(video, shown, trained.run, readings)
    seconds = time.perf_counter() - began
    return Demo(trained.run, trained.metrics, exported, video, right, read, readings, statistics, seconds)


def _measured(model: Path) -> Metrics:
    from digitlab.datasets import load_dataset
    from digitlab.evaluation import measure
    from digitlab.reading import Classifier

    test = load_dataset("mnist").split("test")
    return measure(Classifier(model).probabilities(test.images), test.labels)


def _read_live(video: Path, shown: list[Shown], run: Run, log: Path) -> tuple[int, int, str]:
    """Return how many readings equal the number shown in their frame, how many there are, and the speeds in words."""
    from digitlab.live import LiveEngine
    from digitlab.reading import Reader
    from digitlab.storage import write_text

    readings: list[LiveReading] = []
    engine = LiveEngine(str(video), Reader(run.path), mode="page")
    engine.subscribe(readings.append)
    with engine:
        engine.wait()
        if engine.failure is not None:
            raise engine.failure
    right = sum(
        live.reading.text == next((each.text for each in shown if each.first <= live.frame_number < each.end), "")
        for live in readings
    )
    write_text(log, "\n".join(json.dumps(live.as_json()) for live in readings) + "\n")
    return right, len(readings), engine.statistics.describe()
