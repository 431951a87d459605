"""The networks of the page reader: a detector for the whole page, and a classifier for its candidates."""

from __future__ import annotations

from typing import Any

from digitlab.models.backend import keras
from digitlab.training.page_reader.targets import CROP

layers = keras.layers

__all__ = [
    "AREA", "AREAS", "CROP_CLASSES", "DETECTOR_CHANNELS", "KNOWN", "as_map", "crop_network",
    "detector", "normalised", "region_head",
]  # fmt: skip

DETECTOR_CHANNELS = 16  # per cell: the centre's logit, four distances, ten classes, the logit of a letter's centre
CROP_CLASSES = 11  # the ten digits, and "no digit"

AREA, _INNER = 7, 64  # cells and channels of the detector's feature map that the head sees around a candidate
AREAS = _INNER * AREA**2
KNOWN = 2 + CROP_CLASSES + 10 + 256  # number of its other inputs: see `region_head`

_WIDTHS = (12, 24, 48, 64, 96, 96)  # channels at strides 2, 4, 8, 16, 32, 64


def detector(widths: tuple[int, ...] = _WIDTHS) -> keras.Model:
    """Build a U-Net, stride 2 to 64 and back to 8 (Ronneberger 2015), for centres (Zhou 2019, Objects as Points).

    Input: float32 (N, H, W, 3) RGB from `normalised`, H and W multiples of 64. Output: float32 (N, H/8, W/8, 2×2×16):
    for each of a cell's four quarters, upper ones first, the logit that a digit's centre lies in it; log(distance / 8
    pixels) from its middle to the digit's left, top, right and bottom edges; ten logits of which digit it is; and the
    logit that a letter's centre lies in it, which distinguishes words from numbers. `as_map` rearranges them. 576,352
    parameters, about 1,600 multiply–adds per pixel.
    """
    pages = keras.Input((None, None, 3), dtype="float32", name="pages")
    first = layers.Conv2D(
        widths[0], 3, strides=2, padding="same", activation="relu", kernel_initializer="he_normal"
    )  # fmt: skip
    x: Any = first(pages)  # (N, H/2, W/2, 12)
    x = _conv(widths[1], stride=2)(x)  # (N, H/4, W/4, 24)
    skips: list[Any] = []
    for width in widths[2:]:
        x = _conv(width, stride=2)(x)
        x = _residual(x, width)
        skips.append(x)  # (N, H/8, W/8, 48) … (N, H/64, W/64, 96)
    x = skips.pop()
    while skips:
        skip = skips.pop()
        x = layers.Add()([skip, layers.UpSampling2D(2)(layers.Conv2D(skip.shape[-1], 1)(x))])
        x = _conv(skip.shape[-1] if skips else 64)(x)
    # Each stride-8 cell predicts for its four stride-4 cells: the decoder needs no costly stride-4 map.
    x = layers.Conv2D(4 * DETECTOR_CHANNELS, 1, bias_initializer=_rare_centres(), dtype="float32", name="answers")(
        x
    )  # (N, H/8, W/8, 64)
    return keras.Model(pages, x, name="page-detector")


