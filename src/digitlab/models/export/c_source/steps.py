"""A Keras network as the few kinds of step that the C code has: products, pools, tables and concatenations.

Batch normalisation is folded into the product before it, or becomes one (depthwise, 1×1). Dense layers are 1×1
convolutions of an image of one pixel. Flatten and Reshape have no effect: the order is always rows, columns, channels.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from digitlab.errors import ModelError
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Shape = tuple[int, int, int]  # rows, columns, channels
    Step: TypeAlias = "Product | Pool | Table | Concatenation"

__all__ = ["SUPPORTED", "Concatenation", "Pool", "Product", "Program", "Table", "steps_of"]

_WITHOUT_EFFECT = ("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "Flatten", "Reshape")
_OF_NORMALISATION = ("gamma", "beta", "moving_mean", "moving_variance")
_POOLS = ("MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D")
_TABLES = ("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "hard_sigmoid")
SUPPORTED = (
    "Rescaling (first), Conv2D, DepthwiseConv2D, Dense, BatchNormalization, Concatenate, Activation, ReLU, LeakyReLU, "
    "ELU, Softmax (last), " + ", ".join((*_POOLS, *_WITHOUT_EFFECT))
)


@dataclass(frozen=True, slots=True)
class Product:
    """A convolution: weights float64 (outputs, rows, columns, inputs), or (rows, columns, channels) if depthwise.

    before: zeros above and left of the image; rectified: negative values become 0 (ReLU)
    """

    input: int
    output: int
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    stride: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)
    rectified: bool = False

    @property
    def depthwise(self) -> bool:
        """Whether each channel has its own kernel."""
        return self.weights.ndim == 3

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the kernel."""
        rows, columns = self.weights.shape[:2] if self.depthwise else self.weights.shape[1:3]
        return rows, columns


