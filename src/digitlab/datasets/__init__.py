"""Where images come from: MNIST (shipped), splits, and what is drawn from them."""

from __future__ import annotations

from digitlab.datasets.catalogue import Dataset, SplitSummary, dataset_names, load_dataset, summarise
from digitlab.datasets.splits import hold_out

__all__ = ["Dataset", "SplitSummary", "dataset_names", "hold_out", "load_dataset", "summarise"]
