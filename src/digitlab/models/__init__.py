"""Keras networks: architectures, saving, export, import of old files."""

from __future__ import annotations

from digitlab.models.architectures import ARCHITECTURES, architecture_names, build
from digitlab.models.ensemble import ensemble, ensemble_card
from digitlab.models.export import cached_onnx, export_model, export_onnx
from digitlab.models.layers import preparation_of
from digitlab.models.legacy import import_legacy
from digitlab.models.saving import (
    card_of,
    load_keras,
    open_model,
    predict_probabilities,
    read_card,
    save_keras,
    versions,
)
from digitlab.models.sobel import after_sobel, on_grey_images

__all__ = [
    "ARCHITECTURES", "after_sobel", "architecture_names", "build", "cached_onnx", "card_of", "ensemble",
    "ensemble_card", "export_model", "export_onnx", "import_legacy", "load_keras", "on_grey_images", "open_model",
    "predict_probabilities", "preparation_of", "read_card", "save_keras", "versions",
]  # fmt: skip
