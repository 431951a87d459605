"""Rebuild the description of a Keras 3 model from the parts that are understood.

The result holds only allowed layer classes with plain arguments: no module, function or registered name from the file
reaches Keras. Compilation and the ``build_config`` entries are dropped.
"""

from __future__ import annotations

from typing import Any

from digitlab.models.safety.plain import item_name, mapping, plain, refuse, shown, word
from digitlab.models.safety.words import ACTIVATIONS, DTYPES, HELPERS, LAYERS, OWN_LAYERS, POLICIES

__all__ = ["rebuild"]

_MOST_LAYERS = 1000
_MOST_NODES = 2000
_DEEPEST = 4  # nested models

_MODULES = {
    "Sequential": {"keras", "keras.models", "keras.src.models.sequential", "keras.src.engine.sequential"},
    "Functional": {"keras", "keras.models", "keras.src.models.functional", "keras.src.engine.functional"},
}
_LAYER_MODULES = {"keras.layers"}
_OWN_MODULE = "digitlab.models.sobel"  # of our only layer class
# Quantised or sharded weights, which no float32 classifier needs and which add variables.
_UNUSED = {"lora_rank", "lora_alpha", "quantization_config", "quantization_mode", "renorm_clipping"}


class _Counter:
    """Counts the layers and connections of a description."""

    def __init__(self) -> None:
        self.layers = self.nodes = 0

    def count(self, layers: int = 0, nodes: int = 0) -> None:
        self.layers += layers
        self.nodes += nodes
        if self.layers > _MOST_LAYERS or self.nodes > _MOST_NODES:
            refuse(f"it has more than {_MOST_LAYERS:,} layers or {_MOST_NODES:,} connections")


def rebuild(description: object) -> dict[str, Any]:
    """Copy a model's ``config.json``, with allowed content only.

    Raises:
        ModelError: with the first item that is not allowed.
    """
    return _model(mapping(description, "config.json"), _Counter(), depth=0)


def _model(entry: dict[str, Any], counter: _Counter, depth: int) -> dict[str, Any]:
    kind = word(entry.get("class_name"), set(_MODULES), "the model's class")
    word(entry.get("module"), _MODULES[kind], "the model's module")
    if entry.get("registered_name") not in (None, kind):
        refuse(f"the model is registered as {shown(entry['registered_name'])}; expected a class of Keras")
    if depth > _DEEPEST:
        refuse(f"models are nested {depth} deep; expected at most {_DEEPEST}")
    config = mapping(entry.get("config"), "the model's config")
    name = item_name(config.get("name"), "the model")
    layers = config.get("layers")
    if not isinstance(layers, list) or not layers:
        refuse(f"{name} has no list of layers")
    counter.count(layers=len(layers))
    rebuilt_layers = [_layer(mapping(layer, "a layer"), counter, depth) for layer in layers]
    rebuilt = {"name": name, "trainable": bool(config.get("trainable", True)), "layers": rebuilt_layers}
    if kind == "Sequential":
        if rebuilt_layers[0]["class_name"] != "InputLayer":
            refuse(f"{name} does not begin with an input layer, so the sizes of its layers are unknown")
        return {"module": "keras", "class_name": kind, "config": rebuilt, "registered_name": None}
    for end in ("input_layers", "output_layers"):
        rebuilt[end] = _references(config.get(end), f"{name}.{end}")
    module = "keras.src.models.functional"
    return {"module": module, "class_name": kind, "config": rebuilt, "registered_name": kind}


def _layer(entry: dict[str, Any], counter: _Counter, depth: int) -> dict[str, Any]:
    is_model = isinstance(entry.get("class_name"), str) and entry["class_name"] in _MODULES
    rebuilt = _model(entry, counter, depth + 1) if is_model else _single_layer(entry)
    if "inbound_nodes" in entry:
        nodes = entry["inbound_nodes"]
        if not isinstance(nodes, list):
            refuse(f"the connections of a layer are {shown(nodes)}; expected a list")
        counter.count(nodes=len(nodes))
        rebuilt["name"] = item_name(entry.get("name"), "a layer")
        rebuilt["inbound_nodes"] = [_node(mapping(node, "a connection")) for node in nodes]
    return rebuilt


