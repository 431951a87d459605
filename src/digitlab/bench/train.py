"""Training speed: this package's loop against plain Keras."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from digitlab.bench.machine import describe_machine
from digitlab.bench.peak import Peak, measure_peak
from digitlab.bench.plain_keras import BATCH, PlainKeras
from digitlab.bench.watch import Watch
from digitlab.datasets import load_dataset
from digitlab.models import build
from digitlab.models.backend import dtype_policy, keras
from digitlab.training import Loop, StopRequest
from digitlab.training.optimisers import make_optimiser
from digitlab.training.precision import dtype_policy_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.datasets.shuffling import Shuffled
    from digitlab.training.loop import History
    from digitlab.values import Digits

__all__ = ["TrainingSpeed", "epochs_of", "measure_training"]


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """Images a second, round by round, of both ways; ratios are ours to plain Keras.

    plain_cores, ours_cores: how many cores were at work, round by round; `fit` leaves one of two idle in some calls, at
        random, and is then half as quick (docs/diary.md)
    peak: what the processor multiplies at most
    operations: that training on one image needs, GFLOP
    """

    machine: str
    plain: list[float]
    ours: list[float]
    plain_cores: list[float]
    ours_cores: list[float]
    peak: Peak
    operations: float

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return statistics.median(self.ours) / statistics.median(self.plain)

    @property
    def least_ratio(self) -> float:
        """Our median to plain Keras' quickest round: the same on a day on which `fit` uses all cores in every call."""
        return statistics.median(self.ours) / max(self.plain)

    @property
    def ratios(self) -> list[float]:
        """Round by round."""
        return [ours / plain for ours, plain in zip(self.ours, self.plain, strict=True)]

    @property
    def shares(self) -> dict[str, float]:
        """Of the processor's peak in bfloat16 and in float32, what our training makes of it."""
        rate = statistics.median(self.ours) * self.operations
        return {"bfloat16": rate / self.peak.bfloat16, "float32": rate / self.peak.float32}

    def rows(self) -> list[list[str]]:
        """For a table: way, median, least, most; cores at work, least to most."""
        return [
            [
                name,
                *(f"{value:,.0f}" for value in (statistics.median(speeds), min(speeds), max(speeds))),
                f"{min(cores):.1f} to {max(cores):.1f}",
            ]
            for name, speeds, cores in (
                ("keras.Model.fit, float32", self.plain, self.plain_cores),
                ("digitlab train", self.ours, self.ours_cores),
            )
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        ratios = {"ratio": self.ratio, "least_ratio": self.least_ratio, "ratios": self.ratios}
        return {**asdict(self), **ratios, "shares": self.shares}


def measure_training(images: int, rounds: int, say: Callable[[str], None]) -> TrainingSpeed:
    """Train S0's 2Conv on ``images`` images ``rounds`` times each way, after a warm-up round of both."""
    train = load_dataset("mnist").split("train")[:images]
    plain = PlainKeras("thesis-2conv", train, keras.optimizers.Adadelta(1.0, rho=0.95, epsilon=1e-8)).epoch
    ours = epochs_of(train)
    found: dict[str, list[float]] = {"plain": [], "plain_cores": [], "ours": [], "ours_cores": []}
    for number in range(rounds + 1):
        for name, epoch in (("plain", plain), ("ours", ours)):
            watch = Watch()
            epoch()
            seconds, cores = watch()
            if number:
                found[name].append(len(train) / seconds)
                found[f"{name}_cores"].append(cores)
                way = "keras.Model.fit" if name == "plain" else "digitlab"
                say(f"round {number}: {way} {len(train) / seconds:,.0f} images/s, {cores:.1f} cores at work")
    return TrainingSpeed(describe_machine(), **found, peak=measure_peak(), operations=_operations())


def epochs_of(train: Digits | Shuffled) -> Callable[[], History]:
    """S0's 2Conv in our loop; every call trains one more epoch."""
    keras.utils.set_random_seed(0)
    with dtype_policy(dtype_policy_name("auto")):
        model = build("thesis-2conv")
    optimiser = make_optimiser("adadelta", learning_rate=None, schedule="constant", steps=1)
    loop = Loop(model, optimiser, train, None, batch_size=BATCH, seed=0)
    return lambda: loop.run(len(loop.history.epochs) + 1, lambda _: None, StopRequest())


def _operations() -> float:
    """Of one image of S0's 2Conv in training: forward, and back to inputs and weights; GFLOP.

    Products of convolutions and dense layers only, two operations each; the first convolution's inputs get no slopes.
    """
    multiplied, first = 0, True
    for layer in build("thesis-2conv").layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            kernel, places = math.prod(layer.kernel.shape), math.prod(layer.output.shape[1:-1])
            multiplied += kernel * places * (2 if first else 3)
            first = False
    return 2 * multiplied / 1e9
