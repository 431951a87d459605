"""The two networks as ONNX files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.models.backend import keras

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["export_network"]


def export_network(model: keras.Model, path: Path) -> None:
    """Write a network of this room as ONNX in float32; its batch (and a page's height and width) may be any."""
    import tensorflow as tf
    import tf2onnx

    shape = (None, *model.input_shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8, name="images")])  # type: ignore[untyped-decorator]
    def answer(images: object) -> object:
        return tf.identity(model(images, training=False), name="answers")

    proto, _ = tf2onnx.convert.from_function(answer, input_signature=answer.input_signature, opset=17)
    path.write_bytes(proto.SerializeToString())
