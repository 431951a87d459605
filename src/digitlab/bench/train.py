"""Training speed: our training loop against plain Keras, from memory and from a file, and relative to the CPU peak."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.bench.machine import Watch, describe_machine
from digitlab.datasets import load_dataset
from digitlab.datasets.formats import RowSource, dataset_writer, open_dataset_file
from digitlab.datasets.shuffling import InFile
from digitlab.errors import DatasetError
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

__all__ = [
    "BATCH", "Peak", "PlainKeras", "TrainingSpeed", "epochs_of", "measure_peak", "measure_training",
    "measure_training_from_file",
]  # fmt: skip

BATCH = 128  # as in S0 and S4
AT_WORK = 0.75  # share of the largest number of busy cores in any round: below, one of two was idle for half of it
_SIZE = 2048  # 17 GFLOP per product: larger than every cache, and a fraction of a second


@dataclass(frozen=True, slots=True)
class Peak:
    """Best of several products, in GFLOP/s; a multiplication and an addition are two operations."""

    float32: float
    bfloat16: float


def measure_peak(rounds: int = 5) -> Peak:
    """Time ``rounds`` square matrix products of each type, after a warm-up."""
    return Peak(_fastest("float32", rounds), _fastest("bfloat16", rounds))


def _fastest(dtype: str, rounds: int) -> float:
    left, right = (keras.random.normal((_SIZE, _SIZE), dtype="float32", seed=seed) for seed in (0, 1))
    left, right = keras.ops.cast(left, dtype), keras.ops.cast(right, dtype)
    seconds = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.matmul(left, right)[:1, :1])  # waits for the product
        seconds.append(time.perf_counter() - start)
    return 2 * _SIZE**3 / min(seconds[1:]) / 1e9


class PlainKeras:
    """Training as in the documents: float32 images, one-hot labels, `compile` and `fit`."""

    def __init__(self, architecture: str, train: Digits, optimiser: keras.Optimizer, seed: int = 0) -> None:
        keras.utils.set_random_seed(seed)
        with dtype_policy("float32"):
            self._model = build(architecture)
        self._images, self._labels = _as_floats(train)
        self._model.compile(optimizer=optimiser, loss="categorical_crossentropy", metrics=["accuracy"])

    def epoch(self) -> None:
        """Train for one more epoch."""
        self._model.fit(self._images, self._labels, batch_size=BATCH, epochs=1, verbose=0)

    def accuracy(self, test: Digits) -> float:
        """Return the accuracy on these images."""
        return float(self._model.evaluate(*_as_floats(test), batch_size=500, verbose=0)[1])


def _as_floats(digits: Digits) -> tuple[object, object]:
    return digits.images.astype("float32"), keras.utils.to_categorical(digits.labels, 10)


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """Images per second of both ways, by round; ratios are ours to plain Keras.

    plain_cores, ours_cores: busy cores, by round; `fit` leaves one of two idle in some calls, at random, and then
        is half as fast (docs/diary.md)
    peak: of the CPU, for matrix products
    operations: GFLOP for training on one image
    """

    machine: str
    plain: list[float]
    ours: list[float]
    plain_cores: list[float]
    ours_cores: list[float]
    peak: Peak
    operations: float
    network: str = "thesis-2conv"

    @property
    def ratio(self) -> float:
        """Ratio of the medians."""
        return statistics.median(self.ours) / statistics.median(self.plain)

    @property
    def least_ratio(self) -> float:
        """Ratio of our median to plain Keras' fastest round: unaffected by calls of `fit` that leave cores idle."""
        return statistics.median(self.ours) / max(self.plain)

    @property
    def whole(self) -> list[int]:
        """Rounds, counted from 1, in which both ways had all cores busy."""
        least = AT_WORK * max(*self.plain_cores, *self.ours_cores)
        rounds = enumerate(zip(self.plain_cores, self.ours_cores, strict=True), start=1)
        return [number for number, cores in rounds if min(cores) >= least]

    @property
    def ratio_at_work(self) -> float | None:
        """Ratio of the medians over those rounds; None if there are none."""
        if not self.whole:
            return None
        ours, plain = ([speeds[number - 1] for number in self.whole] for speeds in (self.ours, self.plain))
        return statistics.median(ours) / statistics.median(plain)

    @property
    def ratios(self) -> list[float]:
        """Ratio for each round."""
        return [ours / plain for ours, plain in zip(self.ours, self.plain, strict=True)]

    @property
    def shares(self) -> dict[str, float]:
        """Our training's share of the CPU's peak, in bfloat16 and in float32."""
        rate = statistics.median(self.ours) * self.operations
        return {"bfloat16": rate / self.peak.bfloat16, "float32": rate / self.peak.float32}

    def rows(self) -> list[list[str]]:
        """Return the rows of a table: way, median, minimum, maximum; busy cores, minimum to maximum."""
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
        """Return plain values, for JSON."""
        ratios: dict[str, Any] = {"ratio": self.ratio, "least_ratio": self.least_ratio, "ratios": self.ratios}
        ratios |= {"whole_rounds": self.whole, "ratio_at_work": self.ratio_at_work}
        return {**asdict(self), **ratios, "shares": self.shares}


