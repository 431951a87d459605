"""Export of the two networks as one ONNX file, in 8 bits or in float32."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.models.backend import keras
from digitlab.training.page_reader.compose import OPSET, compose

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import onnx
    from numpy.typing import NDArray

__all__ = ["Networks", "export_page_reader"]

_QUANTISED = ("Conv", "MatMul", "Relu", "Add")

Networks = tuple["onnx.ModelProto", "onnx.ModelProto"]


def export_page_reader(
    networks: Networks,
    metadata: dict[str, str],
    scale: Sequence[float] | None = None,
    head: onnx.ModelProto | None = None,
    context: Sequence[float] | None = None,
) -> bytes:
    """Serialise the model built by `compose`."""
    made: bytes = compose(*networks, metadata, scale, head, context).SerializeToString()
    return made


def converted(where: keras.Model, what: keras.Model) -> Networks:
    """Convert detector and classifier to ONNX, in float32."""
    return _converted(where), _converted(what)


def converted_head(head: keras.Model) -> onnx.ModelProto:
    """Convert a region head to ONNX, in float32."""
    return _as_onnx(head, ["judged"])


def in_eight_bits(
    networks: Networks, pages: Sequence[NDArray[np.float32]], crops: Sequence[NDArray[np.float32]]
) -> Networks:
    """Quantise both networks' weights and activations to 8 bits, except the first convolution and the last product.

    The weights use only seven bits: processors without VNNI accumulate in 16 bits, which would overflow.

    pages, crops: batches of the networks' inputs, from which the ranges of the activations are determined
    """
    return _quantised(networks[0], pages), _quantised(networks[1], crops)


def _converted(model: keras.Model) -> onnx.ModelProto:
    """Convert a network to ONNX, with its last layer's input as a second output; batch and page sizes stay variable."""
    last = model.get_layer("answers")
    return _as_onnx(keras.Model(model.inputs, [last.output, last.input]), ["answers", "inner"])


def _as_onnx(model: keras.Model, outputs: Sequence[str]) -> onnx.ModelProto:
    """Convert a model to ONNX, keeping the names of its inputs."""
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec(each.shape, tf.float32, name=each.name) for each in model.inputs]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def answer(*given: Any) -> Any:
        told = model(list(given) if len(given) > 1 else given[0], training=False)
        told = told if len(outputs) > 1 else [told]
        return tuple(tf.identity(each, name=name) for each, name in zip(told, outputs, strict=True))

    return tf2onnx.convert.from_function(answer, input_signature=signature, opset=OPSET)[0]


def _quantised(network: onnx.ModelProto, batches: Sequence[NDArray[np.float32]]) -> onnx.ModelProto:
    import onnx
    from onnxruntime import quantization

    products = [node.name for node in network.graph.node if node.op_type in ("Conv", "MatMul")]
    logger = logging.getLogger()
    before = logger.level
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)  # hides advice on a step that tf2onnx has already done
        source, made = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(network.SerializeToString())
        try:
            quantization.quantize_static(
                source,
                made,
                _Batches(network.graph.input[0].name, batches),
                op_types_to_quantize=list(_QUANTISED),
                nodes_to_exclude=[products[0], products[-1]],
                per_channel=True,
                reduce_range=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
        finally:
            logger.setLevel(before)
        return onnx.load(made)


class _Batches:
    """Batches for ONNX Runtime's calibration, which requests the next one until there are no more."""

    def __init__(self, name: str, batches: Sequence[NDArray[np.float32]]) -> None:
        self._name, self._batches = name, iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch by the input's name, or None."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}