def _single_layer(entry: dict[str, Any]) -> dict[str, Any]:
    kind = word(entry.get("class_name"), LAYERS | OWN_LAYERS, "a layer's class")
    own = kind in OWN_LAYERS
    module = word(entry.get("module"), {_OWN_MODULE} if own else _LAYER_MODULES, f"the module of {kind}")
    if entry.get("registered_name") not in (None, kind if own else None):
        refuse(f"{kind} is registered as {shown(entry['registered_name'])}; expected a layer of Keras")
    config = _arguments(mapping(entry.get("config"), kind), kind)
    shape = config.get("batch_shape")
    if kind == "InputLayer" and isinstance(shape, list) and shape:
        # A Sequential without an input of its own gets one with the batch size that it was first trained with.
        config["batch_shape"] = [None, *shape[1:]]
    return {"module": module, "class_name": kind, "config": config, "registered_name": kind if own else None}


def _arguments(config: dict[str, Any], kind: str) -> dict[str, Any]:
    rebuilt = {}
    for key, value in config.items():
        location = f"{kind}.{key if key.isidentifier() and len(key) < 40 else shown(key)}"
        if key in _UNUSED:
            if value not in (None, False):
                refuse(f"{location} is {shown(value)}; expected null")
        else:
            rebuilt[key] = _argument(key, value, location)
    return rebuilt


def _argument(key: str, value: object, location: str) -> Any:
    if key == "name":
        return item_name(value, "a layer")
    if key == "dtype":
        return _policy(value, location)
    if value is not None and key.endswith("activation"):
        return word(value, ACTIVATIONS, location)
    return _helper(value, location) if isinstance(value, dict) else plain(value, location)


def _policy(value: object, location: str) -> str | None:
    """Return the dtype of a layer, which Keras writes as a name or as a policy object with a name."""
    if isinstance(value, dict):
        word(value.get("class_name"), {"DTypePolicy"}, location)
        word(value.get("module"), {"keras"}, location)
        value = mapping(value.get("config"), location).get("name")
    return None if value is None else word(value, POLICIES, location)


def _helper(value: dict[str, Any], location: str) -> dict[str, Any]:
    """Rebuild an initialiser, regulariser or constraint."""
    module = word(value.get("module"), set(HELPERS), f"the module of {location}")
    kind = word(value.get("class_name"), HELPERS[module], location)
    if value.get("registered_name") is not None:
        refuse(f"{location} is registered as {shown(value['registered_name'])}; expected a class of Keras")
    config = {
        key: plain(argument, f"{location}.{key}"[:80])
        for key, argument in mapping(value.get("config"), location).items()
    }
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


def _node(node: dict[str, Any]) -> dict[str, Any]:
    """Rebuild one call of a layer: its input tensors, identified by the layers that they come from."""
    arguments = node.get("args")
    if not isinstance(arguments, list):
        refuse(f"a connection takes {shown(arguments)}; expected a list of tensors")
    keywords = {key: plain(value, "a connection") for key, value in mapping(node.get("kwargs"), "a connection").items()}
    if set(keywords) - {"training", "mask"} or not all(value in (None, False, True) for value in keywords.values()):
        refuse(f"a connection has the arguments {shown(sorted(keywords))}; expected tensors only")
    return {"args": [_tensor(argument) for argument in arguments], "kwargs": keywords}


def _tensor(value: object, depth: int = 0) -> Any:
    if isinstance(value, list) and not depth and len(value) <= _MOST_LAYERS:
        return [_tensor(each, depth + 1) for each in value]
    entry = mapping(value, "a connection")
    word(entry.get("class_name"), {"__keras_tensor__"}, "what a connection takes")
    config = mapping(entry.get("config"), "a tensor")
    return {
        "class_name": "__keras_tensor__",
        "config": {
            "shape": plain(config.get("shape"), "a tensor's shape", depth=1),
            "dtype": word(config.get("dtype"), DTYPES, "a tensor's dtype"),
            "keras_history": _references(config.get("keras_history"), "a tensor's origin"),
        },
    }


def _references(value: object, location: str, depth: int = 0) -> list[Any]:
    """Rebuild ``[name, node, tensor]`` or a list of those."""
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_LAYERS or depth > 1:
        refuse(f"{location} is {shown(value)}; expected [name, number, number]")
    if isinstance(value[0], str):
        name, *indices = value
        if len(indices) != 2 or not all(type(index) is int and 0 <= index <= _MOST_NODES for index in indices):
            refuse(f"{location} is {shown(value)}; expected [name, number, number]")
        return [item_name(name, location), *indices]
    return [_references(each, location, depth + 1) for each in value]