def crop_network(widths: tuple[int, int, int] = (32, 64, 128)) -> keras.Model:
    """Build the classifier: which digit is in the middle of a crop, or none.

    Input: float32 (N, 32, 32, 3) RGB from `normalised`; the digit's longest side is two thirds of the crop's, the rest
    is its surroundings on the page. Output: float32 (N, 11), logits. 329,835 parameters, 13 million multiply–adds.
    """
    crops = keras.Input((CROP, CROP, 3), dtype="float32", name="crops")
    x: Any = ContrastNormalisation(name="contrast")(crops)
    x = _conv(widths[0], 5, stride=2)(x)  # (N, 16, 16, 32)
    x = _conv(widths[0])(x)
    x = _conv(widths[1], stride=2)(x)  # (N, 8, 8, 64)
    x = _residual(x, widths[1])
    x = _conv(widths[1])(x)
    x = _conv(widths[2], stride=2)(x)  # (N, 4, 4, 128)
    x = _conv(widths[2])(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.Dropout(0.2)(x)
    return keras.Model(crops, layers.Dense(CROP_CLASSES, dtype="float32", name="answers")(x), name="crop-network")


def region_head(mean: Any, deviation: Any) -> keras.Model:
    """Build a head that classifies candidates from both networks' features, like that of Faster R-CNN (Ren 2015).

    Inputs: "areas", float32 (N, 3136): 7×7 cells, channels first, of the detector's feature map, in a square of three
    times the candidate's longest side; "known", float32 (N, 279): the logits that a digit is there, from detector and
    classifier; the classifier's eleven logits; the detector's log-probabilities of ten digits; and the classifier's 256
    features. The candidate's size is not an input: drawn pages have other sizes than photos. Output: float32 (N, 11),
    logits: ten digits, and none. 131,595 parameters, half a million multiply–adds.

    mean, deviation: (279,) each, of "known", for its normalisation
    """
    areas = keras.Input((AREAS,), dtype="float32", name="areas")
    known = keras.Input((KNOWN,), dtype="float32", name="known")
    x: Any = layers.Permute((2, 3, 1))(layers.Reshape((_INNER, AREA, AREA))(areas))
    x = layers.Conv2D(32, 3, activation="relu", kernel_initializer="he_normal")(x)  # (N, 5, 5, 32)
    x = layers.Dense(96)(layers.Dropout(0.15)(layers.Flatten()(x)))
    told = layers.Rescaling((1 / deviation).tolist(), (-mean / deviation).tolist())(known)
    x = layers.Add()([x, layers.Dense(96)(layers.Dropout(0.1)(told))])
    x = layers.Dropout(0.1)(layers.Activation("relu")(x))
    x = layers.Dense(64, activation="relu")(x)
    return keras.Model([areas, known], layers.Dense(CROP_CLASSES)(x), name="region-head")


@keras.saving.register_keras_serializable("digitlab")
class ContrastNormalisation(keras.layers.Layer):  # type: ignore[misc]
    """Subtracts each crop's mean and divides by its standard deviation, at least 0.05: faint ink looks like dark."""

    def call(self, units: Any) -> Any:
        """Normalise float (N, H, W, C), keeping the shape."""
        ops = keras.ops
        units = ops.cast(units, "float32")
        mean = ops.mean(units, axis=(1, 2, 3), keepdims=True)
        centred = units - mean
        deviation = ops.sqrt(ops.mean(ops.square(centred), axis=(1, 2, 3), keepdims=True))
        return ops.cast(centred / ops.maximum(deviation, 0.05), self.compute_dtype)


def _conv(filters: int, size: int = 3, *, stride: int = 1) -> Any:
    """Create a convolution with batch normalisation in place of a bias, and ReLU."""
    convolution = layers.Conv2D(
        filters, size, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )  # fmt: skip
    normalisation, activation = layers.BatchNormalization(momentum=0.98), layers.Activation("relu")

    def apply(x: Any) -> Any:
        return activation(normalisation(convolution(x)))

    return apply


def _residual(x: Any, filters: int) -> Any:
    return layers.Add()([x, _conv(filters)(x)])


def normalised(pixels: Any) -> Any:
    """Convert uint8 pixels to the input of both networks: float32, mid-grey 0, white 2."""
    import tensorflow as tf

    return tf.cast(pixels, tf.float32) / 64.0 - 2.0


def as_map(answers: Any) -> Any:
    """Rearrange the detector's output to one cell per quarter: (N, H/8, W/8, 64) → (N, H/4, W/4, 16)."""
    import tensorflow as tf

    return tf.nn.depth_to_space(answers, 2)


def _rare_centres() -> Any:
    """Return an initial bias that predicts one cell in a hundred as a centre; else the others dominate the loss."""
    import numpy as np

    bias = np.zeros((4, DETECTOR_CHANNELS), np.float32)
    bias[:, [0, -1]] = -4.6
    return lambda shape, dtype=None: keras.ops.convert_to_tensor(bias.reshape(-1), dtype)  # noqa: ARG005 - Keras' signature
