"""A Keras network as one flat graph of steps.

A layer with an activation becomes two steps, and nested models are flattened. The input is float32, so that gradients
with respect to the pixels exist. The weights are copies.
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

# Layers allowed between a convolution and its activation: they change a map's values, not what it is a map of.
_BETWEEN = ("BatchNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout")
_LEAST_PROBABILITY = 1e-7  # float32 has smaller ones, but their logarithm carries no information


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a network.

    name: that of its layer; "inner/conv2d" for a layer in a nested model, "conv2d#2" for a layer's second use,
        "conv2d:relu" for a layer's own activation
    layer: a copy of the network's, with its weights and without an activation of its own
    takes: its input steps; empty where it takes the image
    arguments, settings: of the layer's call
    result: a Keras tensor, (N, …)
    part_of: the step whose layer has this activation; None where it is a layer itself
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
        """The output shape for one image."""
        return tuple(self.result.shape[1:])

    @property
    def activation(self) -> str:
        """The activation function's name, e.g. "relu"."""
        if self.kind == "Activation":
            return str(self.layer.activation.__name__)
        return {"LeakyReLU": "leaky_relu"}.get(self.kind, self.kind.lower())


@dataclass(frozen=True)
class Network:
    """A model's steps in order of computation.

    model: the original; images: the input, float32 (N, 28, 28), 0 … 255
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
        """A model from images to the explained scores, (N, 10): logits, or log-probabilities without a final softmax.

        Differences between two classes are the same in both.
        """
        return keras.Model(self.images, self._scored({name: step.result for name, step in self.steps.items()}))

    def _scored(self, results: dict[str, Any]) -> Any:
        last = self.answer
        if last.kind in ACTIVATIONS and last.activation == "softmax" and last.takes:
            return results[last.takes[0]]
        return keras.ops.log(keras.ops.maximum(results[last.name], _LEAST_PROBABILITY))

    def find(self, name: str) -> Step:
        """The step with this name, or the only one whose layer has this name in a nested model.

        Raises:
            UsageError: for an unknown name; the message lists the names.
        """
        if name in self.steps:
            return self.steps[name]
        names = [step.name for step in self.steps.values() if step.part_of is None]
        ends = [each for each in names if each.rpartition("/")[2] == name]
        if len(ends) == 1:
            return self.steps[ends[0]]
        raise UsageError(f"{self.model.name} has no layer {name!r}; it has: {', '.join(names)}")

    def of_kinds(self, kinds: Iterable[str]) -> list[Step]:
        """The steps of these kinds, in order of computation."""
        return [step for step in self.steps.values() if step.kind in kinds]

    def activated(self, step: Step) -> Step:
        """The activation that follows a step, its own or one after a normalisation; without one, the step itself."""
        current = step
        while True:
            following = [each for each in self.steps.values() if current.name in each.takes]
            if len(following) != 1 or following[0].kind not in (*ACTIVATIONS, *_BETWEEN):
                return step
            current = following[0]
            if current.kind in ACTIVATIONS:
                return current

    def after(self, steps: Iterable[Step]) -> keras.Model:
        """A model from images to the outputs of these steps."""
        return keras.Model(self.images, [step.result for step in steps])

    def probed(self, step: Step) -> keras.Model:
        """A model from images and an offset, which is added to the output of this step, to the scores.

        Its gradient with respect to the offset is the gradient with respect to the output.
        """
        probe = keras.Input(step.shape, dtype=step.result.dtype, name="probe")
        results = {id(self.images): self.images}
        for node in self.steps.values():
            arguments = keras.tree.map_structure(lambda tensor: results.get(id(tensor), tensor), node.arguments)
            result = node.layer(*arguments, **node.settings)
            if node.name == step.name:
                result = keras.layers.Add(dtype=result.dtype)([result, probe])
            results[id(node.result)] = result
        scores = self._scored({name: results[id(node.result)] for name, node in self.steps.items()})
        return keras.Model([self.images, probe], scores)


def lay_open(model: keras.Model) -> Network:
    """Split a model into its steps; the model itself is not changed.

    Args:
        model: Sequential or functional, from (N, 28, 28) images to (N, 10).

    Raises:
        ModelError: for a subclassed model, whose graph is unknown, or another input or output shape.
    """
    if not hasattr(model, "inputs") or not model.inputs:
        raise ModelError(f"{model.name}: subclassed models cannot be inspected; expected a Sequential or functional")
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
    """Follows a model's graph call by call, through nested models, and creates the steps."""

    def __init__(self) -> None:
        self._maker: dict[int, str] = {}  # by the id of a tensor, the step that produced it
        self._copies: dict[int, tuple[keras.Layer, keras.Layer | None]] = {}  # a shared layer stays shared
        self._within: list[str] = []
        self._latest: Any = None
        self.steps: dict[str, Step] = {}

    def follow(self, model: keras.Model, tensors: list[Any]) -> Any:
        """Split ``model``, applied to these tensors; returns its output."""
        graph = keras.Model(model.inputs, model.outputs)  # turns a Sequential into a graph
        keras.models.clone_model(graph, tensors, clone_function=lambda layer: layer, call_function=self._call)
        return self._latest  # the last computed tensor is the model's output

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
    if not isinstance(layer, keras.Layer):  # an operation of keras.ops in a graph, without weights
        return layer, None
    settings = {**layer.get_config(), "name": name}
    own = None if type(layer).__name__ in ACTIVATIONS else getattr(layer, "activation", None)
    if own in (None, keras.activations.linear):
        return type(layer).from_config(settings), None
    activation = keras.layers.Activation(own, dtype=layer.dtype_policy, name=f"{name}-activation")
    return type(layer).from_config({**settings, "activation": "linear"}), activation
