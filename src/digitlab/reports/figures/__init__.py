"""Functions from arrays to matplotlib figures, in one style (`style.py`)."""

from __future__ import annotations

import digitlab.reports.figures.quiet_start  # noqa: F401 - before any other module imports matplotlib
from digitlab.reports.figures.classes import (
    classification_report_figure,
    precision_recall_bars_figure,
    runs_by_digit_figure,
)
from digitlab.reports.figures.confusion import confusion_matrix_figure
from digitlab.reports.figures.digits import digits_figure, mistakes_figure, sets_figure
from digitlab.reports.figures.filters import filters_figure
from digitlab.reports.figures.learning import learning_curves_figure, learning_rate_figure, runs_figure
from digitlab.reports.figures.saving import save_figure, svg_element
from digitlab.reports.figures.style import canvas, figure_style, palette, styled
from digitlab.reports.figures.thresholds import precision_recall_figure, roc_figure
from digitlab.reports.figures.trust import error_reject_figure, reliability_figure

__all__ = [
    "canvas",
    "classification_report_figure",
    "confusion_matrix_figure",
    "digits_figure",
    "error_reject_figure",
    "figure_style",
    "filters_figure",
    "learning_curves_figure",
    "learning_rate_figure",
    "mistakes_figure",
    "palette",
    "precision_recall_bars_figure",
    "precision_recall_figure",
    "reliability_figure",
    "roc_figure",
    "runs_by_digit_figure",
    "runs_figure",
    "save_figure",
    "sets_figure",
    "styled",
    "svg_element",
]  # fmt: skip
