"""Build an equivalent Keras 3 network from an old description, and add a softmax where its outputs need one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError
from digitlab.models.backend import keras
from digitlab.models.legacy.kernels import CONVOLUTIONS
from digitlab.models.safety.plain import refuse, shown
from digitlab.models.safety.sizes import Budget, make_layer
from digitlab.models.safety.words import MERGING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.models.legacy.steps import Description, Step

__all__ = ["answering_probabilities", "build_network", "prepared_images", "unused"]

_AXIS = {1: -1, 2: 1, 3: 2, -1: 2, -2: 1, -3: -1}  # axis of (N, C, H, W) → axis of (N, H, W, C)

# May stand between a Flatten and the next dense layer: they are elementwise.
_PLACELESS = ("Activation", "Dropout", "ELU", "GaussianDropout", "GaussianNoise", "LeakyReLU", "ReLU")
# Layers that depend on positions or axes in ways that are not supported here.
_NOT_REORDERED = ("LayerNormalization", "Permute")


def prepared_images(rescaling: tuple[float, float] | None, shape: tuple[int, ...], names: set[str]) -> tuple[Any, Any]:
    """Return our input, uint8 (N, 28, 28), and the prepared pixels in an old network's ``shape``.

    Args:
        rescaling: factor and offset for the pixels; None if the network itself rescales them.
        shape: of one image, channels last.
        names: the names of the network's layers, which ours must not reuse.
    """
    if math.prod(shape) != 784:
        refuse(
            f"it takes images of the shape {shown(list(shape))}; `digitlab import` can import other sizes than 28 × 28"
        )
    images = pixels = keras.Input((28, 28), dtype="uint8", name=unused("images", names))
    if rescaling is not None:
        pixels = keras.layers.Rescaling(*rescaling, name=unused("prepare", names))(pixels)
    if shape != (28, 28):
        pixels = keras.layers.Reshape(shape, name=unused("add_channel", names))(pixels)
    return images, pixels


def unused(name: str, names: set[str]) -> str:
    """Return ``name``, with underscores appended as long as a layer already has that name."""
    while name in names:
        name += "_"
    return name


def build_network(
    description: Description, rescaling: tuple[float, float] | None, *, theano: bool, raw: bool = False
) -> tuple[keras.Model, dict[str, tuple[int, ...]]]:
    """Build the network with our input and random weights; return it and the order in which each input was flattened.

    Args:
        description: the file's description.
        rescaling: factor and offset for the pixels; None if the network itself rescales them.
        theano: whether it was trained on Theano, whose "same" padding differs in some cases.
        raw: take values in its own shape instead of our images; eleven classes are then allowed.

    Raises:
        ModelError: when a layer cannot be imported, the network is too large, or its output is not (N, 10).
    """
    first = description.channels_first
    sizes = description.input_shape
    shape = (*sizes[1:], sizes[0]) if first and len(sizes) == 3 else sizes
    names = {step.name for step in description.steps}
    if raw:
        images = pixels = keras.Input(shape, name=unused("pixels", names))
    else:
        images, pixels = prepared_images(rescaling, shape, names)
    network = _Network(first=first, theano=theano)
    network.tensors[description.input_name] = pixels
    for step in description.steps:
        network.add(step)
    answer = network.tensors[description.output_name]
    if tuple(answer.shape[1:]) not in (((10,), (11,)) if raw else ((10,),)):
        refuse(f"its output is {tuple(answer.shape)}; expected (N, 10), one number per class")
    return keras.Model(images, answer, name=_model_name(description.name)), network.orders


def _model_name(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else "imported"


class _Network:
    """Builds the network step by step.

    tensors: the output of each step
    orders: by step, (channels, rows, columns) if its input was flattened in that order in the file
    """

    def __init__(self, *, first: bool, theano: bool) -> None:
        self._first, self._theano = first, theano
        self._budget = Budget()
        self._flattened: dict[str, tuple[int, ...]] = {}
        self.tensors: dict[str, Any] = {}
        self.orders: dict[str, tuple[int, ...]] = {}

    def add(self, step: Step) -> None:
        """Create and connect one layer."""
        inputs = [self.tensors[name] for name in step.inputs]
        merged = step.kind in MERGING
        if not merged and len(inputs) != 1:
            refuse(f"{step.kind} {shown(step.name)} takes from {len(inputs)} layers; expected 1")
        if self._first:
            self._follow_order(step, inputs[0])
            step = replace(step, **_channels_last(step, len(inputs[0].shape)))
        if self._theano and step.settings.get("padding") == "same":
            step, inputs = self._padded_as_by_theano(step, inputs)
        layer = make_layer(step.kind, {**step.settings, "name": step.name})
        shapes = [tuple(tensor.shape) for tensor in inputs]
        self._budget.admit(layer, shapes if merged else shapes[0])
        try:
            self.tensors[step.name] = layer(inputs if merged else inputs[0])
        except Exception as error:  # Keras may raise anything for untrusted arguments
            raise ModelError(f"{step.kind} {shown(step.name)}: {shown(str(error).strip())}") from error

    def _follow_order(self, step: Step, tensor: Any) -> None:
        """Remember the file's flattening order: (C, H, W) and (H, W, C) give the same values in different order."""
        order = next((self._flattened[name] for name in step.inputs if name in self._flattened), None)
        if order is not None:
            self.orders[step.name] = order
            if step.kind in (*_PLACELESS, "BatchNormalization"):
                self._flattened[step.name] = order
            elif step.kind != "Dense":
                refuse(f"{step.kind} {shown(step.name)} after a flattening of channels_first cannot be imported")
        flattens = step.kind == "Flatten" or (step.kind == "Reshape" and len(step.settings["target_shape"]) == 1)
        # A Flatten with data_format channels_first (since Keras 2.1) moves the channels last itself.
        if flattens and len(tensor.shape) == 4 and step.data_format != "channels_first":
            rows, columns, channels = tensor.shape[1:]
            if channels > 1 and rows * columns > 1:
                self._flattened[step.name] = (channels, rows, columns)

    def _padded_as_by_theano(self, step: Step, inputs: list[Any]) -> tuple[Step, list[Any]]:
        """Pad explicitly where the "same" padding of Theano and TensorFlow differs (even kernels, strides)."""
        if step.kind not in CONVOLUTIONS or step.kind == "Conv2DTranspose":
            refuse(f"{step.kind} {shown(step.name)} pads as Theano does, which cannot be imported")
        pads = [
            _theano_padding(size, kernel, stride, dilation)
            for size, kernel, stride, dilation in zip(
                inputs[0].shape[1:3],
                _pair(step.settings["kernel_size"]),
                _pair(step.settings.get("strides", 1)),
                _pair(step.settings.get("dilation_rate", 1)),
                strict=True,
            )
        ]
        if all(theirs == ours for theirs, ours in pads):
            return step, inputs
        padding = make_layer("ZeroPadding2D", {"name": f"{step.name}_same", "padding": [list(pad[0]) for pad in pads]})
        self._budget.admit(padding, tuple(inputs[0].shape))
        return replace(step, settings={**step.settings, "padding": "valid"}), [padding(inputs[0])]


