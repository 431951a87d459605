"""The two networks as one ONNX file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.training.page_reader.compose import OPSET, compose

if TYPE_CHECKING:
    import onnx

    from digitlab.models.backend import keras

__all__ = ["export_page_reader"]


def export_page_reader(
    where: keras.Model,
    what: keras.Model,
    metadata: dict[str, str],
    scale: tuple[float, float, float] | None = None,
) -> bytes:
    """The file's bytes, in float32; see `compose`."""
    made: bytes = compose(_converted(where), _converted(what), metadata, scale).SerializeToString()
    return made


def _converted(model: keras.Model) -> onnx.ModelProto:
    """A network as ONNX; its batch (and a page's height and width) may be any."""
    import tensorflow as tf
    import tf2onnx

    shape = (None, *model.input_shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="images")])  # type: ignore[untyped-decorator]
    def answer(images: Any) -> Any:
        return tf.identity(model(images, training=False), name="answers")

    return tf2onnx.convert.from_function(answer, input_signature=answer.input_signature, opset=OPSET)[0]
