"""An ONNX graph as a network of Keras: `graph` goes through it, `layers` and `numbers` have its operators."""

from __future__ import annotations

from digitlab.models.conventions.translation.graph import rounds, translated

__all__ = ["rounds", "translated"]
