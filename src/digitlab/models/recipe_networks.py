"""Our own networks, most of them for the recipe of the same name; those of the documents are in `architectures`.

The families have options, which studies vary one at a time. A keyword argument is an option:
``TrainingConfig("conv-family", options={"kernel": 5})``, `--option kernel=5`.
Input uint8 (N, 28, 28), output float32 (N, 10), as for every network here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError, counted
from digitlab.models.backend import keras
from digitlab.models.layers import CENTRED, conv, dense, expect_share, max_pool, output, sequential

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "best_cnn", "conv_family", "deep_cnn", "dense_family", "fast_cnn", "good_cnn", "microcontroller_cnn", "reader_cnn",
    "tiny_cnn", "tiny_family",
]  # fmt: skip

layers = keras.layers


def fast_cnn(*, first: int = 24, second: int = 32, units: int = 256, stride: bool = False) -> keras.Model:
    """For `recipes/fast.toml`: the best accuracy after a few seconds of training. 215,194 parameters.

    first, second: filters of the convolutions; units: of the dense layer
    stride: the first convolution has stride 2 instead of a pool after it, at a quarter of its cost

    Raises:
        UsageError: for sizes that leave no network.
    """
    _expect_widths("first", (first, second, units))
    begin = [conv(first, 5, strides=2)] if stride else [conv(first, 5), max_pool()]
    return sequential(
        begin,                                      # (N, 12, 12, first)
        conv(second), max_pool(),                   # (N, 5, 5, second)
        layers.Flatten(), dense(units),             # (N, units)
        output(),                                   # (N, 10)
        name="fast-cnn",
    )  # fmt: skip


def good_cnn() -> keras.Model:
    """For `recipes/good.toml`: four convolutions with batch normalisation. 136,106 parameters, 135,530 trained.

    After a large first kernel and an early pool, the expensive convolutions run on 12×12 maps.
    """
    return sequential(
        _normalised(32, 5), max_pool(),                     # (N, 12, 12, 32)
        _normalised(64), _normalised(64), max_pool(),       # (N, 4, 4, 64)
        _normalised(128),                                   # (N, 2, 2, 128)
        layers.Flatten(), layers.Dropout(0.3),              # (N, 512)
        output(),                                           # (N, 10)
        name="good-cnn",
    )  # fmt: skip


def best_cnn(*, kernel: int = 5) -> keras.Model:
    """For `recipes/best.toml` and `best-ensemble.toml`: `good_cnn`, 1.5 times as wide. 300,922 parameters.

    300,058 of them are trained.

    kernel: size of the first kernels; the errors of networks with different kernels are less correlated (An, Lee,
        Park, Yang, So 2020)

    Raises:
        UsageError: for a kernel that leaves no image.
    """
    if not 1 <= kernel <= 9:
        raise UsageError(f"kernel is {kernel}; expected 1 to 9")
    return sequential(
        _normalised(48, kernel), max_pool(),                # (N, 12, 12, 48)
        _normalised(96), _normalised(96), max_pool(),       # (N, 4, 4, 96)
        _normalised(192),                                   # (N, 2, 2, 192)
        layers.Flatten(), layers.Dropout(0.4),              # (N, 768)
        output(),                                           # (N, 10)
        name="best-cnn",
    )  # fmt: skip


def deep_cnn() -> keras.Model:
    """Nine convolutions, three before each pool and three at the end. 321,866 parameters, 320,714 trained.

    `digitlab train best --architecture deep-cnn --epochs 16 --clean-epochs 2 --tta 1`: as good as `best_cnn`, without
    test-time augmentation (docs/recipes.md). 62 million multiply–adds per image, two thirds on 24×24 maps.
    """
    nine = [_normalised(64, 5), *(_normalised(64, padding="same") for _ in range(8))]
    return sequential(
        *nine[:3], max_pool(),                              # (N, 12, 12, 64)
        *nine[3:6], max_pool(),                             # (N, 6, 6, 64)
        *nine[6:],                                          # (N, 6, 6, 64)
        layers.Flatten(), layers.Dropout(0.4),              # (N, 2304)
        output(),                                           # (N, 10)
        name="deep-cnn",
    )  # fmt: skip


def tiny_cnn() -> keras.Model:
    """For `recipes/tiny.toml`: the best accuracy with few parameters. 1,465 parameters, 1,383 trained.

    Two ordinary convolutions, then depthwise separable ones. At the end, each position of each channel has its own
    weight, instead of an average over positions: the position of a stroke matters for a digit.
    """
    return sequential(
        _normalised(6, scale=False), _normalised(8, scale=False), max_pool(),       # (N, 12, 12, 8)
        _separable(12), _separable(15), max_pool(),                                 # (N, 4, 4, 15)
        layers.DepthwiseConv2D(4, use_bias=False), layers.Flatten(),                # (N, 15)
        output(),                                                                   # (N, 10)
        name="tiny-cnn",
    )  # fmt: skip


def microcontroller_cnn() -> keras.Model:
    """For `recipes/microcontroller.toml`: the best accuracy from 8 kB of C, 8-bit weights. 6,824 parameters.

    6,708 of them are trained. Ordinary convolutions: in the C file each output channel costs 12 bytes on top of
    its weights, and a separable convolution has two channels for one. Flash: 6,640 bytes of weights, 1 kB of tables.
    """
    return sequential(
        _normalised(8, scale=False), _normalised(12, scale=False), max_pool(),      # (N, 12, 12, 12)
        _normalised(18, scale=False), _normalised(20, scale=False), max_pool(),     # (N, 4, 4, 20)
        layers.DepthwiseConv2D(4, use_bias=False), layers.Flatten(),                # (N, 20)
        output(),                                                                   # (N, 10)
        name="microcontroller-cnn",
    )  # fmt: skip


def reader_cnn() -> keras.Model:
    """For photos: four convolutions with batch normalisation, then global average and maximum pooling in parallel.

    Made for recipes/reader.toml. 217,386 parameters; 8.1 million multiply–adds per image: 20,000 images
    per second. Global pooling instead of flattening makes the prediction robust to the position of the ink, as photos
    need.
    """
    images = keras.Input((28, 28), dtype="uint8", name="images")
    x: Any = images
    for layer in sequential(name="reader-cnn").layers:
        x = layer(x)
    for layer in (
        *_normalised(32, 5), max_pool(),                                # (N, 12, 12, 32)
        *_normalised(64), *_normalised(96), max_pool(),                 # (N, 4, 4, 96)
        *_normalised(160, padding="same"),                              # (N, 4, 4, 160)
    ):  # fmt: skip
        x = layer(x)
    pooled = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])  # (N, 320)
    x = layers.Dropout(0.3)(pooled)
    return keras.Model(images, output()[0](x), name="reader-cnn")


def _normalised(filters: int, size: int = 3, *, scale: bool = True, **settings: Any) -> list[keras.Layer]:
    """Create a convolution with batch normalisation instead of a bias, and ReLU."""
    return [
        layers.Conv2D(filters, size, use_bias=False, **settings),
        layers.BatchNormalization(scale=scale),
        layers.Activation("relu"),
    ]


def _separable(filters: int) -> list[keras.Layer]:
    """Create a depthwise 3×3 and a pointwise 1×1 convolution, with ReLU at the end only."""
    return [layers.DepthwiseConv2D(3, use_bias=False), *_normalised(filters, 1, scale=False)]


def tiny_family(*, width: int = 12, stem: int = 8, repeats: int = 1, shared: bool = True) -> keras.Model:
    """Networks of 300 to 5,000 parameters, similar to `tiny_cnn`. By default 982 parameters, 834 trained.

    If parameters are scarce but computation is not, kernels can be reused: one block of a depthwise and a pointwise
    convolution is applied repeatedly, each time with its own batch normalisation, as in recurrent convolutional
    networks (Liang, Hu 2015). Not for the C code of `digitlab export`, which supports neither sums of layers nor
    shared ones.

    width: channels of the blocks; stem: of the first convolution
    repeats: blocks on 12×12 maps, each added to its input (He, Zhang, Ren, Sun 2016), before the two that reduce them
        to 8×8
    shared: use the same kernels in all blocks; False: each has its own

    Raises:
        UsageError: for sizes that leave no network.
    """
    _expect_widths("width", (width, stem))
    if not 0 <= repeats <= 8:
        raise UsageError(f"repeats is {repeats}; expected 0 to 8")
    images = keras.Input((28, 28), dtype="uint8", name="images")
    start = (*sequential(name="start").layers, *_normalised(stem, scale=False), *_separable(width), max_pool())
    x = _through(start, images)  # (N, 12, 12, width)
    block = _block(width)
    for number in range(repeats + 2):
        added = number < repeats
        new = layers.BatchNormalization(scale=False)(_through(block, layers.ZeroPadding2D(1)(x) if added else x))
        x = layers.Activation("relu")(layers.Add()([x, new]) if added else new)  # the last two: 10 and 8 wide
        block = block if shared else _block(width)
    end = (max_pool(), layers.DepthwiseConv2D(4, use_bias=False), layers.Flatten(), *output())  # (N, 10)
    return keras.Model(images, _through(end, x), name="tiny-family")


def _block(width: int) -> list[keras.Layer]:
    return [layers.DepthwiseConv2D(3, use_bias=False), layers.Conv2D(width, 1, use_bias=False)]


def _through(stack: Sequence[keras.Layer], tensor: Any) -> Any:
    for layer in stack:
        tensor = layer(tensor)
    return tensor


_POOLINGS = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}
_INITIALISERS = {"glorot": "glorot_uniform", "uniform": "random_uniform", "normal": "random_normal"}


def conv_family(
    *,
    filters: Sequence[int] = (32,),
    kernel: int = 3,
    pooling: str = "max",
    units: Sequence[int] = (20,),
    batch_norm: bool = False,
    spatial_dropout: float = 0.0,
) -> keras.Model:
    """Pairs of convolution and pooling, then dense layers. By default 108,710 parameters.

    With kernel 5 and average pooling it is S1's first-cnn, with filters (16, 32) and units (32,) S2's slides-cnn.

    filters: of each convolution; kernel: their width and height; pooling: "max" or "average", 2×2
    units: of each dense layer before the last
    batch_norm: normalise before each ReLU; S2: "normalisation of the activations of each training batch"
    spatial_dropout: fraction of channels dropped after each pool, 0 for none

    Raises:
        UsageError: for sizes that leave no network or no image.
    """
    if pooling not in _POOLINGS:
        raise UsageError(f"pooling is {pooling!r}; expected one of: {', '.join(_POOLINGS)}")
    expect_share("spatial_dropout", spatial_dropout)
    _expect_widths("filters", filters)
    _expect_widths("units", units)
    stack: list[keras.Layer] = []
    side = 28
    for count in filters:
        side = (side - kernel + 1) // 2
        if kernel < 1 or side < 1:
            raise UsageError(
                f"{counted(len(filters), 'pair')} with kernels of {kernel}×{kernel} "
                f"would leave no image of 28×28; expected fewer pairs "
                "or smaller kernels"
            )
        stack += _activated(conv(count, kernel, activation=None), batch_norm=batch_norm)
        stack.append(_POOLINGS[pooling](2))  # (N, side, side, count)
        stack += [layers.SpatialDropout2D(spatial_dropout)] if spatial_dropout else []
    stack.append(layers.Flatten())
    for count in units:
        stack += _activated(dense(count, activation=None), batch_norm=batch_norm)  # (N, count)
    return sequential(stack, output(), name="conv-family")


def dense_family(*, width: int = 397, hidden: int = 2, initialiser: str = "glorot") -> keras.Model:
    """S1 §2.3.1's grid: ``hidden`` dense layers of ``width``. By default 473,631 parameters, those of ann-397.

    initialiser: of all weights: "glorot" (Keras' default), "uniform" (±0.05) or "normal" (standard deviation 0.05)

    Raises:
        UsageError: for sizes that leave no network, or an unknown initialiser.
    """
    if initialiser not in _INITIALISERS:
        raise UsageError(f"initialiser is {initialiser!r}; expected one of: {', '.join(_INITIALISERS)}")
    if hidden < 0:
        raise UsageError(f"hidden is {hidden}; expected 0 or more")
    _expect_widths("width", (width,))
    weights = {"kernel_initializer": _INITIALISERS[initialiser]}
    return sequential(
        layers.Flatten(), [dense(width, **weights) for _ in range(hidden)],     # (N, width)
        output(**weights),                                                      # (N, 10)
        name="dense-family", preparation=CENTRED,
    )  # fmt: skip


def _activated(layer: keras.Layer, *, batch_norm: bool) -> list[keras.Layer]:
    return [layer, *([layers.BatchNormalization()] if batch_norm else []), layers.Activation("relu")]


def _expect_widths(name: str, widths: Sequence[int]) -> None:
    if not all(1 <= width <= 4096 for width in widths):
        raise UsageError(f"{name} is {list(widths)}; expected numbers from 1 to 4096")