@dataclass(frozen=True, slots=True)
class Pool:
    """The maximum or the mean of the pixels that a window covers; pixels outside the image do not count."""

    input: int
    output: int
    largest: bool
    size: tuple[int, int]
    stride: tuple[int, int]
    before: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Table:
    """An elementwise function, as a table of 256 entries, one for each value."""

    input: int
    output: int
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Several tensors concatenated along the channels."""

    inputs: tuple[int, ...]
    output: int


@dataclass(slots=True)
class Program:
    """The network. Tensor 0 is the image: its values are ``scale`` × pixel + ``offset``.

    shapes: of each tensor, as its producer sees it
    input_shapes: of each step, the shape of its input (a dense layer sees an image as one pixel of many channels)
    """

    scale: float = 1.0
    offset: float = 0.0
    shapes: list[Shape] = field(default_factory=lambda: [(28, 28, 1)])
    steps: list[Step] = field(default_factory=list)
    input_shapes: list[Shape] = field(default_factory=list)

    def add(self, step: Step, input_shape: Shape, shape: Shape) -> int:
        """Append a step; return the number of its output."""
        self.steps.append(step)
        self.input_shapes.append(input_shape)
        self.shapes.append(shape)
        return step.output


def steps_of(model: keras.Model, name: str) -> Program:
    """Convert a network from uint8 (N, 28, 28) to ten probabilities into steps; ``name`` is for error messages.

    The last step computes the logits: a final softmax is left out.

    Raises:
        ModelError: for a layer that the C code does not support; the message names it and the supported ones.
    """
    walk = _Walk(name)
    last, shape = walk.follow(model, [(0, (28, 28, 1))])
    final = walk.program.steps[-1] if walk.program.steps else None
    if (
        shape != (1, 1, 10)
        or not isinstance(final, Product)
        or final.output != last
        or final.rectified
        or final.depthwise
    ):
        raise ModelError(
            f"{name}: ends otherwise than with ten numbers of a Dense or convolution layer and a softmax; this is what "
            "can be exported to C"
        )
    return walk.program


class _Walk:
    def __init__(self, name: str) -> None:
        self._name = name
        self._ended = False
        self._shared: set[int] = set()  # inputs of several layers: nothing may be folded into them
        self.program = Program()

    def follow(self, model: keras.Model, inputs: list[tuple[int, Shape]]) -> tuple[int, Shape]:
        graph = keras.Model(model.inputs, model.outputs)  # turns a Sequential into a graph
        copy = keras.models.clone_model(graph)  # its layers are used once, even if the model's belong to other models
        copy.set_weights(graph.get_weights())
        values = {id(tensor): value for tensor, value in zip(copy.inputs, inputs, strict=True)}
        layers = [layer for layer in copy.layers if type(layer).__name__ != "InputLayer"]
        uses = Counter(id(tensor) for layer in layers for tensor in keras.tree.flatten(layer.input))
        self._shared |= {values[id(tensor)][0] for tensor in copy.inputs if uses[id(tensor)] > 1}
        for layer in layers:
            value = self._step(layer, [self._of(values, tensor) for tensor in keras.tree.flatten(layer.input)])
            values[id(layer.output)] = value
            if uses[id(layer.output)] > 1:
                self._shared.add(value[0])
        return self._of(values, copy.outputs[0])

    def _of(self, values: dict[int, tuple[int, Shape]], tensor: Any) -> tuple[int, Shape]:
        if id(tensor) not in values:
            raise ModelError(
                f"{self._name}: C export supports layers only, not operations such as {tensor.name!r}; supported: "
                f"{SUPPORTED}"
            )
        return values[id(tensor)]

    def _step(self, layer: Any, inputs: list[tuple[int, Shape]]) -> tuple[int, Shape]:
        """Convert a layer; return the number and shape of its output."""
        kind = type(layer).__name__
        if isinstance(layer, keras.Model):
            return self.follow(layer, inputs)
        shape = _shape(layer.output)
        if self._ended or shape is None:
            raise self._unsupported(layer)
        number, input_shape = inputs[0]
        if kind in _WITHOUT_EFFECT:
            return number, shape
        if (
            kind == "Rescaling"
            and number == 0
            and not self.program.steps
            and np.ndim(layer.scale) == np.ndim(layer.offset) == 0
        ):
            self.program.offset = self.program.offset * float(layer.scale) + float(layer.offset)
            self.program.scale *= float(layer.scale)
            return 0, shape
        if kind == "Concatenate":
            return self._concatenated(layer, inputs, shape), shape
        if kind == "BatchNormalization":
            return self._normalised(layer, number, input_shape), shape
        if kind in _POOLS:
            return self.program.add(self._pool(layer, number, input_shape), input_shape, shape), shape
        if kind in ("Conv2D", "DepthwiseConv2D", "Dense"):
            product = self._product(layer, number, input_shape, shape)
            return self._activated(layer, layer.activation, product, shape), shape
        if kind in ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax"):
            return self._activated(layer, getattr(layer, "activation", layer), number, shape), shape
        raise self._unsupported(layer)

    def _product(self, layer: Any, number: int, input_shape: Shape, shape: Shape) -> int:
        kernel = _array(layer.kernel)
        if type(layer).__name__ == "Dense":
            if kernel.shape[0] != input_shape[2]:
                raise self._unsupported(layer, "along rows of an image")
            kernel = kernel[None, None]
        elif (
            layer.data_format != "channels_last" or set(layer.dilation_rate) != {1} or getattr(layer, "groups", 1) != 1
        ):
            raise self._unsupported(layer, "with channels first, dilation or groups")
        if type(layer).__name__ == "DepthwiseConv2D":
            if kernel.shape[3] != 1:
                raise self._unsupported(layer, f"with depth multiplier {kernel.shape[3]}")
            weights = kernel[..., 0]
        else:
            weights = kernel.transpose(3, 0, 1, 2)
        bias = _array(layer.bias) if layer.use_bias else np.zeros(shape[2])
        stride = tuple(getattr(layer, "strides", (1, 1)))
        size = kernel.shape[0], kernel.shape[1]
        before = self._before(layer, input_shape, size, stride)
        step = Product(number, len(self.program.shapes), weights, bias, stride, before)
        return self.program.add(step, input_shape, shape)

    def _pool(self, layer: Any, number: int, input_shape: Shape) -> Pool:
        kind = type(layer).__name__
        if layer.data_format != "channels_last":
            raise self._unsupported(layer, "with channels first")
        output, largest = len(self.program.shapes), "Max" in kind
        if kind.startswith("Global"):
            return Pool(number, output, largest, input_shape[:2], input_shape[:2])
        size, stride = tuple(layer.pool_size), tuple(layer.strides)
        return Pool(number, output, largest, size, stride, self._before(layer, input_shape, size, stride))

    def _before(
        self, layer: Any, input_shape: Shape, size: tuple[int, int], stride: tuple[int, int]
    ) -> tuple[int, int]:
        """Return the padding above and left of the image: half of what "same" needs, rounded down."""
        padding = getattr(layer, "padding", "valid")
        if padding not in ("valid", "same"):
            raise self._unsupported(layer, f"with padding {padding!r}")
        if padding == "valid":
            return 0, 0
        needed = [
            max((-(-extent // step) - 1) * step + one - extent, 0)
            for extent, one, step in zip(input_shape, size, stride, strict=False)
        ]
        return needed[0] // 2, needed[1] // 2

    def _normalised(self, layer: Any, number: int, input_shape: Shape) -> int:
        if layer.axis not in (-1, len(layer.output.shape) - 1):
            raise self._unsupported(layer, f"along axis {layer.axis}")
        arrays = {name: getattr(layer, name, None) for name in _OF_NORMALISATION}
        numbers = {name: _array(value) for name, value in arrays.items() if value is not None}
        factor = numbers.get("gamma", 1.0) / np.sqrt(numbers["moving_variance"] + layer.epsilon)
        shift = numbers.get("beta", 0.0) - numbers["moving_mean"] * factor
        before = self._maker(number)
        if before is None or before.bias.shape != factor.shape:
            step = Product(number, len(self.program.shapes), factor[None, None], shift)
            return self.program.add(step, input_shape, input_shape)
        weights = before.weights * (factor if before.depthwise else factor[:, None, None, None])
        self.program.steps[-1] = replace(before, weights=weights, bias=before.bias * factor + shift)
        return number

    def _maker(self, number: int) -> Product | None:
        """Return the product that made this tensor, if it is the last step and its result has not been used yet."""
        last = self.program.steps[-1] if self.program.steps else None
        untouched = isinstance(last, Product) and last.output == number and not last.rectified
        return last if isinstance(last, Product) and untouched and number not in self._shared else None

    def _activated(self, layer: Any, function: Any, number: int, shape: Shape) -> int:
        kind = getattr(function, "__name__", type(function).__name__)
        if kind == "ReLU" and (layer.negative_slope, layer.threshold, layer.max_value) == (0, 0, None):
            kind = "relu"
        if kind == "linear":
            return number
        if kind in ("softmax", "Softmax"):
            self._ended = True
            return number
        before = self._maker(number)
        if kind == "relu" and before is not None:
            self.program.steps[-1] = replace(before, rectified=True)
            return number
        if kind not in _TABLES and kind not in ("ReLU", "LeakyReLU", "ELU"):
            raise self._unsupported(layer, f"with activation {kind}")

        def values(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
            return _array(function(keras.ops.convert_to_tensor(numbers, "float32")))

        return self.program.add(Table(number, len(self.program.shapes), values), shape, shape)

    def _concatenated(self, layer: Any, inputs: list[tuple[int, Shape]], shape: Shape) -> int:
        if layer.axis not in (-1, len(layer.output.shape) - 1):
            raise self._unsupported(layer, f"along axis {layer.axis}")
        step = Concatenation(tuple(number for number, _ in inputs), len(self.program.shapes))
        return self.program.add(step, inputs[0][1], shape)

    def _unsupported(self, layer: Any, detail: str = "") -> ModelError:
        kind = f"{type(layer).__name__} {detail}".strip()
        return ModelError(
            f"{self._name}: C export does not support the layer {layer.name!r} ({kind}); supported: {SUPPORTED}"
        )


def _array(tensor: Any) -> NDArray[np.float64]:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float64)


def _shape(tensor: Any) -> Shape | None:
    """Convert the shape (N, …) to rows, columns, channels; None if it does not fit."""
    sizes = tuple(tensor.shape[1:])
    if not 1 <= len(sizes) <= 3 or not all(isinstance(size, int) for size in sizes):
        return None
    return (*sizes, 1)[:3] if len(sizes) == 2 else (1, 1, *sizes)[-3:]
