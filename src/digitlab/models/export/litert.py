"""Export to LiteRT, the runtime of phones and small boards, formerly TensorFlow Lite."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import MissingExtraError
from digitlab.models.export.verify import compare, exporting
from digitlab.storage import write_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

__all__ = ["export_litert"]


def export_litert(model: keras.Model, path: Path, card: ModelCard) -> float:  # noqa: ARG001 - same signature as the other formats
    """Write a ``.tflite`` file; returns the largest difference of a probability from Keras'.

    Its input may be resized to any number of images. It has no model card: the format has no field for text.

    Raises:
        MissingExtraError: without LiteRT.
        ModelError: when it cannot be converted, or its output differs.
        StorageError: when it cannot be written.
    """
    try:
        litert: Any = importlib.import_module("ai_edge_litert.interpreter")
    except ImportError as error:
        raise MissingExtraError("export", needed_for="LiteRT files") from error
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.tflite"
        with exporting(model, path):
            model.export(raw, format="litert", verbose=False)
        content = raw.read_bytes()
    difference = compare(model, lambda images: _run(litert.Interpreter(model_content=content), images), path)
    write_bytes(path, content)
    return difference


def _run(interpreter: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    taken, given = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(taken, list(images.shape))
    interpreter.allocate_tensors()
    interpreter.set_tensor(taken, images)
    interpreter.invoke()
    answers: NDArray[np.float32] = interpreter.get_tensor(given)
    return answers
