"""A promise as a file beside its table, with the confidences of its stack: later stacks are compared with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError
from digitlab.storage import saying_what_failed, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["StoredPromise", "read_promise", "save_promise"]

_KIND = "digitlab sheet promise 1"
_MOST = 10_000  # confidences that are stored: quantiles of them, if there are more
_LARGEST = 1_000_000  # bytes of the file


@dataclass(frozen=True, slots=True)
class StoredPromise:
    """A promise.

    error: the share of filled fields that may be wrong; threshold: the confidence from which this holds
    made_by: digest of the form, model and version that read the stack
    confidences: float64 (N,) of the stack's filled fields
    """

    error: float
    threshold: float
    made_by: str
    confidences: NDArray[np.float64]


def save_promise(path: Path, promise: StoredPromise) -> None:
    """Write a promise; of more than 10,000 confidences, as many quantiles are kept.

    Raises:
        StorageError: when it cannot be written.
    """
    confidences = np.sort(promise.confidences)
    if len(confidences) > _MOST:
        confidences = confidences[np.linspace(0, len(confidences) - 1, _MOST).round().astype(int)]
    content = {
        "kind": _KIND,
        "error": promise.error,
        "threshold": promise.threshold,
        "made_by": promise.made_by,
        "confidences": [round(each, 6) for each in confidences.tolist()],
    }
    write_text(path, json.dumps(content) + "\n")


def read_promise(path: Path) -> StoredPromise:
    """Read a promise that `save_promise` wrote.

    Raises:
        DatasetError: for a missing, damaged or foreign file.
    """
    if not path.is_file():
        raise DatasetError(f"there is no file {path}; expected the one that `digitlab sheet promise` wrote")
    with saying_what_failed(path, "read"):
        text = path.read_text("utf-8", errors="replace") if path.stat().st_size <= _LARGEST else ""
    try:
        content: Any = json.loads(text)
        confidences = np.array(content["confidences"], np.float64)
        promise = StoredPromise(float(content["error"]), float(content["threshold"]), content["made_by"], confidences)
        shares = np.append(confidences.reshape(-1), [promise.error, promise.threshold])
        valid = content["kind"] == _KIND and confidences.ndim == 1 and isinstance(promise.made_by, str)
        valid = valid and bool(((shares >= 0.0) & (shares <= 1.0)).all())
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        valid = False
    if not valid:
        raise DatasetError(f"{path}: contains no promise; expected a file that `digitlab sheet promise` wrote")
    return promise
