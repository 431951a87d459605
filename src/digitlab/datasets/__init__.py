"""Datasets: MNIST (shipped), sets derived from it, files of all usual formats, splits."""

from __future__ import annotations

from digitlab.datasets.catalogue import Dataset, dataset_names, load_dataset
from digitlab.datasets.examining import SplitSummary, summarise_batches
from digitlab.datasets.files import build_file, find_dataset, first_images
from digitlab.datasets.splits import hold_out

__all__ = [
    "Dataset", "SplitSummary", "build_file", "dataset_names", "find_dataset", "first_images", "hold_out",
    "load_dataset", "summarise_batches",
]  # fmt: skip
