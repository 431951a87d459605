"""Probabilities and labels → numbers. Knows no network library."""

from __future__ import annotations

from digitlab.evaluation.keeping import keep
from digitlab.evaluation.metrics import Metrics, accuracy_of, log_loss_of, measure, surest_mistakes

__all__ = ["Metrics", "accuracy_of", "keep", "log_loss_of", "measure", "surest_mistakes"]
