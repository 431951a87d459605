"""Export for two runtimes: OpenVINO (Intel), and LiteRT (phones and small boards; formerly TensorFlow Lite)."""

from __future__ import annotations

import importlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import MissingExtraError
from digitlab.models.export.verify import compare, exporting
from digitlab.storage import atomic_paths, write_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

__all__ = ["export_litert", "export_openvino"]


def export_openvino(model: keras.Model, path: Path, card: ModelCard) -> float:
    """Write ``path`` (graph) and its ``.bin`` (weights); return the largest difference of a probability from Keras'.

    Input "images", output "probabilities"; the card is in the file's ``rt_info`` as ``digitlab``.

    Raises:
        MissingExtraError: without OpenVINO.
        ModelError: when it cannot be converted, or its output differs.
        StorageError: when it cannot be written.
    """
    openvino = _runtime("openvino", "OpenVINO")
    with tempfile.TemporaryDirectory() as folder:
        raw, final = Path(folder) / "raw.xml", Path(folder) / "final.xml"
        with exporting(model, path):
            model.export(str(raw), format="openvino", verbose=False)
            graph = openvino.Core().read_model(raw)
            graph.inputs[0].set_names({"images"})
            graph.outputs[0].set_names({"probabilities"})
            graph.set_rt_info(json.dumps(asdict(card)), ["digitlab"])
            openvino.save_model(graph, final, compress_to_fp16=False)
        difference = compare(model, _compiled(openvino, final), path)
        with atomic_paths(path, path.with_suffix(".bin")) as (graph_file, weights_file):
            graph_file.write_bytes(final.read_bytes())
            weights_file.write_bytes(final.with_suffix(".bin").read_bytes())
    return difference


def _compiled(openvino: Any, path: Path) -> Any:
    """Return the file as a float32 function; by default OpenVINO computes in bfloat16 if the processor supports it."""
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda images: compiled(images)[0]


def export_litert(model: keras.Model, path: Path, card: ModelCard) -> float:  # noqa: ARG001 - same signature as the other formats
    """Write a ``.tflite`` file; return the largest difference of a probability from Keras'.

    Its input may be resized to any number of images. It has no model card: the format has no field for text.

    Raises:
        MissingExtraError: without LiteRT.
        ModelError: when it cannot be converted, or its output differs.
        StorageError: when it cannot be written.
    """
    litert = _runtime("ai_edge_litert.interpreter", "LiteRT")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.tflite"
        with exporting(model, path):
            model.export(raw, format="litert", verbose=False)
        content = raw.read_bytes()
    difference = compare(model, lambda images: _run(litert.Interpreter(model_content=content), images), path)
    write_bytes(path, content)
    return difference


def _run(interpreter: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    input_index = interpreter.get_input_details()[0]["index"]
    output_index = interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(input_index, list(images.shape))
    interpreter.allocate_tensors()
    interpreter.set_tensor(input_index, images)
    interpreter.invoke()
    answers: NDArray[np.float32] = interpreter.get_tensor(output_index)
    return answers


def _runtime(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError("export", needed_for=f"{name} files") from error
