"""Cut a network after one of its layers and attach a new end; the original is not changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import UsageError
from digitlab.models.backend import keras
from digitlab.models.layers import output
from digitlab.models.legacy.network import unused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from digitlab.inspection import Network, Step

__all__ = ["cut", "freeze", "new_head", "reinitialised", "thaw", "with_end"]

_UNITS = 128  # of the dense layer between feature maps and output, as in S0
_MOST_FLAT = 8192  # values per image; larger maps are averaged over all positions, which keeps the head small

layers = keras.layers


def cut(network: Network, steps: Sequence[Step], name: str) -> keras.Model:
    """Build a separate model from uint8 (N, 28, 28) to the outputs of these steps, flattened and concatenated.

    Weights are copied, and its layers are named as in the network. An activation inside a layer becomes its own layer.

    Raises:
        UsageError: for a step that is an operation without a layer, which cannot be saved to a file.
    """
    images = keras.Input((28, 28), dtype="uint8", name="images")
    tensors: dict[int, Any] = {id(network.images): images}
    copies: dict[int, Any] = {}
    for step in _needed(network, steps):
        if not isinstance(step.layer, keras.Layer):
            raise UsageError(f"{network.model.name}: {step.name!r} is not a layer, and cannot be copied")
        if id(step.layer) not in copies:
            copies[id(step.layer)] = type(step.layer).from_config(
                {**step.layer.get_config(), "name": _plain(step.name)}
            )
        copy = copies[id(step.layer)]
        inputs = keras.tree.map_structure(lambda tensor: tensors.get(id(tensor), tensor), step.arguments)
        tensors[id(step.result)] = copy(*inputs, **step.settings)
        copy.set_weights(step.layer.get_weights())
    ends = [_flat(tensors[id(step.result)], step) for step in steps]
    return keras.Model(images, ends[0] if len(ends) == 1 else layers.Concatenate(name="together")(ends), name=name)


def _needed(network: Network, steps: Sequence[Step]) -> list[Step]:
    """Return these steps and all that they depend on, in order of computation."""
    needed = {step.name for step in steps}
    for name in reversed(network.steps):
        if name in needed:
            needed.update(network.steps[name].takes)
    return [step for name, step in network.steps.items() if name in needed]


def _plain(name: str) -> str:
    """Turn a step's name into a layer name: replace the separators for nested models and activations."""
    return "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in name)


def _flat(tensor: Any, step: Step) -> Any:
    if len(step.shape) == 1:
        return tensor
    end = _plain(step.name)
    if len(step.shape) == 3 and int(np.prod(step.shape)) > _MOST_FLAT:
        return layers.GlobalAveragePooling2D(name=f"{end}_averaged")(tensor)
    return layers.Flatten(name=f"{end}_flat")(tensor)


def new_head(steps: Sequence[Step]) -> Callable[[Any], Any]:
    """Return a function that adds ten probabilities; after maps, first 128 units and dropout, as in S0."""

    def head(tensor: Any) -> Any:
        if any(len(step.shape) > 1 for step in steps):
            tensor = layers.Dense(_UNITS, activation="relu", name="head")(tensor)
            tensor = layers.Dropout(0.5, name="head_dropout")(tensor)
        return output()[0](tensor)

    return head


def with_end(body: keras.Model, end: Callable[[Any], Any]) -> keras.Model:
    """Join the cut network and ``end``, which is applied to its output, into one flat model.

    Layers of the end get underscores behind names that the network has already, e.g. from an earlier transfer.
    """
    cut_off = body.outputs[0]
    result = end(cut_off)
    names, pending = {layer.name for layer in body.layers}, [result]
    while pending:
        tensor = pending.pop()
        if tensor is not cut_off:
            layer = tensor._keras_history.operation
            layer.name = unused(layer.name, names)
            pending += keras.tree.flatten(layer.input)
    return keras.Model(body.inputs[0], result, name=body.name)


def freeze(model: keras.Model, keep: Callable[[str], bool]) -> None:
    """Train only the layers for whose names ``keep`` returns true."""
    for layer in model.layers:
        layer.trainable = keep(layer.name)


def thaw(model: keras.Model) -> None:
    """Train all layers except batch normalisations: a few images must not replace the statistics of many."""
    freeze(model, lambda _: True)
    for layer in model.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)


def reinitialised(network: Network, seed: int) -> keras.Model:
    """Return the same architecture with new weights, drawn by its own initialisers."""
    keras.utils.set_random_seed(seed)
    copied = cut(network, [network.answer], network.model.name)
    return keras.models.clone_model(copied)
