"""From a photo to digits: find the ink, bring it to 28×28, classify, refuse."""

from __future__ import annotations

from digitlab.network.classifier import Classifier, resolve_model, shipped_keras, shipped_models
from digitlab.reading.images import load_image
from digitlab.reading.reader import Reader, digit_image

__all__ = ["Classifier", "Reader", "digit_image", "load_image", "resolve_model", "shipped_keras", "shipped_models"]
