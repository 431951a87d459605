"""Attacks in the parts of a Keras model: the layers of its description, and its weights in HDF5.

Shared by the tests of the reader (`tests/models/test_hostile_keras.py`) and by `hostile_models.py`, which mutates them.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

__all__ = [
    "WEIGHT_ATTACKS", "Bomb", "Members", "called_models", "function", "hostile_call", "hostile_layers",
    "hostile_weights", "keras_file", "layer", "marshalled", "reversed_chain", "with_layer",
]  # fmt: skip

Members = dict[str, bytes]


def keras_file(path: Path, members: Members, **changed: bytes | None) -> Path:
    """Write a .keras file, with ``config``, ``weights`` or other members replaced."""
    names = {"config": "config.json", "weights": "model.weights.h5"}
    content = {**members, **{names.get(name, name): value for name, value in changed.items() if value is not None}}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in content.items():
            archive.writestr(name, value)
    return path


def with_layer(members: Members, layer: dict[str, Any]) -> bytes:
    """Return the description with one more layer inserted after the preprocessing."""
    config = json.loads(members["config.json"])
    config["config"]["layers"].insert(3, layer)
    return json.dumps(config).encode()


def layer(kind: str, module: str = "keras.layers", registered: str | None = None, **config: Any) -> dict[str, Any]:
    config = {"name": "evil", "trainable": True, "dtype": "float32", **config}
    return {"module": module, "class_name": kind, "config": config, "registered_name": registered}


def function(name: str, module: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


class Bomb:
    """An object whose unpickling writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.marker,))


def marshalled(marker: str) -> dict[str, Any]:
    """Serialise a lambda as Keras does: bytecode, in base64."""
    code = eval(f"lambda x: (open({marker!r}, 'w').close(), x)[1]")  # noqa: S307 - our own text
    from keras.src.utils import python_utils

    dumped = python_utils.func_dump(code)
    return {
        "class_name": "__lambda__",
        "config": {"code": dumped[0], "defaults": None, "closure": None, "value": dumped[0]},
    }


