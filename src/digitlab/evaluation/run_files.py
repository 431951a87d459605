"""The evaluation files of a run folder: predictions and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.evaluation import doubtful
from digitlab.evaluation.metrics import surest_mistakes
from digitlab.runs import Predictions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from digitlab.evaluation.metrics import Metrics
    from digitlab.runs import Run
    from digitlab.values import Digits

__all__ = ["keep", "keep_predictions", "keep_without_images", "predictions_of"]


def keep(
    run: Run, metrics: Metrics, probabilities: NDArray[np.floating], digits: Digits, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Write probabilities (N, 10) of ``digits`` and their metrics into ``run``: `predictions.npz`, `metrics.json`.

    about: model, data, split …, stored in the JSON with the metrics; for MNIST's test labels, the accuracies without
        disputed ones are added

    Returns:
        The content of `metrics.json`.

    Raises:
        StorageError: when the files cannot be written.
    """
    return keep_predictions(run, metrics, predictions_of(probabilities, digits), about)


def predictions_of(probabilities: NDArray[np.floating], digits: Digits) -> Predictions:
    """Select what to store of probabilities (N, 10) of ``digits``: of the images only the most confident mistakes."""
    rows = surest_mistakes(probabilities, digits.labels)
    return Predictions(probabilities, digits.labels, rows, digits.images[rows])


def keep_without_images(
    run: Run,
    metrics: Metrics,
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Do the same as `keep` for predictions (N, 10) with labels (N,) but no images: no error has a picture.

    Raises:
        StorageError: when the files cannot be written.
    """
    predictions = Predictions(
        probabilities, labels.astype(np.uint8), surest_mistakes(probabilities, labels), np.zeros((0, 28, 28), np.uint8)
    )
    return keep_predictions(run, metrics, predictions, about)


def keep_predictions(run: Run, metrics: Metrics, predictions: Predictions, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write predictions and metrics into ``run``; return the content of `metrics.json`.

    Raises:
        StorageError: when the files cannot be written.
    """
    content = {**about, **metrics.as_dict()}
    without_doubt = doubtful.accuracies(predictions.probabilities, predictions.labels)
    if without_doubt is not None:
        content["doubtful"] = without_doubt
    run.write_predictions(predictions)
    run.write_json(run.metrics, content)
    return content
