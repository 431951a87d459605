"""From a photo to digits: find the ink, normalise it to 28×28, classify it, or decline to answer.

`Constraints` costs nothing to import; what reads is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from digitlab.reading.constraints import Constraints

if TYPE_CHECKING:
    from digitlab.network.classifier import Classifier, resolve_model, shipped_keras, shipped_models
    from digitlab.reading.images import load_image
    from digitlab.reading.reader import Reader, digit_image

__all__ = [
    "Classifier", "Constraints", "Reader", "digit_image", "load_image", "resolve_model", "shipped_keras",
    "shipped_models",
]  # fmt: skip

_MODULES = {
    **dict.fromkeys(("Classifier", "resolve_model", "shipped_keras", "shipped_models"), "network.classifier"),
    **dict.fromkeys(("Reader", "digit_image"), "reading.reader"),
    "load_image": "reading.images",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'digitlab.reading' has no attribute {name!r}")
    return getattr(importlib.import_module(f"digitlab.{_MODULES[name]}"), name)
