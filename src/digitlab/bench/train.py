"""Training speed: this package's loop against plain Keras."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from digitlab.bench.machine import describe_machine
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

_BATCH = 128


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """Images a second, round by round, of both ways; ratios are ours to plain Keras."""

    machine: str
    plain: list[float]
    ours: list[float]

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return statistics.median(self.ours) / statistics.median(self.plain)

    @property
    def ratios(self) -> list[float]:
        """Round by round."""
        return [ours / plain for ours, plain in zip(self.ours, self.plain, strict=True)]

    def rows(self) -> list[list[str]]:
        """For a table: way, median, least, most."""
        return [
            [name, *(f"{value:,.0f}" for value in (statistics.median(speeds), min(speeds), max(speeds)))]
            for name, speeds in (("keras.Model.fit, float32", self.plain), ("digitlab train", self.ours))
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "ratio": self.ratio, "ratios": self.ratios}


def measure_training(images: int, rounds: int, say: Callable[[str], None]) -> TrainingSpeed:
    """Train S0's 2Conv on ``images`` images ``rounds`` times each way, after a warm-up round of both."""
    train = load_dataset("mnist").split("train")[:images]
    plain, ours = _plain_keras(train), epochs_of(train)
    speeds: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(rounds + 1):
        for name, epoch in (("plain", plain), ("ours", ours)):
            began = time.perf_counter()
            epoch()
            speed = len(train) / (time.perf_counter() - began)
            if number:
                speeds[name].append(speed)
                say(f"round {number}: {'keras.Model.fit' if name == 'plain' else 'digitlab'} {speed:,.0f} images/s")
    return TrainingSpeed(describe_machine(), **speeds)


def _plain_keras(train: Digits) -> Callable[[], object]:
    """As the documents do it: float32 images, one-hot labels, `compile` and `fit`."""
    keras.utils.set_random_seed(0)
    with dtype_policy("float32"):
        model = build("thesis-2conv")
    x, y = train.images.astype("float32"), keras.utils.to_categorical(train.labels, 10)
    optimiser = keras.optimizers.Adadelta(1.0, rho=0.95, epsilon=1e-8)
    model.compile(optimizer=optimiser, loss="categorical_crossentropy", metrics=["accuracy"])
    return lambda: model.fit(x, y, batch_size=_BATCH, epochs=1, verbose=0)


def epochs_of(train: Digits | Shuffled) -> Callable[[], History]:
    """S0's 2Conv in our loop; every call trains one more epoch."""
    keras.utils.set_random_seed(0)
    with dtype_policy(dtype_policy_name("auto")):
        model = build("thesis-2conv")
    optimiser = make_optimiser("adadelta", learning_rate=None, schedule="constant", steps=1)
    loop = Loop(model, optimiser, train, None, batch_size=_BATCH, seed=0)
    return lambda: loop.run(len(loop.history.epochs) + 1, lambda _: None, StopRequest())
