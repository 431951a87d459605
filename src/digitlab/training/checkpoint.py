"""The state of a training after an epoch, in one file, from which it resumes as if it had never been interrupted.

Weights, the optimiser's moments and step count, the random state of every dropout layer, the best weights so far and
the history. Whatever else affects an epoch (image order, augmentation) depends only on seed and epoch number.
"""

from __future__ import annotations

import math
import zipfile
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import RunError
from digitlab.models.backend import keras
from digitlab.storage import atomic_path
from digitlab.training.events import EpochEnded

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.training.loop import Loop

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(path: Path, loop: Loop) -> None:
    """Write the state of ``loop``, atomically.

    Raises:
        StorageError: when it cannot be written.
    """
    state = {
        **_numbered("model", [keras.ops.convert_to_numpy(each.value) for each in loop.model.variables]),
        **_numbered("optimiser", [keras.ops.convert_to_numpy(each.value) for each in loop.optimiser.variables]),
        **_numbered("best", loop.best_weights or []),
        "best": np.array([loop.history.best_epoch or 0, loop.best_loss]),
        "epochs": np.array(
            [[math.nan if value is None else value for value in astuple(row)] for row in loop.history.epochs]
        ),
        "batches": np.array(loop.history.batches, np.float64).reshape(-1, 4),
    }
    with atomic_path(path) as temporary:
        np.savez(temporary, allow_pickle=False, **state)


def load_checkpoint(path: Path, loop: Loop) -> None:
    """Restore the saved state into ``loop``, newly made with the same settings.

    Raises:
        RunError: when the file is damaged or belongs to another training.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            state = dict(stored)
        _restore(state, loop)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RunError(f"{path}: cannot continue from this checkpoint ({error})") from error


def _restore(state: dict[str, NDArray[Any]], loop: Loop) -> None:
    for name, variables in (("model", loop.model.variables), ("optimiser", loop.optimiser.variables)):
        for variable, value in zip(variables, _gathered(state, name), strict=True):
            variable.assign(value)
    best_epoch, loop.best_loss = int(state["best"][0]), float(state["best"][1])
    loop.history.best_epoch = best_epoch or None
    loop.best_weights = _gathered(state, "best") or None
    loop.history.epochs = [_epoch(row) for row in state["epochs"].tolist()]
    loop.history.batches = [(int(row[0]), int(row[1]), row[2], row[3]) for row in state["batches"].tolist()]


def _numbered(name: str, arrays: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{name}/{number}": array for number, array in enumerate(arrays)}


def _gathered(state: dict[str, NDArray[Any]], name: str) -> list[NDArray[Any]]:
    count = sum(key.startswith(f"{name}/") for key in state)
    return [state[f"{name}/{number}"] for number in range(count)]


def _epoch(row: list[float]) -> EpochEnded:
    names = [field.name for field in fields(EpochEnded)]  # files of older digitlab versions lack the last ones
    values = {name: None if math.isnan(value) else value for name, value in zip(names, row, strict=False)}
    return EpochEnded(**{**values, "epoch": int(row[0])})  # type: ignore[arg-type]
