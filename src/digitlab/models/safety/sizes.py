"""Compute the size of a network before any of it is allocated.

Keras allocates a layer's weights as soon as it is connected; a file of 300 bytes can ask for terabytes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from digitlab.errors import ModelError
from digitlab.models.backend import keras
from digitlab.models.safety.plain import refuse, shown
from digitlab.models.safety.words import MERGING, OWN_LAYERS
from digitlab.models.sobel import SobelImage

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LARGEST_ACTIVATION", "MOST_PARAMETERS", "SIDES", "Budget", "is_usual_shape", "make_layer", "measure"]

MOST_PARAMETERS = 50_000_000  # 200 MB; the largest architecture here has one million
LARGEST_ACTIVATION = 500_000  # per image: 2 GB for a batch of 1,000; 640 channels of a digit's size

SIDES = range(16, 65)  # pixels of an image

# Limits on the cost of connecting a network, here and in Keras, which visits the layers in the same way: with models
# called by models, and layers listed before their inputs, it grows as a power of the file's size.
_MOST_CALLS = 3_000  # of layers; those inside models count once for each call of the model
_MOST_LOOKS = 50_000  # checks if a layer's inputs are known; in files by Keras once for each connection

Shape = tuple[int | None, ...]


def is_usual_shape(sizes: Shape, *, first: bool | None = None) -> bool:
    """Return whether this is the shape of one digit image: (784,), (28, 28), (28, 28, 1), (1, 28, 28), or 3 channels.

    first: whether channels come first; None: either way

    >>> is_usual_shape((28, 28, 1)), is_usual_shape((3, 32, 32)), is_usual_shape((3, 32, 32), first=False)
    (True, True, False)
    """
    for side in SIDES:
        square = (side, side)
        last = {(*square, 1), (*square, 3)} if first is not True else set()
        ahead = {(1, *square), (3, *square)} if first is not False else set()
        if tuple(sizes) in {(side * side,), square} | last | ahead:
            return True
    return False


class Budget:
    """Adds up the sizes of a network's layers, and refuses what exceeds the limits."""

    def __init__(self) -> None:
        self.parameters = 0
        self._calls = self._looks = 0

    def look(self, connections: int) -> None:
        """Count checks of a layer's inputs.

        Raises:
            ModelError: when there were too many.
        """
        self._looks += connections
        if self._looks > _MOST_LOOKS:
            refuse("its layers are in an order in which connecting them takes too long")

    def admit(self, layer: keras.Layer, input_shape: Shape | Sequence[Shape]) -> Shape:
        """Count a layer; return its output shape for ``input_shape``, a list of shapes for merging layers.

        Raises:
            ModelError: when the layer cannot take such inputs, or the network becomes too large.
        """
        kind, name = type(layer).__name__, layer.name
        self._calls += 1
        if self._calls > _MOST_CALLS:
            refuse(f"its layers are called more than {_MOST_CALLS:,} times; expected one network")
        try:
            # Our layer keeps the image's size; Keras would have to run it to find out.
            output_shape: Any = tuple(input_shape if kind in OWN_LAYERS else layer.compute_output_shape(input_shape))
        except Exception as error:  # arithmetic on untrusted numbers may raise anything
            raise ModelError(f"{kind} {shown(name)} cannot take {input_shape}: {shown(str(error))}") from error
        self.parameters += 0 if kind in MERGING else _parameters(layer, kind, input_shape)  # type: ignore[arg-type]
        if self.parameters > MOST_PARAMETERS:
            refuse(
                f"at {kind} {shown(name)} it has {self.parameters:,} parameters; at most {MOST_PARAMETERS:,} are read"
            )
        return within_bounds(output_shape, f"{kind} {shown(name)}")


def within_bounds(shape: Shape, location: str) -> Shape:
    """Return ``shape``, of a batch's tensor, if it is within the limit per image.

    Raises:
        ModelError: when it is not.
    """
    sizes = shape[1:]
    if any(not isinstance(size, int) or size < 1 for size in sizes):
        refuse(f"{location} outputs {shape}; expected known sizes of at least 1 after the batch")
    if math.prod(sizes) > LARGEST_ACTIVATION:  # type: ignore[arg-type]
        refuse(f"{location} outputs {shape}; at most {LARGEST_ACTIVATION:,} numbers per image are allowed")
    return shape


def make_layer(kind: str, config: dict[str, Any]) -> keras.Layer:
    """Create a layer of an allowed class with plain arguments, without weights.

    Raises:
        ModelError: when the class does not accept the arguments.
    """
    entry = {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}
    try:
        return SobelImage(**config) if kind in OWN_LAYERS else keras.layers.deserialize(entry)
    except Exception as error:  # a constructor may raise anything
        raise ModelError(f"{kind} {shown(config.get('name'))} cannot be made: {shown(str(error).strip())}") from error


