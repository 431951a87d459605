"""From Keras to ONNX: the file that everything but training uses."""

from __future__ import annotations

import contextlib
import json
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import ModelError
from digitlab.models.saving import predict_probabilities
from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

__all__ = ["TOLERANCE", "export_onnx"]

TOLERANCE = 1e-5  # largest difference of a probability between Keras and ONNX Runtime, both in float32
_CHECKED_IMAGES = 64


def export_onnx(model: keras.Model, path: Path, card: ModelCard) -> None:
    """Write ``model`` as ONNX: input "images" uint8 (N, 28, 28), output "probabilities" float32 (N, 10), card as metadata.

    The file is run back on random images and compared before it gets its name.

    Raises:
        ModelError: when ONNX Runtime's answers differ from Keras' by more than TOLERANCE.
        StorageError: when it cannot be written.
    """
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tf2onnx asks NumPy for names that NumPy has taken away
            model.predict(np.zeros((1, 28, 28), np.uint8), verbose=0)  # Keras exports only models that have been called
            with contextlib.redirect_stdout(None):
                model.export(raw, format="onnx", verbose=False)
        graph = onnx.load(raw)
    _rename(graph.graph)
    _describe(graph, card)
    onnx.checker.check_model(graph)
    content = graph.SerializeToString(deterministic=True)
    _compare(model, content, path)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _rename(graph: object) -> None:
    """Give input and output their field names, and the batch its letter."""
    names = {graph.input[0].name: "images", graph.output[0].name: "probabilities"}  # type: ignore[attr-defined]
    for value in (*graph.input, *graph.output):  # type: ignore[attr-defined]
        value.name = names.get(value.name, value.name)
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    for node in graph.node:  # type: ignore[attr-defined]
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _describe(graph: object, card: ModelCard) -> None:
    import onnx

    fields = asdict(card)
    onnx.helper.set_model_props(
        graph, {"digitlab": json.dumps(fields), "classes": " ".join(card.classes), "preparation": card.preparation}
    )
    graph.producer_name, graph.producer_version = "digitlab", card.versions.get("digitlab", "")  # type: ignore[attr-defined]


def _compare(model: keras.Model, content: bytes, path: Path) -> None:
    import onnxruntime

    images = np.random.default_rng(0).integers(0, 256, (_CHECKED_IMAGES, 28, 28), np.uint8)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    exported = session.run(["probabilities"], {"images": images})[0]
    difference = float(np.abs(exported - predict_probabilities(model, images)).max())
    if not difference <= TOLERANCE:
        raise ModelError(f"{path.name}: the exported model differs from Keras' by {difference:.2g}; expected at most {TOLERANCE:g}")
