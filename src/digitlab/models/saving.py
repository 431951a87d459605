"""Model files of Keras: ``model.keras`` with the model card inside.

A ``.keras`` file is a zip; the card is an additional entry, ``digitlab.json``, which Keras ignores. Files are checked
before Keras opens them (`digitlab.models.safety`).
"""

from __future__ import annotations

import json
import math
import platform
import zipfile
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import ModelError
from digitlab.kinds import kind_of
from digitlab.models.backend import keras
from digitlab.models.layers import preparation_of
from digitlab.models.legacy import import_legacy
from digitlab.models.safety import open_keras_file
from digitlab.models.safety.archive import CARD, check_archive, read_member
from digitlab.reading import shipped_keras
from digitlab.storage import atomic_path
from digitlab.values import CLASSES, ModelCard
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["card_of", "load_keras", "open_model", "predict_probabilities", "read_card", "save_keras", "versions"]

_FORMS = ("grey", "sobel")
_TOGETHER = 250  # images per batch; 1000 took 300 MB more and the same time
_AT_ONCE = 100_000_000  # bytes of activations per batch; an ensemble of five would take 700 MB


def versions() -> dict[str, str]:
    """Return the versions of digitlab, Python, NumPy, Keras and its backend."""
    backend = keras.backend.backend()
    versions_by_name = {"digitlab": VERSION, "python": platform.python_version(), "numpy": np.__version__}
    versions_by_name["keras"] = keras.__version__
    versions_by_name[backend] = __import__(backend).__version__
    return versions_by_name


def save_keras(model: keras.Model, path: Path, card: ModelCard) -> None:
    """Write ``model`` with its card, atomically.

    Raises:
        StorageError: when the disk is full or the folder cannot be written.
    """
    with atomic_path(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(CARD, json.dumps(asdict(card), indent=1))


def load_keras(path: Path) -> keras.Model:
    """Open a ``.keras`` file that maps ``(N, 28, 28)`` images to ``(N, 10)`` probabilities.

    Raises:
        ModelError: for anything else, and for files that hold more than layers and numbers.
    """
    model = open_keras_file(path)
    if model.input_shape[1:] != (28, 28) or tuple(model.output_shape[1:]) != (10,):
        raise ModelError(
            f"{path}: maps {model.input_shape} to {model.output_shape}; expected (N, 28, 28) images to (N, 10) "
            f"probabilities. `digitlab import {path} OUT.keras` adds a preparation before it"
        )
    return model


def open_model(path: Path, *, on_note: Callable[[str], None] = lambda _: None) -> keras.Model:
    """Open the model of a run folder, a ``.keras`` or ``.h5`` file of any version of Keras, or a shipped one.

    Args:
        path: a run folder, a file (untrusted ones are safe to open), or a shipped name.
        on_note: called with a sentence for each change to an old or foreign file.

    Returns:
        A model from uint8 (N, 28, 28) to probabilities (N, 10).

    Raises:
        ModelError: when there is no such model, or it cannot be opened or imported.
        RunError: when a folder is not a run folder.
    """
    path = _shipped_or_own(path)
    if path.is_dir():
        from digitlab.runs import Run

        if (kind := kind_of(path)) is not None:
            raise ModelError(f"{path}: is {kind.what}; {kind.as_model}")
        return load_keras(Run.open(path).keras)
    imported = import_legacy(path)
    for change in imported.changes:
        on_note(change)
    return imported.model


def read_card(path: Path) -> ModelCard | None:
    """Return the card of a ``.keras`` file, or None if it has no valid one."""
    try:
        with path.open("rb") as file, check_archive(path, file) as archive:
            if CARD not in archive.namelist():
                return None
            fields = json.loads(read_member(archive, CARD))
        card = ModelCard(**{**fields, "classes": tuple(fields["classes"])})
    except (KeyError, TypeError, ValueError, RecursionError, OSError, ModelError):
        return None
    texts = (card.name, card.architecture, card.preparation)
    tables = (card.training, card.versions)
    fits = all(isinstance(text, str) for text in texts) and all(isinstance(table, dict) for table in tables)
    return card if fits and card.classes == CLASSES and card.form in _FORMS else None


def card_of(model: keras.Model, path: Path) -> ModelCard:
    """Return the card in the file that ``model`` came from, or a new one if the file has none."""
    path = _shipped_or_own(path)
    if path.is_dir():
        from digitlab.runs import Run

        path = Run.open(path).keras
    return read_card(path) or ModelCard(path.stem, model.name, preparation_of(model), versions=versions())


def _shipped_or_own(path: Path) -> Path:
    shipped = None if path.exists() else shipped_keras(str(path))
    return shipped or path


def predict_probabilities(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities float32 (N, 10) of images uint8 (N, 28, 28), computed in batches."""
    return np.asarray(model.predict(images, batch_size=_together(model), verbose=0), np.float32)


def _together(model: keras.Model) -> int:
    """Return the batch size, limited by the memory that activations take."""
    maps = [tensor for layer in model.layers for tensor in keras.tree.flatten(layer.output)]
    each: int = sum(4 * math.prod(size or 1 for size in tensor.shape[1:]) for tensor in maps)
    return max(1, min(_TOGETHER, _AT_ONCE // each))