def measure(model: dict[str, Any], budget: Budget, input_shape: Shape | None = None) -> tuple[Shape, Shape]:
    """Return the input and output shapes of a description that `configuration.rebuild` made.

    Args:
        model: the description.
        budget: adds up its layers.
        input_shape: the input shape if it is part of another model.

    Raises:
        ModelError: when it is not a network from one input to one output, or too large.
    """
    measured = _sequential if model["class_name"] == "Sequential" else _functional
    return measured(model["config"], budget, input_shape)


def _input_shape(entry: dict[str, Any], given_shape: Shape | None) -> Shape:
    config = entry["config"]
    shape = given_shape or config.get("batch_shape") or config.get("batch_input_shape")
    if not isinstance(shape, list | tuple) or len(shape) < 2:
        refuse(f"the input layer has the shape {shown(shape)}; expected the sizes of an image")
    return within_bounds(tuple(shape), "the input layer")


def _output_shape(entry: dict[str, Any], budget: Budget, input_shape: Any) -> Shape:
    if entry["class_name"] in ("Sequential", "Functional"):
        return measure(entry, budget, input_shape)[1]
    return budget.admit(make_layer(entry["class_name"], entry["config"]), input_shape)


def _sequential(config: dict[str, Any], budget: Budget, input_shape: Shape | None) -> tuple[Shape, Shape]:
    first, *rest = config["layers"]
    start = shape = _input_shape(first, input_shape)
    for entry in rest:
        shape = _output_shape(entry, budget, shape)
    return start, shape


def _functional(config: dict[str, Any], budget: Budget, input_shape: Shape | None) -> tuple[Shape, Shape]:
    ends = [_only(config[end], end) for end in ("input_layers", "output_layers")]
    shapes: dict[tuple[Any, ...], Shape] = {}
    waiting: list[tuple[dict[str, Any], int]] = []
    for entry in config["layers"]:
        if "inbound_nodes" not in entry:
            refuse(f"layer {shown(entry['config'].get('name'))} is connected to nothing")
        if entry["class_name"] == "InputLayer":
            shapes[entry["name"], 0, 0] = _input_shape(entry, input_shape if entry["name"] == ends[0][0] else None)
        waiting += [(entry, number) for number in range(len(entry["inbound_nodes"]))]
    while waiting:
        later = [each for each in waiting if not _step(*each, shapes, budget)]
        if len(later) == len(waiting):
            refuse(f"layer {shown(later[0][0]['name'])} takes a tensor that no layer outputs")
        waiting = later
    missing = [end for end in ends if end not in shapes]
    if missing:
        refuse(f"input or output {shown(missing[0][0])} is the output of no layer")
    return shapes[ends[0]], shapes[ends[1]]


def _step(entry: dict[str, Any], number: int, shapes: dict[tuple[Any, ...], Shape], budget: Budget) -> bool:
    """Compute the shape of one call of a layer; return False if its inputs are not known yet."""
    arguments = entry["inbound_nodes"][number]["args"]
    if len(arguments) != 1:
        refuse(f"layer {shown(entry['name'])} is called with {len(arguments)} tensors; expected 1, or one list")
    merged = isinstance(arguments[0], list)
    budget.look(len(arguments[0]) if merged else 1)
    keys = [tuple(tensor["config"]["keras_history"]) for tensor in (arguments[0] if merged else arguments)]
    if not all(key in shapes for key in keys):
        return False
    input_shapes = [shapes[key] for key in keys]
    shapes[entry["name"], number, 0] = _output_shape(entry, budget, input_shapes if merged else input_shapes[0])
    return True


def _only(references: list[Any], kind: str) -> tuple[Any, ...]:
    all_references = references if isinstance(references[0], list) else [references]
    if len(all_references) != 1 or isinstance(all_references[0][0], list):
        refuse(f"it has {len(all_references)} {kind.replace('_', ' ')}; expected 1")
    return tuple(all_references[0])


def _parameters(layer: Any, kind: str, input_shape: Shape) -> int:
    """Return the number of weights of the layer once built, trainable or not."""
    sizes = [size or 1 for size in input_shape]
    channels = sizes[1] if getattr(layer, "data_format", None) == "channels_first" else sizes[-1]
    if kind == "Dense":
        return int(sizes[-1] * layer.units + layer.units)
    if kind in ("Conv2D", "Conv2DTranspose"):
        groups = getattr(layer, "groups", 1)
        return int(math.prod(layer.kernel_size) * max(channels // groups, 1) * layer.filters + layer.filters)
    if kind in ("DepthwiseConv2D", "SeparableConv2D"):
        outputs = channels * layer.depth_multiplier
        return int(
            math.prod(layer.kernel_size) * outputs + outputs + (getattr(layer, "filters", None) or 0) * (outputs + 1)
        )
    if kind in ("BatchNormalization", "LayerNormalization", "GroupNormalization", "Normalization"):
        axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
        return 4 * math.prod(sizes[axis] for axis in axes if axis is not None and -len(sizes) <= axis < len(sizes))
    return math.prod(sizes[1:]) if kind == "PReLU" else 0
