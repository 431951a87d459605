"""What an ONNX graph computes, and how Keras holds it.

Convolutional networks have channels first in ONNX; Keras on a CPU needs them last. Maps are therefore held with
channels last, as `Held` says; after a flattening the rows of the next weights are put in the other order instead.
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
    """A tensor of ONNX, and how Keras holds it.

    tensor: of Keras
    last: ONNX means (N, channels, rows, columns), and the channels are last in ``tensor``
    maps: (channels, rows, columns), where ``tensor`` is such maps flattened with the channels last; else empty
    """

    tensor: Any
    last: bool = False
    maps: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image, as ONNX has it."""
        sizes = tuple(self.tensor.shape[1:])
        return (sizes[2], *sizes[:2]) if self.last else sizes


@dataclass(slots=True)
class Operator:
    """One operator: what it takes, its settings, and the version of ONNX's operators."""

    kind: str
    takes: list[Any]
    settings: dict[str, Any]
    opset: int

    @property
    def given(self) -> Held:
        """The tensor that it takes first."""
        if not isinstance(self.takes[0], Held):
            refuse(f"uses {self.kind[:40]} of a constant first, which is not translated")
        return self.takes[0]

    def constant(self, place: int) -> NDArray[Any] | None:
        """What it takes there, where that is a constant."""
        found = self.takes[place] if place < len(self.takes) else None
        if isinstance(found, Held):
            refuse(f"uses {self.kind[:40]} of two tensors, which is not translated")
        return found


class Names:
    """Names of layers, numbered by their kind."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def call(self, kind: str, tensor: Any, *arguments: Any, **settings: Any) -> Any:
        """What a new layer of this class makes of ``tensor``."""
        return self.made(kind, *arguments, **settings)(tensor)

    def made(self, kind: str, *arguments: Any, **settings: Any) -> Any:
        """A new layer of this class."""
        self._counts[kind] += 1
        return getattr(keras.layers, kind)(*arguments, name=f"{kind.lower()}_{self._counts[kind]}", **settings)


def refuse(reason: str) -> NoReturn:
    """Raise ModelError."""
    raise ModelError(reason)


def plain(held: Held, names: Names) -> Held:
    """The same in ONNX's own order."""
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
    """Maps with the channels last."""
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
    """(N, numbers) of each image."""
    if len(held.shape) == 1:
        return held
    channels, rows, columns = held.shape if held.last else (1, 1, 1)
    maps = held.shape if channels > 1 and rows * columns > 1 else ()
    return Held(names.call("Flatten", held.tensor), maps=maps)


def like(held: Held, tensor: Any) -> Held:
    """Another tensor that is held in the same way."""
    return replace(held, tensor=tensor)


def in_order(numbers: NDArray[Any], held: Held) -> NDArray[Any]:
    """Weights (inputs, …) in the order in which the inputs are held."""
    if not held.maps:
        return numbers
    return numbers.reshape(*held.maps, *numbers.shape[1:]).transpose(1, 2, 0, *range(3, numbers.ndim + 2)).reshape(
        numbers.shape
    )  # fmt: skip


def with_weights(layer: Any, tensor: Any, *weights: NDArray[Any]) -> Any:
    """What a layer makes of ``tensor``; it gets these weights."""
    made = layer(tensor)
    layer.set_weights([each.astype(np.float32) for each in weights])
    return made
