"""Training time to a test accuracy: our recipe against that of the thesis (S0) in plain Keras; and S4's training."""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.bench.machine import Watch
from digitlab.bench.train import PlainKeras
from digitlab.datasets import load_dataset
from digitlab.models.backend import keras
from digitlab.runs import Run
from digitlab.training import EpochEnded, TrainingConfig, find_recipe, run_training

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Finish", "SameTraining", "measure_notebook", "measure_to_accuracy"]

_MOST_EPOCHS = 30  # S0's recipe was trained for 12


@dataclass(frozen=True, slots=True)
class Finish:
    """Training seconds until a test accuracy is reached, including compilation, without evaluation.

    plain_seconds, plain_epochs: S0's recipe in plain Keras until its first epoch with that accuracy; NaN: never
    ours_seconds, ours_accuracies: of the recipe `fast`, for each seed, after all its epochs
    """

    wanted: float
    plain_seconds: float
    plain_epochs: int
    ours_seconds: list[float]
    ours_accuracies: list[float]

    @property
    def ratio(self) -> float:
        """Ratio of plain Keras' seconds to our median over the seeds."""
        return self.plain_seconds / statistics.median(self.ours_seconds)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "ratio": self.ratio, "ours_mean_accuracy": statistics.mean(self.ours_accuracies)}

    def sentence(self) -> str:
        """State the result in one sentence."""
        return (
            f"to {100 * self.wanted:.1f} %: S0's recipe in plain Keras {self.plain_seconds:.1f} s "
            f"({self.plain_epochs} epochs), `digitlab train fast` {statistics.median(self.ours_seconds):.2f} s "
            f"(mean accuracy {100 * statistics.mean(self.ours_accuracies):.2f} %, {len(self.ours_seconds)} seeds): "
            f"{self.ratio:.1f} times quicker"
        )


def measure_to_accuracy(seeds: int, on_progress: Callable[[str], None], target: float = 0.99) -> Finish:
    """Train S0's recipe until it reaches an accuracy of ``target``, and the recipe `fast` with ``seeds`` seeds."""
    mnist = load_dataset("mnist")
    plain = PlainKeras("thesis-2conv", mnist.split("train"), keras.optimizers.Adadelta(1.0, rho=0.95, epsilon=1e-8))
    seconds, epochs = 0.0, 0
    for epoch in range(1, _MOST_EPOCHS + 1):
        watch = Watch()
        plain.epoch()
        seconds += watch()[0]
        accuracy = plain.accuracy(mnist.split("test"))
        on_progress(f"S0's recipe, plain Keras, epoch {epoch}: {100 * accuracy:.2f} % after {seconds:.1f} s")
        if accuracy >= target:
            epochs = epoch
            break
    ours = [_train(replace(find_recipe(Path("fast")), seed=seed)) for seed in range(seeds)]
    for seed, (seconds_taken, accuracy) in enumerate(ours):
        on_progress(f"digitlab train fast, seed {seed}: {100 * accuracy:.2f} % after {seconds_taken:.2f} s")
    return Finish(
        target,
        seconds if epochs else float("nan"),
        epochs,
        [seconds_taken for seconds_taken, _ in ours],
        [right for _, right in ours],
    )


@dataclass(frozen=True, slots=True)
class SameTraining:
    """S4's network, optimiser, batches and epochs, trained in both ways.

    plain_cores: busy cores with plain Keras, per epoch; see `TrainingSpeed`
    """

    epochs: int
    plain_seconds: float
    plain_accuracy: float
    plain_cores: list[float]
    ours_seconds: float
    ours_accuracy: float

    @property
    def ratio(self) -> float:
        """Ratio of plain Keras' seconds to ours."""
        return self.plain_seconds / self.ours_seconds

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "ratio": self.ratio}

    def sentence(self) -> str:
        """State the result in one sentence."""
        return (
            f"S4, {self.epochs} epochs: plain Keras {self.plain_seconds:.0f} s, {100 * self.plain_accuracy:.2f} % "
            f"({min(self.plain_cores):.1f} to {max(self.plain_cores):.1f} cores at work); "
            f"digitlab {self.ours_seconds:.0f} s, {100 * self.ours_accuracy:.2f} %: {self.ratio:.2f} times quicker"
        )


def measure_notebook(on_progress: Callable[[str], None], epochs: int = 12) -> SameTraining:
    """Train S4's network as S4 did, in plain Keras and in digitlab; compare test accuracies after the last epoch."""
    mnist = load_dataset("mnist")
    our_seconds, accuracy = _train(TrainingConfig("notebook-cnn", epochs=epochs))
    on_progress(f"S4, digitlab: {100 * accuracy:.2f} % after {our_seconds:.1f} s")
    plain = PlainKeras("notebook-cnn", mnist.split("train"), keras.optimizers.Adadelta(1.0, rho=0.95, epsilon=1e-8))
    seconds, cores = 0.0, []
    for _ in range(epochs):
        watch = Watch()
        plain.epoch()
        epoch_seconds, busy_cores = watch()
        seconds += epoch_seconds
        cores.append(busy_cores)
    right = plain.accuracy(mnist.split("test"))
    on_progress(f"S4, plain Keras: {100 * right:.2f} % after {seconds:.1f} s")
    return SameTraining(epochs, seconds, right, cores, our_seconds, accuracy)


def _train(training: TrainingConfig) -> tuple[float, float]:
    """Train; return the seconds that the epochs took, and the test accuracy after the last."""
    ends: list[EpochEnded] = []
    with tempfile.TemporaryDirectory() as folder:
        trained = run_training(
            training,
            Run.create("bench", Path(folder)),
            listener=lambda event: ends.append(event) if isinstance(event, EpochEnded) else None,
        )
    return sum(end.seconds for end in ends), trained.metrics.accuracy
