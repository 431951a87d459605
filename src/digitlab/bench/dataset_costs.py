"""Time and peak memory of building and converting image files, in S0's way and ours, each in a separate process.

python -m digitlab.bench.dataset_costs "build in uint8" 0-1 OUT.h5
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import build_file, load_dataset
from digitlab.datasets.formats import convert
from digitlab.datasets.formats.datum import datum_class
from digitlab.datasets.transforms import plain_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from digitlab.datasets.formats.hdf5 import PixelType

__all__ = ["WAYS", "Cost", "run_apart"]


def _convert_as_s0(source: str, target: str) -> None:
    """Run the thesis' script ("From LMDB to HDF5"), line by line; only the protobuf class comes from elsewhere."""
    import h5py
    import lmdb

    environment = lmdb.open(source, readonly=True, lock=False)
    cursor = environment.begin().cursor()
    datum = datum_class()()
    x, y, samples = [], [], 0
    for _, value in cursor:
        datum.ParseFromString(value)
        label = np.array(datum.label)
        data = np.array(bytearray(datum.data))
        x.append(data.reshape(datum.width, datum.height, datum.channels).astype("uint8"))
        y.append(label)
        samples += 1
        print("Extracted samples: " + str(samples) + "\n")  # noqa: T201
    with h5py.File(target, "w") as file:
        file.create_dataset("data", (samples, datum.width, datum.height, datum.channels), dtype="f")[:] = np.asarray(x)
        file.create_dataset("labels", (samples,), dtype="i")[:] = np.asarray(y)


def _build_as_s0(count: str, target: str) -> None:
    """Collect transformed images in a list, make it one array, and write that to a file."""
    import h5py

    source = load_dataset("mnist").split("train")[: int(count)]
    transformed = plain_loop(source.images, np.random.default_rng(0))
    with h5py.File(target, "w") as file:
        file.create_dataset("data", (len(transformed), 28, 28, 1), dtype="f")[:] = transformed[..., np.newaxis].astype(
            np.float32
        )
        file.create_dataset("labels", (len(transformed),), dtype="i")[:] = source.labels


def _converter(dtype: PixelType) -> Callable[[str, str], object]:
    return lambda source, target: convert(source, target, dtype=dtype)


def _builder(dtype: PixelType) -> Callable[[str, str], object]:
    return lambda name, target: build_file(load_dataset(name), Path(target), dtype=dtype)


# Name → function of a source (file, dataset's name, or, for building in S0's way, number of images) and a target.
WAYS: dict[str, Callable[[str, str], object]] = {
    "convert as S0": _convert_as_s0,
    "convert to float32": _converter("float32"),
    "convert to uint8": _converter("uint8"),
    "build as S0": _build_as_s0,
    "build in float32": _builder("float32"),
    "build in uint8": _builder("uint8"),
}


_UNFLUSHED = "--unflushed"


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of one run, not including its imports.

    seconds: wall-clock time; busy: CPU time of all cores
    peak: peak memory of the process in MB; grown: its growth since the start; both NaN if unknown
    """

    seconds: float
    busy: float
    peak: float
    grown: float


def run_apart(method: str, source: str | Path, target: Path, *, on_terminal: bool = False, flush: bool = True) -> Cost:
    """Run one of `WAYS` and delete its output.

    on_terminal: connect its stdout to a terminal, which is read line by line, instead of /dev/null
    flush: False leaves the file in the system's cache, as S0's script does; ours waits until it is on disk
    """
    os.sync()  # so that the previous run's writes do not interfere
    command = [sys.executable, "-m", __spec__.name, method, str(source), str(target), *([] if flush else [_UNFLUSHED])]
    try:
        with _screen() if on_terminal else contextlib.nullcontext(subprocess.DEVNULL) as output:
            result = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, check=True)
    finally:
        target.unlink(missing_ok=True)
    return Cost(**json.loads(result.stderr.splitlines()[-1]))


@contextlib.contextmanager
def _screen() -> Iterator[int]:
    """Open a pseudo-terminal whose output is read as fast as possible."""
    master, slave = os.openpty()

    def drain() -> None:
        with contextlib.suppress(OSError):
            while os.read(master, 1 << 16):
                pass

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        yield slave
    finally:
        os.close(slave)
        reader.join()
        os.close(master)


def _main(method: str, source: str, target: str, *options: str) -> None:
    """Run in the child process, and print the cost to stderr."""
    import h5py  # noqa: F401  (imported before the measurement, like lmdb)
    import lmdb  # noqa: F401

    from digitlab.bench.machine import peak_megabytes
    from digitlab.datasets.formats.datum import datum_class

    datum_class()
    if _UNFLUSHED in options:
        os.fsync = lambda fd: None  # noqa: ARG005
    memory_before = peak_megabytes()
    start, busy = time.perf_counter(), time.process_time()
    WAYS[method](source, target)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak = peak_megabytes()
    sys.stderr.write(json.dumps(asdict(Cost(seconds, busy, peak, peak - memory_before))) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
