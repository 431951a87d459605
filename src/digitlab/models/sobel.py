"""The Sobel image as a layer, for networks that were trained on Sobel images (thesis S0, §4.1.2).

Such a network's ONNX file takes grey images like every other: the Sobel filter is inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.backend import keras

if TYPE_CHECKING:
    from digitlab.values import ModelCard

ops = keras.ops

__all__ = ["SobelImage", "after_sobel", "on_grey_images"]

_SMOOTH, _SLOPE = np.array([1, 4, 6, 4, 1]), np.array([-1, -2, 0, 2, 1])
_KERNELS = np.stack([np.outer(_SMOOTH, _SLOPE), np.outer(_SLOPE, _SMOOTH)], axis=-1)[:, :, None, :]  # (5, 5, 1, 2)


class SobelImage(keras.layers.Layer):  # type: ignore[misc]
    """uint8 (N, 28, 28) → float32 (N, 28, 28), integers 0..255: equal to `datasets.transforms.sobel_images`.

    All sums and products are integers below 2**24, which are exact in float32, and no quotient lies so close below an
    integer that it would be rounded up to it.
    """

    def call(self, images: Any) -> Any:
        """|gx| + |gy| with kernels of size 5, scaled to 0..255; a constant image becomes 0."""
        grey = ops.cast(images, "float32")[..., None]  # (N, 28, 28, 1)
        framed = ops.pad(grey, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="reflect")
        gradients = ops.conv(framed, ops.convert_to_tensor(_KERNELS, "float32"), padding="valid")  # (N, 28, 28, 2)
        strength = ops.sum(ops.abs(gradients), axis=-1)
        least = ops.min(strength, axis=(1, 2), keepdims=True)
        spread = ops.maximum(ops.max(strength, axis=(1, 2), keepdims=True) - least, 1.0)
        scaled = 255.0 * (strength - least)
        levels = ops.floor(scaled / spread)
        # XLA multiplies by the reciprocal and may fall short of an integer quotient; the remainder reveals this.
        return levels + ops.cast(scaled - levels * spread >= spread, "float32")


def after_sobel(model: keras.Model) -> keras.Model:
    """Put a `SobelImage` before the network, so that it takes grey images."""
    images = keras.Input((28, 28), dtype="uint8", name="images")
    edges = SobelImage(dtype="float32", name="sobel")(images)
    return keras.Model(images, model(edges), name=model.name)


def on_grey_images(model: keras.Model, card: ModelCard) -> keras.Model:
    """Return the network as it is exported: whatever it was trained on, it takes grey images."""
    return after_sobel(model) if card.form == "sobel" else model