def _theano_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (before, after) on Theano and on TensorFlow for one axis; both output ceil(size / stride) units."""
    if not all(isinstance(number, int) and number > 0 for number in (kernel, stride, dilation)):
        refuse("a convolution has sizes that are not numbers above 0")
    extent = (kernel - 1) * dilation + 1
    needed = max((-(-size // stride) - 1) * stride + extent - size, 0)
    return (extent // 2, max(needed - extent // 2, 0)), (needed // 2, needed - needed // 2)


def _pair(value: Any) -> tuple[Any, Any]:
    if isinstance(value, list) and len(value) == 2:
        return value[0], value[1]
    return value, value


def _channels_last(step: Step, rank: int) -> dict[str, Any]:
    """Return the step's arguments for images (N, H, W, C), while the file's are for (N, C, H, W)."""
    settings = dict(step.settings)
    if step.kind == "Reshape":
        settings["target_shape"] = _reshaped(step, rank)
    if rank == 4 and step.kind in _NOT_REORDERED:
        refuse(f"{step.kind} {shown(step.name)} on channels_first images cannot be imported")
    if rank == 4 and "axis" in settings:
        axis = settings["axis"][0] if isinstance(settings["axis"], list) else settings["axis"]
        if axis not in _AXIS:
            refuse(f"{step.kind} {shown(step.name)} has the axis {shown(axis)}; expected 1, 2 or 3")
        settings["axis"] = _AXIS[axis]
    if step.kind == "PReLU" and isinstance(settings.get("shared_axes"), list):
        settings["shared_axes"] = sorted({1: 3, 2: 1, 3: 2}.get(axis, axis) for axis in settings["shared_axes"])
    return {"settings": settings}


def _reshaped(step: Step, rank: int) -> list[int]:
    target = step.settings["target_shape"]
    if rank < 4 and len(target) == 3 and target[0] == 1:
        return [*target[1:], 1]
    if rank == 4 and len(target) == 1:
        return list(target)
    raise ModelError(f"Reshape {shown(step.name)} to {shown(target)} on channels_first images cannot be imported")


_ASKED = 64  # MNIST training images for the test, in addition to a blank one
_TOLERANCE = 1e-2  # for the sum of ten probabilities in bfloat16


def answering_probabilities(model: keras.Model) -> tuple[keras.Model, list[str]]:
    """Return the model with probabilities as output, and the changes, one sentence each.

    Many tutorials leave the softmax to the loss (``from_logits=True``), and their networks output logits. The outputs
    for some images show the type, whatever the layers are.

    Raises:
        ModelError: when the outputs are not finite, or can be neither probabilities, logits nor sigmoids.
    """
    values = _some_answers(model)
    if not np.isfinite(values).all():
        refuse("its output has NaN or infinity; expected the probabilities of the digits 0 to 9")
    if values.min() >= -_TOLERANCE and np.abs(values.sum(axis=1) - 1).max() <= _TOLERANCE:
        return model, []
    if values.min() >= 0 and values.max() <= 1:
        return _without_sigmoids(model)
    change = "it outputs logits, not probabilities; a softmax was added"
    return _with_softmax(model), [change]


def _some_answers(model: keras.Model) -> NDArray[np.float32]:
    from digitlab.datasets import load_dataset

    images = np.concatenate([load_dataset("mnist").split("train").images[:_ASKED], np.zeros((1, 28, 28), np.uint8)])
    return np.asarray(keras.ops.convert_to_numpy(model(images, training=False)), np.float32)


def _with_softmax(model: keras.Model) -> keras.Model:
    softmax = keras.layers.Softmax(dtype="float32")
    return keras.Model(model.inputs[0], softmax(model.outputs[0]), name=model.name)


def _without_sigmoids(model: keras.Model) -> tuple[keras.Model, list[str]]:
    """Normalise sigmoids to probabilities: the softmax of log(sigmoid) is each sigmoid divided by their sum."""
    last = _last_layer(model)
    if getattr(last, "activation", None) is not keras.activations.sigmoid:
        refuse(
            "its outputs lie between 0 and 1 and do not sum to 1; expected probabilities. End it with a softmax, or "
            "remove the last activation, so that it outputs logits, and save it again"
        )
    last.activation = keras.activations.log_sigmoid
    return _with_softmax(model), ["it outputs ten sigmoids; each is divided by their sum"]


def _last_layer(model: keras.Model) -> keras.Layer:
    layer = model.outputs[0]._keras_history.operation
    return _last_layer(layer) if isinstance(layer, keras.Model) else layer
