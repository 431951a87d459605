"""Families of networks with options: the studies of S1 and S2 vary one of them at a time.

A keyword argument is an option: ``TrainingConfig("conv-family", options={"kernel": 5})``, `--option kernel=5`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.errors import UsageError
from digitlab.models.backend import keras
from digitlab.models.layers import CENTRED, conv, dense, expect_share, output, sequential

if TYPE_CHECKING:
    from collections.abc import Sequence

layers = keras.layers

__all__ = ["conv_family", "dense_family"]

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
    spatial_dropout: share of channels dropped after each pool, 0 for none

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
                f"{len(filters)} pairs with kernels of {kernel}×{kernel} leave no image of 28×28; expected fewer pairs "
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
