"""Receptive fields: which pixels of the image one number of a layer can see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.inspection.steps import ACTIVATIONS, CONVOLUTIONS, POOLINGS
from digitlab.models.safety.words import MERGING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitlab.inspection.steps import Network, Step

__all__ = ["PIXELS", "WHOLE", "Field", "Reach", "receptive_fields"]

_SIDE = 28
_ROW_BY_ROW = ("BatchNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "Rescaling")
_RANDOM = ("RandomRotation", "RandomTranslation", "RandomZoom")  # at work while training only


@dataclass(frozen=True, slots=True)
class Reach:
    """Along one axis: the pixels that a unit sees, how far apart neighbours' are, the middle of the first one's.

    >>> Reach().after(3, 1, 1, 0).after(2, 2, 1, 0)  # a convolution of 3, a pooling of 2
    Reach(size=4, step=2, middle=1.5)
    """

    size: int = 1
    step: int = 1
    middle: float = 0.0

    def after(self, kernel: int, stride: int, dilation: int, padding: int) -> Reach:
        """What a window of ``kernel`` units sees that begins ``padding`` units before the first."""
        extent = (kernel - 1) * dilation + 1
        middle = self.middle + ((extent - 1) / 2 - padding) * self.step
        return Reach(self.size + (extent - 1) * self.step, self.step * stride, middle)

    def joined(self, other: Reach) -> Reach | None:
        """What a unit sees through two ways; None where these are not in step."""
        if self.step != other.step:
            return None
        low = min(each.middle - (each.size - 1) / 2 for each in (self, other))
        high = max(each.middle + (each.size - 1) / 2 for each in (self, other))
        return Reach(round(high - low) + 1, self.step, (low + high) / 2)


@dataclass(frozen=True, slots=True)
class Field:
    """The receptive field of a layer's units, down and across; ``whole`` where each sees all of the image."""

    down: Reach
    across: Reach
    whole: bool = False

    def __str__(self) -> str:
        """For people: "5×5", or "all".

        >>> str(Field(Reach(5), Reach(3))), str(WHOLE)
        ('5×3', 'all')
        """
        return "all" if self.whole else f"{self.down.size}×{self.across.size}"


PIXELS = Field(Reach(), Reach())
WHOLE = Field(Reach(_SIDE), Reach(_SIDE), whole=True)


def receptive_fields(network: Network) -> dict[str, Field | None]:
    """By the name of each step; None where it cannot be told (an enlargement, ways that are not in step)."""
    found: dict[str, Field | None] = {}
    for step in network.steps.values():
        taken = [found[name] for name in step.takes] or [PIXELS]
        known = [field for field in taken if field is not None]
        found[step.name] = _field(step, known, network.steps) if len(known) == len(taken) else None
        if len(step.shape) < 2:  # a row of units: each is made of all that was before
            found[step.name] = WHOLE
    return found


def _field(step: Step, taken: Sequence[Field], steps: Mapping[str, Step]) -> Field | None:
    first = taken[0]
    if step.kind in (*ACTIVATIONS, *_ROW_BY_ROW, *_RANDOM, "Dense") or step.kind in MERGING or first.whole:
        return _joined(taken)
    if step.kind == "Reshape" and len(step.shape) in (2, 3) and step.shape[:2] == _taken_shape(step, steps)[:2]:
        return first
    if step.kind == "SobelImage":
        return _windowed(first, (5, 5), (1, 1), (1, 1), (2, 2))
    if step.kind == "ZeroPadding2D":
        (top, _), (left, _) = step.layer.padding
        return _windowed(first, (1, 1), (1, 1), (1, 1), (top, left))
    if step.kind == "Cropping2D":
        (top, _), (left, _) = step.layer.cropping
        return _windowed(first, (1, 1), (1, 1), (1, 1), (-top, -left))
    if step.kind in (*CONVOLUTIONS, *POOLINGS) and step.kind != "Conv2DTranspose":
        return _behind_window(step, first, _taken_shape(step, steps))
    return None


def _behind_window(step: Step, taken: Field, shape: tuple[int, ...]) -> Field:
    layer = step.layer
    kernel = tuple(layer.kernel_size if step.kind in CONVOLUTIONS else layer.pool_size)
    dilation = tuple(getattr(layer, "dilation_rate", (1, 1)))
    padding = [
        _padding(size, *window) if layer.padding == "same" else 0
        for size, window in zip(shape, zip(kernel, layer.strides, dilation, strict=True), strict=False)
    ]
    return _windowed(taken, kernel, tuple(layer.strides), dilation, tuple(padding))


def _padding(size: int, kernel: int, stride: int, dilation: int) -> int:
    """How many units "same" adds before the first."""
    extent = (kernel - 1) * dilation + 1
    return max((-(-size // stride) - 1) * stride + extent - size, 0) // 2


def _windowed(
    taken: Field, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...], padding: tuple[int, ...]
) -> Field:
    down, across = (
        reach.after(*window)
        for reach, window in zip(
            (taken.down, taken.across), zip(kernel, stride, dilation, padding, strict=True), strict=True
        )
    )
    return Field(down, across)


def _joined(fields: Sequence[Field]) -> Field | None:
    joined = fields[0]
    for other in fields[1:]:
        if joined.whole or other.whole:
            return WHOLE
        down, across = joined.down.joined(other.down), joined.across.joined(other.across)
        if down is None or across is None:
            return None
        joined = Field(down, across)
    return joined


def _taken_shape(step: Step, steps: Mapping[str, Any]) -> tuple[int, ...]:
    """Of what the step takes, for one image."""
    return steps[step.takes[0]].shape if step.takes else (_SIDE, _SIDE)
