"""Probabilities, images and numbers → the files of a run folder that say how good a model is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.evaluation.metrics import surest_mistakes
from digitlab.runs import Predictions

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.evaluation.metrics import Metrics
    from digitlab.runs import Run
    from digitlab.values import Digits

__all__ = ["keep"]


def keep(
    run: Run, metrics: Metrics, probabilities: NDArray[np.float32], digits: Digits, about: Mapping[str, Any]
) -> None:
    """Write probabilities (N, 10) of ``digits`` and their metrics into ``run``: `predictions.npz`, `metrics.json`.

    about: what was measured (model, data, split …), kept in the JSON beside the numbers.

    Raises:
        StorageError: when the files cannot be written.
    """
    rows = surest_mistakes(probabilities, digits.labels)
    run.write_predictions(Predictions(probabilities, digits.labels, rows, digits.images[rows]))
    run.write_json(run.metrics, {**about, **metrics.as_dict()})
