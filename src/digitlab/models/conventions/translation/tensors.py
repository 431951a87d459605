"""Tensors and operators of an ONNX graph, and how they are stored in Keras.

Convolutional networks have channels first in ONNX; Keras on a CPU needs them last. Feature maps are therefore stored
with channels last, as `LayoutTensor` records; after a flattening, the rows of the next weights are reordered instead.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from digitlab.errors import ModelError
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LayoutTensor", "Names", "Operator", "as_maps", "flattened", "in_order", "like", "plain", "refuse", "with_weights",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class LayoutTensor:
    """A tensor of ONNX, and how Keras stores it.

    tensor: the Keras tensor
    last: ONNX's layout is (N, channels, rows, columns), and the channels are last in ``tensor``
    maps: (channels, rows, columns), if ``tensor`` is such maps flattened with the channels last; else empty
    """

    tensor: Any
    last: bool = False
    maps: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image, in ONNX's layout."""
        sizes = tuple(self.tensor.shape[1:])
        return (sizes[2], *sizes[:2]) if self.last else sizes


@dataclass(slots=True)
class Operator:
    """One operator: its inputs, its attributes, and the version of ONNX's operator set."""

    kind: str
    inputs: list[Any]
    settings: dict[str, Any]
    opset: int

    @property
    def first_input(self) -> LayoutTensor:
        """The first input, a tensor."""
        if not isinstance(self.inputs[0], LayoutTensor):
            refuse(f"uses {self.kind[:40]} of a constant first, which is not translated")
        return self.inputs[0]

    def constant(self, index: int) -> NDArray[Any] | None:
        """Return the constant at input ``index``, or None if there is no such input."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if isinstance(value, LayoutTensor):
            refuse(f"uses {self.kind[:40]} of two tensors, which is not translated")
        return value


class Names:
    """Creates layers, with names numbered by class."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def call(self, kind: str, tensor: Any, *arguments: Any, **settings: Any) -> Any:
        """Apply a new layer of this class to ``tensor``."""
        return self.made(kind, *arguments, **settings)(tensor)

    def made(self, kind: str, *arguments: Any, **settings: Any) -> Any:
        """Create a layer of this class."""
        self._counts[kind] += 1
        return getattr(keras.layers, kind)(*arguments, name=f"{kind.lower()}_{self._counts[kind]}", **settings)


def refuse(reason: str) -> NoReturn:
    """Raise ModelError."""
    raise ModelError(reason)


def plain(x: LayoutTensor, names: Names) -> LayoutTensor:
    """Convert to ONNX's own layout."""
    if x.maps:
        channels, rows, columns = x.maps
        maps = LayoutTensor(names.call("Reshape", x.tensor, (rows, columns, channels)), last=True)
        return LayoutTensor(names.call("Flatten", plain(maps, names).tensor))
    if not x.last:
        return x
    channels, rows, columns = x.shape
    if channels == 1 or rows * columns == 1:
        return LayoutTensor(names.call("Reshape", x.tensor, (channels, rows, columns)))
    return LayoutTensor(names.call("Permute", x.tensor, (3, 1, 2)))


def as_maps(x: LayoutTensor, names: Names) -> LayoutTensor:
    """Convert to maps with the channels last."""
    if x.last:
        return x
    x = plain(x, names)
    if len(x.shape) != 3:
        refuse(f"convolves or pools {x.shape}; expected maps (channels, rows, columns)")
    channels, rows, columns = x.shape
    if channels == 1:
        return LayoutTensor(names.call("Reshape", x.tensor, (rows, columns, 1)), last=True)
    return LayoutTensor(names.call("Permute", x.tensor, (2, 3, 1)), last=True)


def flattened(x: LayoutTensor, names: Names) -> LayoutTensor:
    """Flatten each image: (N, values)."""
    if len(x.shape) == 1:
        return x
    channels, rows, columns = x.shape if x.last else (1, 1, 1)
    maps = x.shape if channels > 1 and rows * columns > 1 else ()
    return LayoutTensor(names.call("Flatten", x.tensor), maps=maps)


def like(x: LayoutTensor, tensor: Any) -> LayoutTensor:
    """Return another tensor that is stored in the same way."""
    return replace(x, tensor=tensor)


def in_order(numbers: NDArray[Any], x: LayoutTensor) -> NDArray[Any]:
    """Reorder weights (inputs, …) to match the order in which the inputs are stored."""
    if not x.maps:
        return numbers
    return numbers.reshape(*x.maps, *numbers.shape[1:]).transpose(1, 2, 0, *range(3, numbers.ndim + 2)).reshape(
        numbers.shape
    )  # fmt: skip


def with_weights(layer: Any, tensor: Any, *weights: NDArray[Any]) -> Any:
    """Apply a layer to ``tensor`` and set its weights; return its output."""
    result = layer(tensor)
    layer.set_weights([each.astype(np.float32) for each in weights])
    return result
