"""Tensors and operators of an ONNX graph, and how they are stored in Keras.

Convolutional networks have channels first in ONNX; Keras on a CPU needs them last. Feature maps are therefore stored
with channels last, as `Held` records; after a flattening, the rows of the next weights are reordered instead.
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

__all__ = ["Held", "Names", "Operator", "as_maps", "flattened", "in_order", "like", "plain", "refuse", "with_weights"]


@dataclass(frozen=True, slots=True)
class Held:
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
    takes: list[Any]
    settings: dict[str, Any]
    opset: int

    @property
    def given(self) -> Held:
        """The first input, a tensor."""
        if not isinstance(self.takes[0], Held):
            refuse(f"uses {self.kind[:40]} of a constant first, which is not translated")
        return self.takes[0]

    def constant(self, place: int) -> NDArray[Any] | None:
        """Return the constant at input ``place``, or None if there is no such input."""
        found = self.takes[place] if place < len(self.takes) else None
        if isinstance(found, Held):
            refuse(f"uses {self.kind[:40]} of two tensors, which is not translated")
        return found


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


def plain(held: Held, names: Names) -> Held:
    """Convert to ONNX's own layout."""
    if held.maps:
        channels, rows, columns = held.maps
        maps = Held(names.call("Reshape", held.tensor, (rows, columns, channels)), last=True)
        return Held(names.call("Flatten", plain(maps, names).tensor))
    if not held.last:
        return held
    channels, rows, columns = held.shape
    if channels == 1 or rows * columns == 1:
        return Held(names.call("Reshape", held.tensor, (channels, rows, columns)))
    return Held(names.call("Permute", held.tensor, (3, 1, 2)))


def as_maps(held: Held, names: Names) -> Held:
    """Convert to maps with the channels last."""
    if held.last:
        return held
    held = plain(held, names)
    if len(held.shape) != 3:
        refuse(f"convolves or pools {held.shape}; expected maps (channels, rows, columns)")
    channels, rows, columns = held.shape
    if channels == 1:
        return Held(names.call("Reshape", held.tensor, (rows, columns, 1)), last=True)
    return Held(names.call("Permute", held.tensor, (2, 3, 1)), last=True)


def flattened(held: Held, names: Names) -> Held:
    """Flatten each image: (N, values)."""
    if len(held.shape) == 1:
        return held
    channels, rows, columns = held.shape if held.last else (1, 1, 1)
    maps = held.shape if channels > 1 and rows * columns > 1 else ()
    return Held(names.call("Flatten", held.tensor), maps=maps)


def like(held: Held, tensor: Any) -> Held:
    """Return another tensor that is stored in the same way."""
    return replace(held, tensor=tensor)


def in_order(numbers: NDArray[Any], held: Held) -> NDArray[Any]:
    """Reorder weights (inputs, …) to match the order in which the inputs are stored."""
    if not held.maps:
        return numbers
    return numbers.reshape(*held.maps, *numbers.shape[1:]).transpose(1, 2, 0, *range(3, numbers.ndim + 2)).reshape(
        numbers.shape
    )  # fmt: skip


def with_weights(layer: Any, tensor: Any, *weights: NDArray[Any]) -> Any:
    """Apply a layer to ``tensor`` and set its weights; return its output."""
    made = layer(tensor)
    layer.set_weights([each.astype(np.float32) for each in weights])
    return made