def hostile_layers(marker: str, outside: str) -> dict[str, dict[str, Any]]:
    """Make hostile layers, by the name of the attack that each carries out."""
    get_file = {
        "module": "keras.utils",
        "class_name": "get_file",
        "config": {"origin": f"file://{outside}"},
        "registered_name": None,
    }
    plain: dict[str, Any] = {"kernel_size": [3, 3], "filters": 4}
    return {
        "lambda bytecode (CVE-2024-3660)": layer("Lambda", function=marshalled(marker)),
        "function of any module (CVE-2025-1550)": layer(
            "Lambda", function=function("system", "os"), arguments={"command": f"touch {marker}"}
        ),
        "safe mode off (CVE-2025-8747)": layer(
            "Lambda", function=function("enable_unsafe_deserialization", "keras.config")
        ),
        "load_model as function (CVE-2025-9906)": layer(
            "Lambda", function=function("load_model", "keras.saving"), arguments={"safe_mode": False}
        ),
        "activation names a function": layer("Activation", activation=function("system", "os")),
        "activation names an attribute": layer("Activation", activation="os.system"),
        "download by get_file": layer("Dense", units=3, kernel_initializer=get_file),
        "initialiser of another module": layer(
            "Dense",
            units=3,
            kernel_initializer={"module": "os", "class_name": "system", "config": {}, "registered_name": None},
        ),
        "vocabulary from a file (CVE-2025-12058)": layer("StringLookup", vocabulary=outside),
        "vocabulary from an address": layer("StringLookup", vocabulary="http://127.0.0.1:9/words"),
        "saved model from outside": layer("TFSMLayer", filepath=outside, call_endpoint="serve"),
        "torch module (pickle)": layer("TorchModuleWrapper", module=outside),
        "class of another module": layer("Popen", module="subprocess", args=["touch", marker]),
        "allowed class, other module": layer("Conv2D", module="os.path", **plain),
        "registered name": layer("Conv2D", registered="builtins>eval", **plain),
        "wrapped layer": layer("TimeDistributed", layer=layer("Lambda", function=marshalled(marker))),
        "path as an argument": layer("Dropout", rate=0.5, seed=outside),
        "layer as an argument": layer("Dense", units=3, activation=layer("Lambda", function=marshalled(marker))),
        "bytes as an argument": layer("Dropout", rate={"class_name": "__bytes__", "config": {"value": "x"}}),
        "tensor as an argument": layer(
            "Rescaling", scale={"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}}
        ),
        "type specification": layer(
            "Dropout", rate={"class_name": "__typespec__", "spec_name": "x", "module": "os", "config": []}
        ),
        "huge dense layer": layer("Dense", units=1_000_000),
        "absurd dense layer": layer("Dense", units=10**15),
        "huge convolution": layer("Conv2D", filters=500_000, kernel_size=[28, 28]),
        "huge image": layer("UpSampling2D", size=[30_000, 30_000]),
        "huge frame": layer("ZeroPadding2D", padding=[[9999, 9999], [9999, 9999]]),
        "nothing left": layer("Cropping2D", cropping=[[20, 20], [20, 20]]),
        "low-rank variables": layer("Dense", units=3, lora_rank=1_000_000),
        "number without end": layer("Rescaling", scale=float("nan")),
        "name with a path": layer("Dropout", rate=0.1, name="../../x"),
        "terminal in a name": layer("Dropout", rate=0.1, name="\x1b[2Jx"),
        "shape of text": layer("Reshape", target_shape="../x"),
        **_of_2026(marker, outside),
    }


def _of_2026(marker: str, outside: str) -> dict[str, dict[str, Any]]:
    """Make layers for what Keras advisories, merged fixes and their discussions named up to November 2026."""
    lambda_ = layer("Lambda", function=marshalled(marker))
    in_a_model = {"name": "inner", "layers": [layer("InputLayer", batch_shape=[None, 28, 28, 1]), lambda_]}
    policy: dict[str, Any] = {"module": "keras.dtype_policies", "class_name": "DTypePolicyMap"}
    quantized = {"module": "os", "class_name": "system", "config": {"command": f"touch {marker}"}}
    return {
        "saved model inside a model (CVE-2026-1462)": {
            **layer("Sequential", module="keras"),
            "config": {**in_a_model, "layers": [in_a_model["layers"][0], layer("TFSMLayer", filepath=outside)]},
        },
        "lambda inside a model (safe mode unset)": {**layer("Sequential", module="keras"), "config": in_a_model},
        "layer of functions (JaxLayer)": layer("JaxLayer", call_fn=function("system", "os"), params=[]),
        "layer of layers (Pipeline)": layer("Pipeline", layers=[lambda_]),
        "words from a file (TextVectorization)": layer("TextVectorization", vocabulary=outside),
        "numbers from a file (IntegerLookup)": layer("IntegerLookup", vocabulary=outside),
        "seeds with a class": layer("Dropout", rate=0.1, seed_generator=function("system", "os")),
        "policy with classes": layer("Dense", units=3, dtype={**policy, "config": {"policy_map": {"x": quantized}}}),
        "quantisation with a class": layer("Dense", units=3, quantization_config=quantized),
        "module of Keras with a dangerous function": layer(
            "Activation", activation=function("get_file", "keras.utils")
        ),
        "initialiser with an object": layer(
            "Dense",
            units=3,
            kernel_initializer={
                "module": "keras.initializers",
                "class_name": "Constant",
                "config": {"value": function("system", "os")},
                "registered_name": None,
            },
        ),
        "module that is imported (CVE-2025-1550)": layer("Activation", activation=function("run", "hostile_canary")),
        "class of a module that is imported": layer("Layer", module="hostile_canary"),
        "registered class that is imported": layer("Dense", registered="hostile_canary>Layer", units=3),
    }


def called_models() -> bytes:
    """Nest models, each called many times by the one around it: the number of calls is a power of the file's size."""
    model: dict[str, Any] = {}
    for depth in range(4):
        name = f"m{depth - 1}"
        inner: dict[str, Any] = {**model, "name": name} if model else {
            "module": "keras.layers", "class_name": "Activation", "registered_name": None, "name": "m-1",
            "config": {"name": "m-1", "activation": "relu"},
        }  # fmt: skip
        model = json.loads(reversed_chain(1, 1))
        start = model["config"]["layers"][-1]
        calls = [
            {"args": [_tensor("in" if call == 0 else name, call - 1 if call else 0)], "kwargs": {}}
            for call in range(400)
        ]
        model["config"] |= {
            "name": f"m{depth}", "layers": [start, {**inner, "inbound_nodes": calls}],
            "output_layers": [name, 399, 0],
        }  # fmt: skip
    return json.dumps(model).encode()


def _tensor(name: str, node: int = 0) -> dict[str, Any]:
    history = {"shape": [None, 28, 28], "dtype": "float32", "keras_history": [name, node, 0]}
    return {"class_name": "__keras_tensor__", "config": history}


def reversed_chain(layers: int, references: int) -> bytes:
    """Describe a model whose layers are listed last first, each taking the preceding one as input many times."""
    layer_configs: list[dict[str, Any]] = []
    for number in range(layers):
        before = "in" if number == 0 else f"l{number - 1}"
        node = {"args": [[_tensor(before)] * references], "kwargs": {}}
        entry = {"module": "keras.layers", "class_name": "Average", "config": {"name": f"l{number}"}}
        layer_configs.append({**entry, "registered_name": None, "name": f"l{number}", "inbound_nodes": [node]})
    start: dict[str, Any] = {
        "module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 28, 28], "name": "in"},
        "registered_name": None, "name": "in", "inbound_nodes": [],
    }  # fmt: skip
    config = {
        "name": "m", "layers": [*reversed(layer_configs), start], "input_layers": ["in", 0, 0],
        "output_layers": [f"l{layers - 1}", 0, 0],
    }  # fmt: skip
    model = {"module": "keras", "class_name": "Functional", "config": config, "registered_name": None}
    return json.dumps(model).encode()


def hostile_call(outside: str) -> dict[str, Any]:
    """Describe a layer called with a path (CVE-2025-9906); old Keras's order of layers needs no calls and drops it."""
    call = {"args": [], "kwargs": {"inputs": outside, "arguments": {"safe_mode": False}}}
    return {**layer("Dropout", rate=0.1), "name": "evil", "inbound_nodes": [call]}


def hostile_weights(file: h5py.File, attack: str, outside: Path) -> None:
    group = file["layers/dense/vars"]
    shape = group["0"].shape
    del group["0"]
    if attack == "external link":
        group["0"] = h5py.ExternalLink(str(outside), "/x")
    elif attack == "soft link":
        group["0"] = h5py.SoftLink("/layers/dense_1/vars/0")
    elif attack == "external storage":
        group.create_dataset("0", shape, np.float32, external=[(str(outside), 0, h5py.h5f.UNLIMITED)])
    elif attack == "virtual dataset":
        layout = h5py.VirtualLayout(shape, np.float32)
        layout[:] = h5py.VirtualSource(str(outside), "x", shape)
        group.create_virtual_dataset("0", layout)
    elif attack == "claims terabytes":
        group.create_dataset("0", (1 << 20, 1 << 20), np.float32)
    elif attack == "packed":
        group.create_dataset("0", data=np.zeros((5000, 5000), np.float32), compression="gzip")
    elif attack == "linked twice":
        group["0"] = file["layers/dense_1/vars/0"]
    elif attack == "loop":
        group["0"] = file["layers"]
    elif attack == "text":
        group["0"] = "x" * 10


WEIGHT_ATTACKS = {
    "external link": "is a link",
    "soft link": "is a link",
    "external storage": "stores its numbers in another file",
    "virtual dataset": "stores its numbers in another file",
    "claims terabytes": "for which the file has no bytes",
    "packed": "compressed or in chunks",
    "linked twice": "is linked twice",
    "loop": "is linked twice",
    "text": "expected numbers",
}
