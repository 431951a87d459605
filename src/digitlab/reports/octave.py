"""A run folder → `metrics.mat` for Octave, in the format of the thesis S0 (§4.2.1).

One struct, `metrics`; the names of its fields have spaces, and Octave reads them as `metrics.("confusion matrix")`:

    confusion matrix                        10 × 10, counts, true digit by row, predicted digit by column
    loss, accuracy                          of the test images
    precision, recall                       1 × 10, of the digits 0 to 9; NaN where undefined: of a digit that was never
                                            predicted, or has no image
    training                                "y" where the curves below are present, else "n"
    training loss, training accuracy        1 × B, after each batch
    validation loss, validation accuracy    1 × E, after each epoch; NaN where nothing was held out

All numbers are doubles, since Octave rounds the quotient of two integers to an integer. The scripts of 2017 take B / E
as the batches per epoch, so those of an interrupted epoch are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.reports.records import Record
from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.runs import Run

__all__ = ["write_mat"]


def write_mat(run: Run) -> None:
    """Write ``run``'s `metrics.mat` from its `metrics.json` and, where there is a training, its two tables.

    Raises:
        RunError: when it has no metrics, or a file is damaged.
        StorageError: when the file cannot be written.
    """
    from scipy.io import savemat

    record = Record.read(run)
    numbers = ("loss", "accuracy", "precision", "recall")
    fields: dict[str, Any] = {"confusion matrix": np.asarray(record.metrics["confusion_matrix"], np.float64)}
    fields |= {name: np.asarray(record.metrics[name], np.float64) for name in numbers}
    curves = _curves(record)
    fields |= {"training": "y" if curves else "n", **curves}
    with atomic_path(run.mat) as temporary, temporary.open("wb") as file:
        savemat(file, {"metrics": fields}, oned_as="row")


def _curves(record: Record) -> dict[str, NDArray[np.float64]]:
    """The four learning curves; empty where there are none."""
    epochs, batches = record.history, record.batches
    if not epochs or not batches:
        return {}
    whole = np.isin(batches["epoch"], epochs["epoch"])
    return {
        **{f"training {name}": np.asarray(batches[name])[whole] for name in ("loss", "accuracy")},
        **{f"validation {name}": np.asarray(epochs[f"validation_{name}"]) for name in ("loss", "accuracy")},
    }
