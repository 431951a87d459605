"""Export to OpenVINO's two files: the graph in ``.xml``, the weights beside it in ``.bin``."""

from __future__ import annotations

import importlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import MissingExtraError
from digitlab.models.export.verify import compare, exporting
from digitlab.storage import write_bytes

if TYPE_CHECKING:
    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

__all__ = ["export_openvino"]


def export_openvino(model: keras.Model, path: Path, card: ModelCard) -> float:
    """Write ``path`` and its ``.bin``; returns the largest difference of a probability from Keras'.

    Input "images", output "probabilities"; the card is in the file's ``rt_info`` as ``digitlab``.

    Raises:
        MissingExtraError: without OpenVINO.
        ModelError: when it cannot be converted, or its output differs.
        StorageError: when it cannot be written.
    """
    try:
        openvino: Any = importlib.import_module("openvino")
    except ImportError as error:
        raise MissingExtraError("export", needed_for="OpenVINO files") from error
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
        # The weights first: the pair is opened by its .xml, which is still the old one or missing.
        write_bytes(path.with_suffix(".bin"), final.with_suffix(".bin").read_bytes())
        write_bytes(path, final.read_bytes())
    return difference


def _compiled(openvino: Any, path: Path) -> Any:
    """The file as a function, in float32; by default OpenVINO computes in bfloat16 where the processor supports it."""
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda images: compiled(images)[0]
