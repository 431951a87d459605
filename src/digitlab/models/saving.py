"""Model files of Keras: ``model.keras`` with the model's card inside.

A ``.keras`` file is a zip; the card is one more entry, ``digitlab.json``, which Keras leaves alone.
"""

from __future__ import annotations

import json
import platform
import zipfile
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import ModelError
from digitlab.models.backend import keras
from digitlab.models.layers import preparation_of
from digitlab.storage import atomic_path
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["card_of", "load_keras", "predict_probabilities", "read_card", "save_keras", "versions"]

_CARD = "digitlab.json"


def versions() -> dict[str, str]:
    """What makes a model file: the versions of Python, NumPy, Keras and its backend, and of digitlab."""
    import digitlab

    backend = keras.backend.backend()
    found = {"digitlab": digitlab.__version__, "python": platform.python_version(), "numpy": np.__version__}
    found["keras"] = keras.__version__
    found[backend] = __import__(backend).__version__
    return found


def save_keras(model: keras.Model, path: Path, card: ModelCard) -> None:
    """Write ``model`` with its card, atomically.

    Raises:
        StorageError: when the disk is full or the folder cannot be written.
    """
    with atomic_path(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(_CARD, json.dumps(asdict(card), indent=1))


def load_keras(path: Path) -> keras.Model:
    """Open a ``.keras`` file that maps ``(N, 28, 28)`` images to ``(N, 10)`` probabilities.

    Raises:
        ModelError: for anything else.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model file")
    if not zipfile.is_zipfile(path):
        raise ModelError(f"{path}: not a .keras file (those are zip archives); expected a model saved by digitlab or Keras 3")
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # noqa: BLE001 - Keras raises nearly anything for a foreign file
        raise ModelError(f"{path}: Keras cannot open it: {_first_line(error)}") from error
    if model.input_shape[1:] != (28, 28) or model.output_shape[1:] != (10,):
        raise ModelError(
            f"{path}: maps {model.input_shape} to {model.output_shape}; expected (N, 28, 28) images to (N, 10) probabilities"
        )
    return model


def read_card(path: Path) -> ModelCard | None:
    """The card of a ``.keras`` file, or None where it has none."""
    try:
        with zipfile.ZipFile(path) as archive:
            fields = json.loads(archive.read(_CARD))
        return ModelCard(**{**fields, "classes": tuple(fields["classes"])})
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return None


def card_of(model: keras.Model, path: Path) -> ModelCard:
    """The card in the file that ``model`` came from, or what can be told of a model without one."""
    return read_card(path) or ModelCard(path.stem, model.name, preparation_of(model), versions=versions())


def predict_probabilities(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities float32 (N, 10) of images uint8 (N, 28, 28), in batches of 1000."""
    return np.asarray(model.predict(images, batch_size=1000, verbose=0), np.float32)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
