"""Compare building, converting and training from image files, in the thesis' way (S0) and ours, in one run."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from digitlab.bench.dataset_costs import Cost, run_apart
from digitlab.bench.machine import describe_machine
from digitlab.bench.train import measure_training_from_file
from digitlab.datasets import load_dataset
from digitlab.datasets.formats import dataset_writer
from digitlab.datasets.transforms import by_blocks, plain_loop, transform_images

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FULL", "QUICK", "Comparison", "DataSpeed", "Size", "measure_data"]


@dataclass(frozen=True, slots=True)
class Size:
    """The amount of data.

    transformed: images per round; rounds: for everything but training
    dataset: the dataset that is built; made_as_s0: number of images built into a file in S0's way
    records: numbers of records in the converted LMDBs
    trained: images per round of training; epochs: its number of rounds
    """

    transformed: int
    rounds: int
    dataset: str
    made_as_s0: int
    records: tuple[int, ...]
    trained: int
    epochs: int


FULL = Size(30_000, 3, "1-6", 48_000, (20_000, 70_000), 25_600, 3)
QUICK = Size(4_000, 3, "0-1", 4_000, (4_000,), 6_400, 1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measurement of both ways, medians; ``asked`` is digitlab's target."""

    what: str
    unit: Literal["images/s", "s", "MB"]
    theirs: float
    ours: float
    asked: str = ""

    @property
    def ratio(self) -> float | None:
        """Speed-up, or factor of memory saved; None for a division by zero."""
        better, worse = (self.ours, self.theirs) if self.unit == "images/s" else (self.theirs, self.ours)
        return better / worse if worse else None

    def row(self) -> list[str]:
        """Format the measurement as a row of a table."""
        theirs, ours = (f"{value:,.2f}" if self.unit == "s" else f"{value:,.0f}" for value in (self.theirs, self.ours))
        ratio = "–" if self.ratio is None else f"{self.ratio:.2f}"
        return [self.what, self.unit, theirs, ours, ratio, self.asked]


@dataclass(frozen=True, slots=True)
class DataSpeed:
    """Everything that `digitlab bench data` measures."""

    machine: str
    comparisons: list[Comparison]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        rows = [{**asdict(comparison), "ratio": comparison.ratio} for comparison in self.comparisons]
        return {"machine": self.machine, "comparisons": rows}


def measure_data(size: Size, on_progress: Callable[[str], None]) -> DataSpeed:
    """Measure everything; ``on_progress`` is called with progress messages."""
    with tempfile.TemporaryDirectory(prefix="digitlab-bench-") as name:
        folder = Path(name)
        return DataSpeed(
            describe_machine(),
            [
                *_transforming(size, on_progress),
                *_building(size, folder, on_progress),
                *(row for records in size.records for row in _converting(records, size.rounds, folder, on_progress)),
                _training(size, on_progress),
            ],
        )


def _transforming(size: Size, on_progress: Callable[[str], None]) -> list[Comparison]:
    images = load_dataset("mnist").split("train").images[: size.transformed]
    cores = os.cpu_count() or 1
    methods: dict[str, Callable[[], object]] = {
        "loop": lambda: plain_loop(images, np.random.default_rng(0)),
        "one": lambda: by_blocks(transform_images, images, 0, jobs=1),
        "all": lambda: by_blocks(transform_images, images, 0, jobs=cores),
    }
    speeds: dict[str, list[float]] = {method: [] for method in methods}
    for number in range(1, size.rounds + 1):
        on_progress(f"transforming {len(images):,} images, round {number} …")
        for method, make in methods.items():
            speeds[method].append(len(images) / _seconds(make))
    loop, one, threaded = (statistics.median(speeds[method]) for method in methods)
    return [
        Comparison("transformed images, 1 thread", "images/s", loop, one),
        Comparison(f"transformed images, {cores} threads", "images/s", loop, threaded, "2.5 times on 2 cores"),
    ]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _building(size: Size, folder: Path, on_progress: Callable[[str], None]) -> list[Comparison]:
    target = folder / "built.h5"
    data = load_dataset(size.dataset)
    images = sum(data.handmade.size(split) for split in data.splits) if data.handmade else 0
    sources = {"build as S0": str(size.made_as_s0), "build in float32": size.dataset, "build in uint8": size.dataset}
    costs: dict[str, list[Cost]] = {method: [] for method in sources}
    for number in range(1, size.rounds + 1):
        on_progress(f"building {size.dataset}, {images:,} images, round {number} …")
        for method, source in sources.items():
            costs[method].append(run_apart(method, source, target))
    s0_seconds, s0_peak = _medians(costs["build as S0"])
    rows = []
    for dtype in ("float32", "uint8"):
        seconds, peak = _medians(costs[f"build in {dtype}"])
        name = f"{size.dataset} to HDF5, {images:,} images, {dtype}"
        # S0's way takes time linear in the number of images; it is run on fewer, because all of them need gigabytes.
        rows.append(Comparison(name, "s", s0_seconds * images / size.made_as_s0, seconds, "at most 60 s"))
        rows.append(Comparison(f"… peak (S0's way: of {size.made_as_s0:,})", "MB", s0_peak, peak, "at most 600 MB"))
    return rows


def _medians(costs: list[Cost]) -> tuple[float, float]:
    return statistics.median(cost.seconds for cost in costs), statistics.median(cost.peak for cost in costs)


def _converting(records: int, rounds: int, folder: Path, on_progress: Callable[[str], None]) -> list[Comparison]:
    source, target = folder / f"{records}.lmdb", folder / "converted.h5"
    train = load_dataset("mnist").split("train")
    with dataset_writer(source) as sink:
        for start in range(0, records, 1000):
            sink.write(train[np.arange(start, min(start + 1000, records)) % len(train)])
    cases: dict[str, Callable[[], Cost]] = {
        "terminal": lambda: run_apart("convert as S0", source, target, on_terminal=True),
        "silent": lambda: run_apart("convert as S0", source, target),
        "float32": lambda: run_apart("convert to float32", source, target),
        "unflushed": lambda: run_apart("convert to float32", source, target, flush=False),
        "uint8": lambda: run_apart("convert to uint8", source, target),
    }
    costs: dict[str, list[Cost]] = {case: [] for case in cases}
    for number in range(1, rounds + 1):
        on_progress(f"converting an LMDB of {records:,} records, round {number} …")
        for case, measure in cases.items():
            costs[case].append(measure())
    seconds = {case: _medians(measured)[0] for case, measured in costs.items()}
    grown = {case: statistics.median(cost.grown for cost in measured) for case, measured in costs.items()}
    name = f"LMDB to HDF5, {records:,} records"
    return [
        Comparison(f"{name}, float32", "s", seconds["terminal"], seconds["float32"], "10 times"),
        Comparison("… not waiting for the disk, as S0", "s", seconds["terminal"], seconds["unflushed"]),
        Comparison("… S0's script with its output thrown away", "s", seconds["silent"], seconds["unflushed"]),
        Comparison(f"{name}, uint8", "s", seconds["terminal"], seconds["uint8"]),
        Comparison("… memory grown by", "MB", grown["silent"], grown["float32"], "the same for any number"),
    ]


def _training(size: Size, on_progress: Callable[[str], None]) -> Comparison:
    speeds = measure_training_from_file(size.trained, size.epochs, on_progress)
    memory, file = (statistics.median(speeds[method]) for method in ("memory", "file"))
    return Comparison("training from memory, from HDF5", "images/s", memory, file, "0.9 times")
