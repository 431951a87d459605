"""A network laid open: every step of it, as one flat graph of Keras.

What a layer hides is parted: a convolution and its activation are two steps, and models in a model lie flat among the
others. The pixels come in as float32, so that gradients with respect to them exist. The weights are copies.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.errors import ModelError, UsageError
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ACTIVATIONS", "CONVOLUTIONS", "POOLINGS", "Network", "Step", "lay_open"]

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")
POOLINGS = ("MaxPooling2D", "AveragePooling2D")
ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax")

# Between a convolution and its activation: these change what a map's numbers are, not what it is a map of.
_BETWEEN = ("BatchNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout")
_LEAST_PROBABILITY = 1e-7  # float32 knows smaller ones, but their logarithm says nothing more


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a network does.

    name: its layer's; "inner/conv2d" of a layer in a model, "conv2d#2" for a layer's second use, "conv2d:relu" for the
        activation that a layer brings with it
    layer: a copy of the network's, with its weights and without an activation of its own
    takes: the steps whose results it takes; none for what takes the image
    arguments, settings: how the layer is called
    result: a tensor of Keras, (N, …)
    part_of: the step whose layer brings this activation; None where it is a layer itself
    """

    name: str
    layer: Any
    takes: tuple[str, ...]
    arguments: tuple[Any, ...]
    settings: dict[str, Any]
    result: Any
    part_of: str | None = None

    @property
    def kind(self) -> str:
        """The layer's class, e.g. "Conv2D"."""
        return type(self.layer).__name__

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result for one image."""
        return tuple(self.result.shape[1:])

    @property
    def activation(self) -> str:
        """What an activation computes, e.g. "relu"."""
        if self.kind == "Activation":
            return str(self.layer.activation.__name__)
        return {"LeakyReLU": "leaky_relu"}.get(self.kind, self.kind.lower())


@dataclass(frozen=True)
class Network:
    """A model's steps in the order in which they are computed.

    model: what was laid open; images: the input, float32 (N, 28, 28), 0 … 255
    """

    model: keras.Model
    images: Any
    steps: dict[str, Step]

    @property
    def answer(self) -> Step:
        """The last step: (N, 10) probabilities."""
        return next(reversed(self.steps.values()))

    @functools.cached_property
    def scoring(self) -> keras.Model:
        """A model from images to what is explained, (N, 10): logits, or log-probabilities where no softmax ends it.

        Differences between two classes are the same either way.
        """
        return keras.Model(self.images, self._scored({name: step.result for name, step in self.steps.items()}))

    def _scored(self, results: dict[str, Any]) -> Any:
        last = self.answer
        if last.kind in ACTIVATIONS and last.activation == "softmax" and last.takes:
            return results[last.takes[0]]
        return keras.ops.log(keras.ops.maximum(results[last.name], _LEAST_PROBABILITY))

    def find(self, name: str) -> Step:
        """The step of this name, or the only one whose layer is called so in a model of the model.

        Raises:
            UsageError: where there is none; the names are offered.
        """
        if name in self.steps:
            return self.steps[name]
        known = [step.name for step in self.steps.values() if step.part_of is None]
        ends = [each for each in known if each.rpartition("/")[2] == name]
        if len(ends) == 1:
            return self.steps[ends[0]]
        raise UsageError(f"{self.model.name} has no layer {name!r}; it has: {', '.join(known)}")

    def of_kinds(self, kinds: Iterable[str]) -> list[Step]:
        """The steps of these kinds, first things first."""
        return [step for step in self.steps.values() if step.kind in kinds]

    def activated(self, step: Step) -> Step:
        """The activation that follows a step, be it the layer's own or one behind a normalisation; else the step."""
        at = step
        while True:
            following = [each for each in self.steps.values() if at.name in each.takes]
            if len(following) != 1 or following[0].kind not in (*ACTIVATIONS, *_BETWEEN):
                return step
            at = following[0]
            if at.kind in ACTIVATIONS:
                return at

    def after(self, steps: Iterable[Step]) -> keras.Model:
        """A model from images to the results of these steps, in one pass."""
        return keras.Model(self.images, [step.result for step in steps])

    def probed(self, step: Step) -> keras.Model:
        """A model from images, and numbers that are added to the result of this step, to the scores.

        Its slopes with respect to those numbers are the slopes with respect to the result.
        """
        probe = keras.Input(step.shape, dtype=step.result.dtype, name="probe")
        made = {id(self.images): self.images}
        for each in self.steps.values():
            taken = keras.tree.map_structure(lambda tensor: made.get(id(tensor), tensor), each.arguments)
            result = each.layer(*taken, **each.settings)
            if each.name == step.name:
                result = keras.layers.Add(dtype=result.dtype)([result, probe])
            made[id(each.result)] = result
        scores = self._scored({name: made[id(each.result)] for name, each in self.steps.items()})
        return keras.Model([self.images, probe], scores)


