"""ONNX files without Keras: writing their card, and running them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.values import ModelCard

__all__ = ["describe", "run_onnx", "with_card"]

_TOGETHER = 50  # images per batch; with 250, the inner layers of a network at full resolution take 100 MB and more


def describe(graph: object, card: ModelCard) -> None:
    """Write a card into a model of the package `onnx`."""
    import onnx

    fields = asdict(card)
    onnx.helper.set_model_props(
        graph, {"digitlab": json.dumps(fields), "classes": " ".join(card.classes), "preparation": card.preparation}
    )
    graph.producer_name, graph.producer_version = "digitlab", card.versions.get("digitlab", "")  # type: ignore[attr-defined]


def with_card(content: bytes, card: ModelCard) -> bytes:
    """Return the same ONNX file with another card."""
    import onnx

    graph = onnx.load_model_from_string(content)
    describe(graph, card)
    changed: bytes = graph.SerializeToString(deterministic=True)
    return changed


def run_onnx(content: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities that ONNX Runtime computes for uint8 (N, 28, 28)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    batches = (images[start : start + _TOGETHER] for start in range(0, len(images), _TOGETHER))
    return np.concatenate([session.run(["probabilities"], {"images": batch})[0] for batch in batches])
