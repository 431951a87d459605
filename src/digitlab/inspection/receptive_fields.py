"""The receptive field of each step of a Keras network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.inspection.steps import ACTIVATIONS, CONVOLUTIONS, POOLINGS
from digitlab.models.safety.words import MERGING
from digitlab.network.receptive_field import SIDE, WHOLE_IMAGE, ReceptiveField, Window, same_padding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitlab.inspection.steps import Network, Step

__all__ = ["receptive_fields"]

_ELEMENTWISE = ("BatchNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "Rescaling")
_RANDOM = ("RandomRotation", "RandomTranslation", "RandomZoom")  # active during training only


def receptive_fields(network: Network) -> dict[str, ReceptiveField | None]:
    """By the name of each step; None where it is unknown (upsampling, branches that differ in stride)."""
    found: dict[str, ReceptiveField | None] = {}
    for step in network.steps.values():
        taken = [found[name] for name in step.takes] or [ReceptiveField()]
        known = [field for field in taken if field is not None]
        found[step.name] = _field(step, known, network.steps) if len(known) == len(taken) else None
        if len(step.shape) < 2:  # each unit of a vector depends on everything before it
            found[step.name] = WHOLE_IMAGE
    return found


def _field(step: Step, taken: Sequence[ReceptiveField], steps: Mapping[str, Step]) -> ReceptiveField | None:
    first = taken[0]
    if step.kind in (*ACTIVATIONS, *_ELEMENTWISE, *_RANDOM, "Dense") or step.kind in MERGING or first.whole:
        return _joined(taken)
    if step.kind == "Reshape" and len(step.shape) in (2, 3) and step.shape[:2] == _taken_shape(step, steps)[:2]:
        return first
    if step.kind == "SobelImage":
        return first.behind(Window((5, 5), padding=(2, 2)))
    if step.kind == "ZeroPadding2D":
        (top, _), (left, _) = step.layer.padding
        return first.behind(Window((1, 1), padding=(top, left)))
    if step.kind == "Cropping2D":
        (top, _), (left, _) = step.layer.cropping
        return first.behind(Window((1, 1), padding=(-top, -left)))
    if step.kind in (*CONVOLUTIONS, *POOLINGS) and step.kind != "Conv2DTranspose":
        return first.behind(_window(step, _taken_shape(step, steps)))
    return None


def _window(step: Step, shape: tuple[int, ...]) -> Window:
    layer = step.layer
    size = tuple(layer.kernel_size if step.kind in CONVOLUTIONS else layer.pool_size)
    stride, dilation = tuple(layer.strides), tuple(getattr(layer, "dilation_rate", (1, 1)))
    padding = [0, 0]
    if layer.padding == "same":
        for axis in (0, 1):
            made = -(-shape[axis] // stride[axis])
            padding[axis] = same_padding(shape[axis], made, size[axis], stride[axis], dilation[axis]) // 2
    return Window((size[0], size[1]), (stride[0], stride[1]), (dilation[0], dilation[1]), (padding[0], padding[1]))


def _joined(fields: Sequence[ReceptiveField]) -> ReceptiveField | None:
    joined: ReceptiveField | None = fields[0]
    for other in fields[1:]:
        joined = None if joined is None else joined.joined(other)
    return joined


def _taken_shape(step: Step, steps: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of the step's input for one image."""
    return steps[step.takes[0]].shape if step.takes else (SIDE, SIDE)
