"""Probabilities and labels → metrics, intervals, comparisons. Imports no network library."""

from __future__ import annotations

from digitlab.evaluation.metrics import REPLICAS, Metrics, accuracy_of, log_loss_of, measure, surest_mistakes
from digitlab.evaluation.reading_files import read_labels, read_probabilities
from digitlab.evaluation.run_files import keep, keep_without_images

__all__ = [
    "REPLICAS", "Metrics", "accuracy_of", "keep", "keep_without_images", "log_loss_of", "measure", "read_labels",
    "read_probabilities", "surest_mistakes",
]  # fmt: skip
