"""All figures of a run, by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from digitlab.evaluation import curves

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure

    from digitlab.reports.records import Record

__all__ = ["Drawing", "drawings_of"]

_MOST_MISTAKES = 20


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that is drawn on demand; ``shows``: the alternative text."""

    shows: str
    draw: Callable[[], Figure]


def drawings_of(record: Record) -> dict[str, Drawing]:
    """Every figure for which the run has data, by name."""
    return {**_of_classes(record.metrics), **_of_predictions(record), **_of_epochs(record), **_of_mistakes(record)}


def _of_classes(metrics: Mapping[str, Any]) -> dict[str, Drawing]:
    from digitlab.reports import figures

    matrix = metrics["confusion_matrix"]
    return {
        "confusion-matrix": Drawing(
            "Confusion matrix: counts by true digit (rows) and predicted digit (columns)",
            lambda: figures.confusion_matrix_figure(matrix),
        ),
        "confusion-matrix-shares": Drawing(
            "Confusion matrix: per cent of each true digit's images (rows) by predicted digit (columns)",
            lambda: figures.confusion_matrix_figure(matrix, shares=True),
        ),
        "classification-report": Drawing(
            "Precision, recall, F1 and support of each digit",
            lambda: figures.classification_report_figure(
                {"precision": metrics["precision"], "recall": metrics["recall"], "F1": metrics["f1"]},
                metrics["support"],
            ),
        ),
        "precision-recall-bars": Drawing(
            "Precision and recall of each digit as bars",
            lambda: figures.precision_recall_bars_figure(metrics["precision"], metrics["recall"]),
        ),
    }


def _of_predictions(record: Record) -> dict[str, Drawing]:
    from digitlab.reports import figures

    answers = record.predictions.probabilities, record.predictions.labels
    roc, mean = cache(partial(curves.roc_curves, *answers)), cache(partial(curves.mean_roc, *answers))
    recalls = cache(partial(curves.precision_recall_curves, *answers))
    return {
        "roc": Drawing(
            "ROC curve of each digit: true positive rate over false positive rate",
            lambda: figures.roc_figure(roc(), mean()),
        ),
        "roc-corner": Drawing(
            "ROC curves near the top left corner", lambda: figures.roc_figure(roc(), mean(), corner=True)
        ),
        "precision-recall": Drawing(
            "Precision–recall curve of each digit", lambda: figures.precision_recall_figure(recalls())
        ),
        "precision-recall-corner": Drawing(
            "Precision–recall curves near the top right corner",
            lambda: figures.precision_recall_figure(recalls(), corner=True),
        ),
        "reliability": Drawing(
            "Reliability diagram: accuracy over confidence",
            lambda: figures.reliability_figure(curves.reliability(*answers)),
        ),
        "error-reject": Drawing(
            "Error–rejection curve: error rate of the remaining predictions when the least confident ones are rejected",
            lambda: figures.error_reject_figure(curves.error_reject(*answers)),
        ),
    }


def _of_epochs(record: Record) -> dict[str, Drawing]:
    from digitlab.reports import figures

    if not record.history:
        return {}
    return {
        f"learning-{name}": Drawing(
            f"Learning curve: {name} of each batch and epoch",
            partial(figures.learning_curves_figure, record.history, record.batches, of=(name,)),
        )
        for name in ("loss", "accuracy")
    }


def _of_mistakes(record: Record) -> dict[str, Drawing]:
    from digitlab.reports import figures

    predictions = record.predictions
    rows = predictions.mistakes[:_MOST_MISTAKES]
    if not record.has_pictures or not len(rows):
        return {}
    return {
        "mistakes": Drawing(
            "The most confident errors with their three most probable classes",
            lambda: figures.mistakes_figure(
                predictions.mistaken_images[:_MOST_MISTAKES],
                predictions.labels[rows].tolist(),
                predictions.probabilities[rows],
                rows.tolist(),
            ),
        )
    }
