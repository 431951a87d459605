"""Keras networks: architectures, saving, export, import of old files.

Each name is loaded on first use: what needs no Keras (`conventions`, from ONNX to ONNX) does not wait for its import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitlab.models.architectures import ARCHITECTURES, build
    from digitlab.models.ensemble import ensemble_card
    from digitlab.models.export import export_model, export_onnx
    from digitlab.models.layers import preparation_of
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
    "ARCHITECTURES", "after_sobel", "build", "card_of",
    "ensemble_card", "export_model", "export_onnx", "load_keras", "on_grey_images", "open_model",
    "predict_probabilities", "preparation_of", "read_card", "save_keras", "versions",
]  # fmt: skip

_MODULES = {
    **dict.fromkeys(("ARCHITECTURES", "build"), "architectures"),
    "ensemble_card": "ensemble",
    **dict.fromkeys(("export_model", "export_onnx"), "export"),
    "preparation_of": "layers",
    **dict.fromkeys(("card_of", "load_keras", "open_model", "predict_probabilities", "read_card"), "saving"),
    **dict.fromkeys(("save_keras", "versions"), "saving"),
    **dict.fromkeys(("after_sobel", "on_grey_images"), "sobel"),
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'digitlab.models' has no attribute {name!r}")
    return getattr(importlib.import_module(f"digitlab.models.{_MODULES[name]}"), name)
