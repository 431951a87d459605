"""A network's layers without Keras: their activations for a digit, and how one of them was computed.

ONNX Runtime returns intermediate tensors if they are declared as outputs: their names are appended to the model
(`with_outputs`), and one forward pass returns them all. `walk` groups the nodes into layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import ModelError, ShapeError, UsageError, first_line
from digitlab.network.classifier import read_model, resolve_model, start_session
from digitlab.network.graph import read_graph, with_outputs
from digitlab.network.layer_parts import Layer, Step, as_maps
from digitlab.network.layer_walk import moving_tensors, walk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from digitlab.values import Box

__all__ = ["Activations", "Explanation", "NetworkLayers"]

_MOST_LAYERS = 300
_MOST_NUMBERS = 8_000_000  # activations of one image in all layers: 32 MB
_MOST_TERMS = 4096  # products listed by an explanation
_FEW_INPUTS = 64  # inputs listed if there are more products than that: those with the largest absolute sums


@dataclass(frozen=True, slots=True)
class Activations:
    """The result of one forward pass of one image.

    probabilities: float32 (10,)
    maps: by layer name, float32 (maps, rows, columns); a dense layer has (units, 1, 1)
    """

    probabilities: NDArray[np.float32]
    maps: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Decomposition of one activation into its products: ``products.sum() + rest + bias`` is ``before``.

    field: the receptive field in pixels, clipped to the image; None: the whole image
    inputs: the indices of the input maps (or units) in ``patch``
    patch: input values, float64 (inputs, rows, columns); 0 (pooling: NaN) where the window extends past the border
    kernel, products: of the same shape; None for layers without weights (pooling, activation)
    rest: the sum of the products that are not listed because there are too many
    before: the sum of products and bias; the result of a pooling; the input of an activation
    activation: the activation function that follows, or None
    after: its result
    network: ``before`` as the network itself computed it, in float32
    """

    layer: Layer
    channel: int
    row: int
    column: int
    field: Box | None
    inputs: tuple[int, ...]
    patch: NDArray[np.float64]
    kernel: NDArray[np.float64] | None
    products: NDArray[np.float64] | None
    rest: float
    bias: float
    before: float
    activation: str | None
    after: float
    network: float


