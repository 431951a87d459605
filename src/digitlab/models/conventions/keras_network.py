"""A foreign Keras network with its convention built in: one of ours, from uint8 (N, 28, 28) to ten probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.backend import keras
from digitlab.models.conventions.convention import FIRST, LAST
from digitlab.models.legacy.network import answering_probabilities, unused
from digitlab.models.safety.plain import refuse

if TYPE_CHECKING:
    from digitlab.models.conventions.convention import Convention

__all__ = ["with_convention"]


def with_convention(net: keras.Model, convention: Convention) -> tuple[keras.Model, list[str]]:
    """Build the network that prepares images by ``convention``, runs ``net`` and converts its outputs to probabilities.

    Its layers are those of ``net``, whose last layer may be modified.

    Returns:
        The model, from uint8 (N, 28, 28), light ink on dark; and the changes, a sentence each.

    Raises:
        ModelError: when its outputs cannot be converted to probabilities.
    """
    if _is_ours(net, convention):
        return answering_probabilities(net)
    notes = []
    if convention.classes > 10:
        net = _to_logits(net)
    names = {layer.name for layer in net.layers}
    images = keras.Input((28, 28), dtype="uint8", name=unused("images", names))
    floats = "int" not in str(net.inputs[0].dtype)
    answers = _inlined(net, _prepared(images, convention, names, floats=floats))
    if convention.classes > 10:
        answers = _ten_of(answers, convention.zero)
        notes.append("its class 'none' is left out: the ten digits share its probability")
    model, changes = answering_probabilities(keras.Model(images, answers, name=net.name))
    return model, [*notes, *changes]


def _is_ours(net: keras.Model, convention: Convention) -> bool:
    """Return whether the network takes our images unchanged: bytes, so that its exports take bytes as well."""
    plain = convention.scale == "0…255" and not convention.inverted and not convention.transposed
    input_type = (net.input_shape, str(net.inputs[0].dtype))
    return plain and input_type == ((None, 28, 28), "uint8") and convention.classes == 10


def _prepared(images: Any, convention: Convention, names: set[str], *, floats: bool) -> Any:
    """Convert our images to the network's input; ``floats``: whether it takes floating-point numbers."""
    form, layers = convention.form, keras.layers
    times, plus = convention.factors()
    pixels = images
    if convention.transposed:
        pixels = layers.Permute((2, 1), name=unused("transpose", names))(pixels)
    if form.side != 28:
        pixels = layers.Reshape((28, 28, 1), name=unused("add_channel", names))(pixels)
        pixels = _enlarged(pixels, convention, names)
    alike = len(set(zip(times, plus, strict=True))) == 1
    if alike and (floats or (times[0], plus[0]) != (1, 0)):
        pixels = layers.Rescaling(float(times[0]), float(plus[0]), name=unused("prepare", names))(pixels)
    if form.channels == 3:
        if len(pixels.shape) == 3:
            pixels = layers.Reshape((28, 28, 1), name=unused("add_channel", names))(pixels)
        pixels = layers.Concatenate(name=unused("three_channels", names))([pixels] * 3)
        if not alike:
            pixels = layers.Rescaling(times.tolist(), plus.tolist(), name=unused("prepare", names))(pixels)
        if form.layout == FIRST:
            pixels = layers.Permute((3, 1, 2), name=unused("channels_first", names))(pixels)
    if tuple(pixels.shape[1:]) != form.shape():
        name = "add_channel" if form.layout == LAST and form.side == 28 else "reshape"
        pixels = layers.Reshape(form.shape(), name=unused(name, names))(pixels)
    return pixels


def _enlarged(pixels: Any, convention: Convention, names: set[str]) -> Any:
    """Enlarge (N, 28, 28, 1) to (N, side, side, 1)."""
    side = convention.form.side
    if convention.fitted == "padded":
        before = (side - 28) // 2
        edges = (before, side - 28 - before)
        return keras.layers.ZeroPadding2D((edges, edges), name=unused("pad", names))(pixels)
    return keras.layers.Resizing(side, side, name=unused("resize", names))(pixels)


def _inlined(net: keras.Model, pixels: Any) -> Any:
    """Apply the network's own layers to ``pixels``: a nested model would be harder to inspect."""
    if isinstance(net, keras.Sequential):
        for layer in net.layers:
            pixels = layer(pixels)
        return pixels
    return keras.tree.flatten(net._run_through_graph([pixels]))[0]  # this is what calling the network does


def _to_logits(net: keras.Model) -> keras.Model:
    """Remove the network's softmax, if it has one."""
    last = net.outputs[0]._keras_history.operation
    if isinstance(last, keras.layers.Softmax):
        return keras.Model(net.inputs[0], last.input, name=net.name)
    activation = getattr(last, "activation", None)
    if activation is keras.activations.softmax:
        last.activation = keras.activations.linear
    elif activation is not None and activation is not keras.activations.linear:
        refuse(
            f"it answers eleven numbers by {activation.__name__[:40]}; expected ten, or eleven that a softmax makes or "
            "that are logits"
        )
    return net


def _ten_of(logits: Any, zero: int) -> Any:
    """Select the logits of the ten digits from eleven classes, in which digit 0 has the index ``zero``."""
    layer = keras.layers.Dense(10, use_bias=False, trainable=False, name="ten_digits")
    ten = layer(logits)
    layer.set_weights([np.eye(11, 10, k=-zero, dtype=np.float32)])
    return ten
