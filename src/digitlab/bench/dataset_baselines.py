"""Ways to make and convert files of images, S0's and ours, as `digitlab.bench.subprocess_cost` runs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import build_file, load_dataset
from digitlab.datasets.formats import convert
from digitlab.datasets.formats.datum import datum_class
from digitlab.datasets.transforms import plain_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.datasets.formats.hdf5 import PixelType

__all__ = ["WAYS"]


def _convert_as_s0(source: str, target: str) -> None:
    """The script of the thesis ("From LMDB to HDF5"), line for line; only the message class is not its module."""
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
    """Transformed images one after the other into a list, then one array, then the file."""
    import h5py

    source = load_dataset("mnist").split("train")[: int(count)]
    made = plain_loop(source.images, np.random.default_rng(0))
    with h5py.File(target, "w") as file:
        file.create_dataset("data", (len(made), 28, 28, 1), dtype="f")[:] = made[..., np.newaxis].astype(np.float32)
        file.create_dataset("labels", (len(made),), dtype="i")[:] = source.labels


def _converter(dtype: PixelType) -> Callable[[str, str], object]:
    return lambda source, target: convert(source, target, dtype=dtype)


def _builder(dtype: PixelType) -> Callable[[str, str], object]:
    return lambda name, target: build_file(load_dataset(name), Path(target), dtype=dtype)


# Name → function of a source (a file; a set's name; for S0's way of making one, a number of images) and a target.
WAYS: dict[str, Callable[[str, str], object]] = {
    "convert as S0": _convert_as_s0,
    "convert to float32": _converter("float32"),
    "convert to uint8": _converter("uint8"),
    "build as S0": _build_as_s0,
    "build in float32": _builder("float32"),
    "build in uint8": _builder("uint8"),
}