class NetworkLayers:
    """The layers of an ONNX model with input uint8 (N, 28, 28). Thread-safe.

    layers: in order of computation
    """

    def __init__(self, model: str | Path | None = None) -> None:
        """Open ``model``, a name or path for `resolve_model`; a forward pass uses one thread.

        Raises:
            ModelError: there is no such model, or it is too large or too unusual to be inspected.
        """
        path = resolve_model(model)
        content = read_model(path)
        try:
            graph = read_graph(content)
            moving = moving_tensors(graph)
            session = start_session(with_outputs(content, sorted(moving - set(graph.outputs))), path, threads=1)
            self._input: str = session.get_inputs()[0].name
            names = [each.name for each in session.get_outputs()]
            blank = session.run(None, {self._input: np.zeros((1, 28, 28), np.uint8)})
            values = {
                name: value for name, value in zip(names, blank, strict=True) if _is_of_one_image(value, name in moving)
            }
            self._walked = walk(graph, {name: value.shape for name, value in values.items()})
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
        except Exception as error:  # ONNX Runtime's errors have no narrower common base class
            raise ModelError(f"{path}: its layers cannot be inspected ({first_line(error)})") from error
        self.layers: tuple[Layer, ...] = tuple(each.layer for each in self._walked.steps)
        self._check_size(path)
        self._output: str = graph.outputs[0]
        self._names = sorted({self._output, *self._walked.tensors})
        hidden = [name for name in self._names if name not in graph.outputs]
        self._session = start_session(with_outputs(content, hidden), path, threads=1)
        self._by_name = {each.layer.name: each for each in self._walked.steps}

    def layer(self, name: str) -> Layer:
        """Return the layer of this name.

        Raises:
            UsageError: when there is none.
        """
        return self._step(name).layer

    def activations(self, glyph: NDArray[np.uint8]) -> Activations:
        """Compute the activations of all layers for one digit, uint8 (28, 28), light ink on dark.

        Raises:
            ShapeError: for another type or shape.
            ModelError: when the network cannot run.
        """
        values = self._run(glyph)
        maps = {each.layer.name: as_maps(values[each.tensor], each.layout) for each in self._walked.steps}
        return Activations(values[self._output][0], maps)

    def kernels(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32] | None] | None:
        """Return a layer's weights, float32 (filters, input maps, rows, columns), and biases; None without weights.

        The weights of a dense layer are (outputs, inputs, 1, 1).

        Raises:
            UsageError: when there is no layer of this name.
        """
        step = self._step(name)
        return None if step.kernel is None else (step.kernel, step.bias)

    def explain(self, glyph: NDArray[np.uint8], name: str, channel: int, row: int = 0, column: int = 0) -> Explanation:
        """Explain how an activation was computed: (row, column) of map ``channel``, or unit ``channel`` of a dense one.

        Raises:
            UsageError: there is no such layer or position, or layers of this kind cannot be decomposed.
            ShapeError: for a glyph of another type or shape.
        """
        step = self._step(name)
        layer = step.layer
        if not layer.explainable:
            raise UsageError(f"{name} is a {layer.kind}; expected a convolution, pooling, activation or dense layer")
        values = self._run(glyph)
        activations = as_maps(values[step.tensor], step.layout)
        maps, rows, columns = activations.shape
        if not (0 <= channel < maps and 0 <= row < rows and 0 <= column < columns):
            raise UsageError(
                f"{name} has no number at row {row}, column {column} of map {channel}; "
                f"expected below {rows}, {columns} and {maps}"
            )
        inputs = as_maps(values[step.source], step.source_layout)
        first, patch = step.patch(inputs.astype(np.float64), channel, row, column)
        network = float(activations[channel, row, column])
        field = None if layer.field is None else layer.field.box(row, column)
        location = (layer, channel, row, column, field)
        if step.kernel is None:
            before = step.reduce(patch)
            follower, after = (None, network) if layer.kind == "pooling" else (layer.operator, network)
            return Explanation(
                *location, inputs=(first,), patch=patch, kernel=None, products=None, rest=0.0, bias=0.0, before=before,
                activation=follower, after=after, network=network if follower is None else before,
            )  # fmt: skip
        kernel = step.kernel[channel].astype(np.float64)
        products = patch * kernel
        bias = 0.0 if step.bias is None else float(step.bias[channel])
        listed = _largest_products(products)
        follower, after = self._after(name, values, (channel, row, column), network)
        return Explanation(
            *location, inputs=tuple(first + each for each in listed), patch=patch[listed], kernel=kernel[listed],
            products=products[listed], rest=float(products.sum() - products[listed].sum()), bias=bias,
            before=float(products.sum()) + bias, activation=follower, after=after, network=network,
        )  # fmt: skip

    def _after(
        self, name: str, values: Mapping[str, NDArray[np.float32]], index: tuple[int, int, int], before: float
    ) -> tuple[str | None, float]:
        """Return the activation function that follows a layer, and its result; None and ``before`` if there is none."""
        for step in self._walked.steps:
            if step.follows == name:
                return step.layer.operator, float(as_maps(values[step.tensor], step.layout)[index])
        return None, before

    def _step(self, name: str) -> Step:
        try:
            return self._by_name[name]
        except KeyError:
            names = ", ".join(self._by_name)
            raise UsageError(f"there is no layer {name[:60]!r}; expected one of {names}") from None

    def _run(self, glyph: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        if glyph.dtype != np.uint8 or glyph.shape != (28, 28):
            raise ShapeError("glyph", expected="uint8 (28, 28)", received=f"{glyph.dtype} {glyph.shape}")
        try:
            values = self._session.run(self._names, {self._input: np.ascontiguousarray(glyph)[None]})
        except Exception as error:  # ONNX Runtime's errors have no narrower common base class
            raise ModelError(f"the model cannot run ({first_line(error)})") from error
        return dict(zip(self._names, values, strict=True))

    def _check_size(self, path: Path) -> None:
        numbers = sum(int(np.prod(layer.shape)) for layer in self.layers)
        if not self.layers or len(self.layers) > _MOST_LAYERS or numbers > _MOST_NUMBERS:
            raise ModelError(
                f"{path}: has {len(self.layers)} layers with {numbers:,} activations per image; "
                f"1 to {_MOST_LAYERS} layers with at most {_MOST_NUMBERS:,} can be inspected"
            )


def _is_of_one_image(value: Any, moves: bool) -> bool:
    return moves and isinstance(value, np.ndarray) and value.dtype == np.float32 and value.shape[:1] == (1,)


def _largest_products(products: NDArray[np.float64]) -> list[int]:
    """Select the rows to list: all, or those with the largest absolute sums, in their original order."""
    if products.size <= _MOST_TERMS:
        return list(range(len(products)))
    weight = np.abs(products.reshape(len(products), -1).sum(axis=1))
    chosen: list[int] = sorted(np.argsort(-weight, kind="stable")[:_FEW_INPUTS].tolist())
    return chosen
