"""An ONNX graph as a Keras network: `graph` traverses it, `layers` and `numbers` translate its operators."""

from __future__ import annotations

from digitlab.models.conventions.translation.graph import rounds, translated

__all__ = ["rounds", "translated"]