def lay_open(model: keras.Model) -> Network:
    """Part a model into its steps; it stays as it is.

    Args:
        model: Sequential or functional, from (N, 28, 28) images to (N, 10).

    Raises:
        ModelError: for a model whose graph is not known (one written as a class), or that takes or answers otherwise.
    """
    if not hasattr(model, "inputs") or not model.inputs:
        raise ModelError(f"{model.name}: its layers cannot be followed; expected a Sequential or functional model")
    if tuple(model.input_shape[1:]) != (28, 28) or tuple(model.output_shape[1:]) != (10,):
        raise ModelError(
            f"{model.name} maps {model.input_shape} to {model.output_shape}; "
            "expected (N, 28, 28) images to (N, 10) probabilities"
        )
    images = keras.Input((28, 28), dtype="float32", name="images")
    opening = _Opening()
    opening.follow(model, [images])
    return Network(model, images, opening.steps)


class _Opening:
    """Follows a model's graph call by call, through the models in it, and makes the steps."""

    def __init__(self) -> None:
        self._maker: dict[int, str] = {}  # of each tensor, the step that made it
        self._copies: dict[int, tuple[keras.Layer, keras.Layer | None]] = {}  # a layer that is used twice stays one
        self._within: list[str] = []
        self._latest: Any = None
        self.steps: dict[str, Step] = {}

    def follow(self, model: keras.Model, tensors: list[Any]) -> Any:
        """Lay open ``model`` at these tensors; returns its answer."""
        graph = keras.Model(model.inputs, model.outputs)  # a Sequential's layers as a graph
        keras.models.clone_model(graph, tensors, clone_function=lambda layer: layer, call_function=self._call)
        return self._latest  # what is computed last is what the model answers

    def _call(self, layer: Any, *arguments: Any, **settings: Any) -> Any:
        if isinstance(layer, keras.Model):
            self._within.append(layer.name)
            answer = self.follow(layer, keras.tree.flatten(arguments))
            self._within.pop()
            return answer
        copy, activation = self._copied(layer)
        name = self._unused("/".join([*self._within, layer.name]))
        result = self._add(name, copy, arguments, settings)
        if getattr(layer, "weights", None):
            copy.set_weights(layer.get_weights())
        if activation is not None:
            result = self._add(f"{name}:{activation.activation.__name__}", activation, (result,), {}, part_of=name)
        self._latest = result
        return result

    def _add(
        self, name: str, layer: Any, arguments: tuple[Any, ...], settings: dict[str, Any], part_of: str | None = None
    ) -> Any:
        makers = [self._maker.get(id(tensor)) for tensor in keras.tree.flatten(arguments)]
        takes = tuple(dict.fromkeys(maker for maker in makers if maker is not None))
        result = layer(*arguments, **settings)
        self.steps[name] = Step(name, layer, takes, arguments, settings, result, part_of)
        self._maker[id(result)] = name
        return result

    def _copied(self, layer: Any) -> tuple[Any, keras.Layer | None]:
        """The layer without its activation, and that activation as a layer."""
        if id(layer) not in self._copies:
            self._copies[id(layer)] = _parted(layer, f"step-{len(self._copies)}")
        return self._copies[id(layer)]

    def _unused(self, name: str) -> str:
        uses = sum(each == name or each.startswith(f"{name}#") for each in self.steps)
        return f"{name}#{uses + 1}" if uses else name


def _parted(layer: Any, name: str) -> tuple[Any, keras.Layer | None]:
    if not isinstance(layer, keras.Layer):  # one of keras.ops in a graph; it has no weights
        return layer, None
    settings = {**layer.get_config(), "name": name}
    own = None if type(layer).__name__ in ACTIVATIONS else getattr(layer, "activation", None)
    if own in (None, keras.activations.linear):
        return type(layer).from_config(settings), None
    activation = keras.layers.Activation(own, dtype=layer.dtype_policy, name=f"{name}-activation")
    return type(layer).from_config({**settings, "activation": "linear"}), activation
