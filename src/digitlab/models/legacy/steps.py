"""An old model's description as a list of steps, each a Keras 3 layer with the names of its inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from digitlab.errors import ModelError
from digitlab.models.legacy.translation import Notes, translate_layer
from digitlab.models.safety.plain import item_name, mapping, parse_json, refuse, shown
from digitlab.models.safety.sizes import is_usual_shape

__all__ = ["Description", "Step", "describe"]

_MOST_LAYERS = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One layer: class and arguments of Keras 3 (in the file's data format), and its input layers."""

    kind: str
    name: str
    settings: dict[str, Any]
    inputs: tuple[str, ...]
    data_format: str | None


@dataclass(frozen=True, slots=True)
class Description:
    """A whole network.

    steps: its layers in order of computation, without the input
    input_name, input_shape: the input layer, and the shape of one image in the file
    output_name: the last step
    channels_first: whether its images are (channels, rows, columns)
    """

    name: str
    steps: tuple[Step, ...]
    input_name: str
    input_shape: tuple[int, ...]
    output_name: str
    channels_first: bool


def describe(text: str | dict[str, Any], notes: Notes) -> Description:
    """Parse the ``model_config`` of an HDF5 file, or the ``config.json`` of TF-Keras.

    Raises:
        ModelError: when it is not a network from one input to one output, or has layers that cannot be imported.
    """
    entry = text if isinstance(text, dict) else mapping(parse_json(text, "model_config"), "model_config")
    kind, config = entry.get("class_name"), entry.get("config")
    if kind == "Sequential":
        return _sequential(config, entry, notes)
    if kind in ("Model", "Functional"):
        return _functional(mapping(config, "the model's config"), notes)
    raise ModelError(f"the model is a {shown(kind)}; expected Sequential, Model or Functional")


def _layers(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_LAYERS:
        refuse(f"the model has no list of at most {_MOST_LAYERS:,} layers")
    return [mapping(layer, "a layer") for layer in value]


def _sequential(config: object, entry: dict[str, Any], notes: Notes) -> Description:
    """Parse a Sequential, in Keras 1 and the first Keras 2 a bare list of layers, later an object with a name."""
    name, shape = "imported", None
    if isinstance(config, dict):
        name = item_name(config.get("name", name), "the model")
        shape = config.get("build_input_shape", entry.get("build_input_shape"))
        config = config.get("layers")
    layers = _layers(config)
    steps: list[Step] = []
    before = "input of the file"
    for layer in layers:
        step, own_shape = _step(layer, (before,), notes)
        shape = own_shape if own_shape is not None and not steps else shape
        if step.kind == "InputLayer":
            continue
        steps.append(step)
        before = step.name
    return _description(name, steps, "input of the file", shape, before)


def _functional(config: dict[str, Any], notes: Notes) -> Description:
    name = item_name(config.get("name", "imported"), "the model")
    inputs, outputs = (_end(config.get(f"{end}_layers"), end) for end in ("input", "output"))
    steps: list[Step] = []
    shape = None
    for layer in _layers(config.get("layers")):
        step, own_shape = _step(layer, _inputs(layer), notes)
        if step.kind == "InputLayer":
            shape = own_shape if step.name == inputs else shape
        else:
            steps.append(step)
    return _description(name, _in_order(steps, inputs), inputs, shape, outputs)


def _step(layer: dict[str, Any], inputs: tuple[str, ...], notes: Notes) -> tuple[Step, object]:
    """Parse a layer; return it, and its batch input shape if recorded."""
    config = dict(mapping(layer.get("config"), "a layer's config"))
    config.setdefault("name", layer.get("name"))
    kind, name, settings, data_format = translate_layer(layer.get("class_name"), config, notes)
    shape = config.get("batch_input_shape", config.get("batch_shape"))
    if shape is None and config.get("input_dim") is not None:
        shape = [None, config["input_dim"]]
    return Step(kind, name, settings, inputs, data_format), shape


def _inputs(layer: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of a layer's inputs, from the formats of Keras 1, 2 and 3."""
    nodes = layer.get("inbound_nodes")
    name = shown(layer.get("name"))
    if not isinstance(nodes, list) or len(nodes) > 1:
        refuse(f"layer {name} is used more than once, which cannot be imported")
    if not nodes:
        return ()
    node = nodes[0]
    if isinstance(node, dict):  # Keras 3, which can still write .h5
        arguments = node.get("args") or [None]
        tensors = arguments[0] if isinstance(arguments[0], list) else arguments
        node = [mapping(mapping(each, name).get("config"), name).get("keras_history") for each in tensors]
    if not isinstance(node, list) or not all(isinstance(each, list) and each for each in node):
        refuse(f"the connections of layer {name} are {shown(node)}; expected [name, 0, 0] for each")
    return tuple(item_name(each[0], "a connection") for each in node)


def _end(value: object, end: str) -> str:
    """Return the name of the only input or output layer."""
    reference = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(reference, list) or len(reference) != 3 or not isinstance(reference[0], str):
        refuse(f"the model's {end}s are {shown(value)}; expected exactly one {end}")
    return item_name(reference[0], f"the {end}")


def _in_order(steps: list[Step], start: str) -> list[Step]:
    available, ordered = {start}, []
    while steps:
        ready = [step for step in steps if step.inputs and available.issuperset(step.inputs)]
        if not ready:
            refuse(f"layer {shown(steps[0].name)} takes from layers that do not exist")
        ordered += ready
        available |= {step.name for step in ready}
        steps = [step for step in steps if step.name not in available]
    return ordered


def _description(name: str, steps: list[Step], start: str, shape: object, end: str) -> Description:
    if len({step.name for step in steps}) != len(steps) or end not in {step.name for step in steps}:
        refuse("its layers' names are not unique, or none is the output")
    # A Flatten's data format only says whether it moves the channels last before flattening.
    formats = {step.data_format for step in steps if step.kind != "Flatten"} - {None}
    if len(formats) > 1:
        refuse("it mixes channels_first and channels_last, which cannot be imported")
    sizes = tuple(shape[1:]) if isinstance(shape, list | tuple) else ()
    first = "channels_first" in formats
    if not is_usual_shape(sizes, first=first):
        usual = "[(784,), (28, 28), (1, 28, 28)]" if first else "[(784,), (28, 28), (28, 28, 1)]"
        refuse(f"it takes images of the shape {shown(list(sizes))}; expected one of {usual}, or 16 to 64 pixels a side")
    return Description(name, tuple(steps), start, sizes, end, first)
