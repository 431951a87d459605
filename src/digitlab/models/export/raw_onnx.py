"""Keras' own conversion to ONNX, which supports TensorFlow only; for other backends it runs in a separate process.

KERAS_BACKEND=tensorflow python -m digitlab.models.export.raw_onnx MODEL.keras OUT.onnx
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from digitlab.errors import ModelError
from digitlab.models.backend import keras
from digitlab.models.saving import load_keras

__all__ = ["convert_to_onnx"]


def convert_to_onnx(model: keras.Model, out: Path) -> None:
    """Write ``model``, which must have been called once, as ONNX with Keras' own names.

    Raises:
        ModelError: when the separate process cannot convert it.
    """
    if keras.backend.backend() == "tensorflow":
        model.export(out, format="onnx", verbose=False)
        return
    whole = out.with_suffix(".keras")
    model.save(whole)
    done = subprocess.run(
        [sys.executable, "-P", "-m", __spec__.name, whole, out],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ModelError(done.stderr.strip().rpartition("\n")[2])


if __name__ == "__main__":
    import numpy as np

    opened = load_keras(Path(sys.argv[1]))
    opened(np.zeros((1, 28, 28), np.uint8))
    convert_to_onnx(opened, Path(sys.argv[2]))