def measure_training(
    images: int, rounds: int, on_progress: Callable[[str], None], network: str = "thesis-2conv"
) -> TrainingSpeed:
    """Train a network on ``images`` images ``rounds`` times each way, after a warm-up round of both.

    network: an architecture; S0's and S4's are trained with Adadelta
    """
    train = load_dataset("mnist").split("train")[:images]
    plain = PlainKeras(network, train, keras.optimizers.Adadelta(1.0, rho=0.95, epsilon=1e-8)).epoch
    ours = epochs_of(train, network)
    measured: dict[str, list[float]] = {"plain": [], "plain_cores": [], "ours": [], "ours_cores": []}
    for number in range(rounds + 1):
        for name, epoch in (("plain", plain), ("ours", ours)):
            watch = Watch()
            epoch()
            seconds, cores = watch()
            if number:
                measured[name].append(len(train) / seconds)
                measured[f"{name}_cores"].append(cores)
                method = "keras.Model.fit" if name == "plain" else "digitlab"
                on_progress(f"round {number}: {method} {len(train) / seconds:,.0f} images/s, {cores:.1f} cores at work")
    peak, operations = measure_peak(), _operations(network)
    return TrainingSpeed(describe_machine(), **measured, peak=peak, operations=operations, network=network)


def epochs_of(train: Digits | Shuffled, network: str = "thesis-2conv") -> Callable[[], History]:
    """Make a network in our loop, and return a function that trains one more epoch."""
    keras.utils.set_random_seed(0)
    with dtype_policy(dtype_policy_name("auto")):
        model = build(network)
    optimiser = make_optimiser("adadelta", learning_rate=None, schedule="constant", steps=1)
    loop = Loop(model, optimiser, train, None, batch_size=BATCH, seed=0)
    return lambda: loop.run(len(loop.history.epochs) + 1, lambda _: None, StopRequest())


def _operations(network: str) -> float:
    """Compute the GFLOP for training a network on one image: forward, and backward to inputs and weights.

    Counts products in convolutions and dense layers, two operations each; the first layer needs no input gradient.
    """
    multiplied, first = 0, True
    for layer in build(network).layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            kernel, positions = math.prod(layer.kernel.shape), math.prod(layer.output.shape[1:-1])
            multiplied += kernel * positions * (2 if first else 3)
            first = False
    return 2 * multiplied / 1e9


def measure_training_from_file(images: int, rounds: int, on_progress: Callable[[str], None]) -> dict[str, list[float]]:
    """Measure images per second with S0's 2Conv, "memory" and "file" alternately, after a warm-up round of both.

    The file is an HDF5 file in S0's layout, float32.
    """
    train = load_dataset("mnist").split("train")[:images]
    speeds: dict[str, list[float]] = {"memory": [], "file": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.h5"
        with dataset_writer(path) as sink:
            sink.write(train)
        with open_dataset_file(path) as source:
            if not isinstance(source, RowSource):
                raise DatasetError(f"{path}: expected rows that can be read in any order")
            epochs = {"memory": epochs_of(train), "file": epochs_of(InFile(source))}
            for number in range(rounds + 1):
                for method, epoch in epochs.items():
                    start = time.perf_counter()
                    epoch()
                    speed = images / (time.perf_counter() - start)
                    if number:
                        speeds[method].append(speed)
                        on_progress(f"training from {method}, round {number}: {speed:,.0f} images/s")
    return speeds
