"""Networks: the architectures of the documents, saving, and export."""

from __future__ import annotations

from digitlab.models.architectures import ARCHITECTURES, architecture_names, build
from digitlab.models.export import export_onnx
from digitlab.models.layers import preparation_of
from digitlab.models.saving import card_of, load_keras, predict_probabilities, read_card, save_keras, versions
from digitlab.models.sobel import after_sobel

__all__ = [
    "ARCHITECTURES",
    "after_sobel",
    "architecture_names",
    "build",
    "card_of",
    "export_onnx",
    "load_keras",
    "predict_probabilities",
    "preparation_of",
    "read_card",
    "save_keras",
    "versions",
]
