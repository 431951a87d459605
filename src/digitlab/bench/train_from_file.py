"""Training from a file that could be larger than memory, against training from memory."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.bench.train import epochs_of
from digitlab.datasets import load_dataset
from digitlab.datasets.formats import RowSource, dataset_writer, open_dataset_file
from digitlab.datasets.shuffling import InFile
from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["measure_training_from_file"]


def measure_training_from_file(images: int, rounds: int, say: Callable[[str], None]) -> dict[str, list[float]]:
    """Images a second of S0's 2Conv, "memory" and "file" in turn, after a warm-up round of both.

    The file is an HDF5 in S0's layout, float32.
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
                for way, epoch in epochs.items():
                    began = time.perf_counter()
                    epoch()
                    speed = images / (time.perf_counter() - began)
                    if number:
                        speeds[way].append(speed)
                        say(f"training from {way}, round {number}: {speed:,.0f} images/s")
    return speeds
