"""Import an old model file, and report what had to be changed."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError, UsageError, counted
from digitlab.kinds import KERAS, ZIP, kind_of
from digitlab.models.architectures import build
from digitlab.models.backend import keras
from digitlab.models.layers import PREPARATIONS, UNIT
from digitlab.models.legacy.kernels import Layout, adapt_arrays, fill
from digitlab.models.legacy.network import answering_probabilities, build_network, prepared_images
from digitlab.models.legacy.steps import describe
from digitlab.models.legacy.translation import Notes
from digitlab.models.safety.hdf5 import open_hdf5
from digitlab.models.safety.keras_file import blaming, expect_ours, open_keras_file, opened_members
from digitlab.models.safety.plain import mapping, refuse, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.models.legacy.steps import Description
    from digitlab.models.safety.hdf5 import Store
    from digitlab.models.safety.keras_file import Members

__all__ = [
    "AS_IT_IS", "KNOWN_PREPARATIONS", "Imported", "brought_over", "import_described", "import_legacy", "not_used",
]  # fmt: skip

AS_IT_IS = "x"
KNOWN_PREPARATIONS = {**PREPARATIONS, AS_IT_IS: (1.0, 0.0)}

_BACKENDS = ("tensorflow", "theano")
_HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported model.

    model: float32, from uint8 (N, 28, 28) to probabilities (N, 10), including the preparation
    changes: the differences from the file, one sentence each
    preparation: how pixels are scaled
    origin: what wrote the file, as far as recorded
    """

    model: keras.Model
    changes: tuple[str, ...]
    preparation: str
    origin: str


def import_legacy(
    path: Path, architecture: str | None = None, *, preparation: str | None = None, backend: str | None = None
) -> Imported:
    """Import a model of Keras 1, Keras 2, TF-Keras (``.h5``), or a Keras 3 model from elsewhere (``.keras``).

    Args:
        path: the file.
        architecture: one of `ARCHITECTURES`, for files that hold weights only.
        preparation: one of KNOWN_PREPARATIONS, which old files do not record; None: "x / 255", or the network's own
            if it begins with one.
        backend: "theano" or "tensorflow", for files that do not record it.

    Raises:
        ModelError: when the file is damaged, holds something else, or cannot be imported with the same result.
        UsageError: for an unknown architecture, preparation or backend.
    """
    _check_options(preparation, backend)
    with blaming(path):
        imported = brought_over(path, architecture, preparation, backend)
        model, more_changes = answering_probabilities(imported.model)
    return replace(imported, model=model, changes=(*imported.changes, *more_changes)) if more_changes else imported


def brought_over(
    path: Path, architecture: str | None, preparation: str | None, backend: str | None, *, raw: bool = False
) -> Imported:
    """Return the network as stored in the file, whatever the type of its outputs.

    raw: without our input before it: it takes values in its own shape (channels last), of images with 16 to 64 pixels
        a side, and may have eleven classes
    """
    kind = kind_of(path)
    if not path.is_file():
        refuse(f"is {kind.what}; {kind.as_model}" if kind else "there is no such model file")
    with path.open("rb") as file:
        starts_as_hdf5 = file.read(len(_HDF5)) == _HDF5
    if not starts_as_hdf5:
        if kind is not None and kind not in (KERAS, ZIP):
            refuse(f"not a Keras file but {kind.what}; {kind.as_model}")
        if path.suffix.lower() in (".h5", ".hdf5"):
            refuse("not an HDF5 file; expected a model or weights saved by Keras")
        return not_used(_import_keras(path, preparation, raw=raw), architecture=architecture, backend=backend)
    with open_hdf5(path) as store:
        text = store.text("", "model_config")
        if text is not None:
            return not_used(import_described(store, text, preparation, backend, raw=raw), architecture=architecture)
        if architecture is None:
            refuse("it contains weights only; give their network with --architecture, e.g. thesis-4conv")
        if "layers" in store.groups or "_layer_checkpoint_dependencies" in store.groups:
            imported, remarks = _import_new_weights(path, architecture, preparation)
            imported = not_used(imported, backend=backend)
        else:
            imported, remarks = _import_weights(store, architecture, preparation, backend)
        imported = imported if raw else replace(imported, changes=(*imported.changes, *remarks))
        return replace(imported, model=_after_preparation(imported.model)) if raw else imported


def not_used(imported: Imported, **options: str | None) -> Imported:
    """Add a remark for each of these options that was given although the file says the same itself."""
    remarks = (f"--{name} was not used: the file itself determines it" for name, value in options.items() if value)
    return replace(imported, changes=(*remarks, *imported.changes))


def _check_options(preparation: str | None, backend: str | None) -> None:
    if preparation is not None and preparation not in KNOWN_PREPARATIONS:
        raise UsageError(f"the preparation is {preparation!r}; expected one of {', '.join(KNOWN_PREPARATIONS)}")
    if backend is not None and backend not in _BACKENDS:
        raise UsageError(f"the backend is {backend!r}; expected {' or '.join(_BACKENDS)}")


def import_described(
    store: Store, text: str, preparation: str | None, backend: str | None, *, raw: bool = False
) -> Imported:
    """Build the network that ``text`` (JSON) describes, with an HDF5 file's weights; ``raw``: see `brought_over`."""
    notes = Notes()
    description = describe(text, notes)
    root = "model_weights" if "model_weights" in store.groups else ""
    trained_on, changes = _backend_of(store, root, backend, channels_first=description.channels_first)
    origin = _Origin(_version(store, root), trained_on)
    notes.left_out |= "training_config" in store.groups[""].attrs or "optimizer_weights" in store.groups
    return _rebuilt(description, notes, _arrays_by_layer(store, root), origin, preparation, changes, raw=raw)


def _import_tf_keras(members: Members, preparation: str | None, *, raw: bool) -> Imported:
    """Import a ``.keras`` file of TF-Keras 2, whose description has the format of its HDF5 files."""
    notes = Notes()
    description = describe(members.description, notes)
    notes.left_out |= members.description.get("compile_config") is not None
    with open_hdf5(members.weights) as store:
        arrays = _arrays_by_place(store, members.description)
    return _rebuilt(description, notes, arrays, _Origin(members.version, "tensorflow"), preparation, [], raw=raw)


@dataclass(frozen=True, slots=True)
class _Origin:
    """What wrote a file: the version of Keras, and its backend."""

    version: str
    backend: str

    def __str__(self) -> str:
        version = self.version if self.version.replace(".", "").isalnum() else "?"
        return f"Keras {version} on {self.backend}"[:60]


def _rebuilt(
    description: Description,
    notes: Notes,
    arrays: dict[str, list[NDArray[Any]]],
    origin: _Origin,
    preparation: str | None,
    changes: list[str],
    *,
    raw: bool,
) -> Imported:
    """Build a new network with the file's weights."""
    own = next((step.kind == "Rescaling" for step in description.steps), False)
    chosen, remarks = (AS_IT_IS, []) if raw else _preparation(preparation, own=own)
    theano = origin.backend == "theano"
    model, orders = build_network(
        description, None if own and preparation is None else KNOWN_PREPARATIONS[chosen], theano=theano, raw=raw
    )
    first = description.channels_first
    layout = Layout(turned=theano, outputs_first=first and origin.version.startswith(("0", "1")))
    for step in description.steps:
        layer = model.get_layer(step.name)
        if layer.weights:
            if step.name not in arrays:
                refuse(f"it has no weights for layer {shown(step.name)}")
            adapted = adapt_arrays(step.kind, step.name, arrays[step.name], layout, orders.get(step.name), first=first)
            fill(layer, adapted)
    remarks += [*changes, *_renamings(notes), *_of_form(description), *_of_arrays(layout, first), *_of_types(arrays)]
    if notes.left_out:
        remarks.append(
            "initialisers, regularisers, constraints and the optimiser are left out: only training needs them"
        )
    return Imported(model, tuple(remarks), chosen, str(origin))


def _import_weights(
    store: Store, architecture: str, preparation: str | None, backend: str | None
) -> tuple[Imported, list[str]]:
    """Load a file that holds weights only into one of our architectures, in order; and remarks on its preparation."""
    model = build(architecture)
    arrays = [(name, values) for name, values in _arrays_by_layer(store, "").items() if values]
    layers = [layer for layer in model.layers if layer.weights]
    if len(arrays) != len(layers):
        refuse(f"it has weights for {counted(len(arrays), 'layer')}; {architecture} has {len(layers)} with weights")
    outputs_first = any(_stored_outputs_first(layer, values) for layer, (_, values) in zip(layers, arrays, strict=True))
    trained_on, remarks = _backend_of(store, "", backend, channels_first=outputs_first)
    layout = Layout(turned=trained_on == "theano", outputs_first=outputs_first)
    orders = _orders_after_flattening(model) if outputs_first else {}
    for layer, (name, values) in zip(layers, arrays, strict=True):
        fill(layer, adapt_arrays(type(layer).__name__, name, values, layout, orders.get(layer.name)))
    remarks.insert(0, f"the file contains weights only; they were put into {architecture}")
    remarks += [*_of_arrays(layout, outputs_first), *_of_types(dict(arrays))]
    chosen, words = _own_preparation(model, preparation, architecture)
    return Imported(model, tuple(remarks), chosen, str(_Origin(_version(store, ""), trained_on))), words


def _import_new_weights(path: Path, architecture: str, preparation: str | None) -> tuple[Imported, list[str]]:
    """The same of a file in the format of Keras 3."""
    model = build(architecture)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.weights.h5"  # Keras requires this name; and the checked bytes are the ones opened
        shutil.copyfile(path, copy)
        with open_hdf5(copy):
            pass
        try:
            model.load_weights(copy)
        except Exception as error:  # Keras' errors have no narrower common base class
            raise ModelError(f"its weights do not fit {architecture}: {shown(str(error).strip())}") from error
    chosen, remarks = _own_preparation(model, preparation, architecture)
    change = f"the file contains weights only; they were put into {architecture}"
    return Imported(model, (change,), chosen, "Keras 3"), remarks


def _import_keras(path: Path, preparation: str | None, *, raw: bool) -> Imported:
    """Import a foreign ``.keras`` file: unchanged if it takes our images, else with our input before it."""
    with opened_members(path) as members:
        if members.version.startswith("2."):
            return _import_tf_keras(members, preparation, raw=raw)
    model = open_keras_file(path)
    if raw:
        return Imported(model, (), AS_IT_IS, "Keras 3")
    expect_ours(model)
    own = any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers)
    bytes_taken = model.inputs[0].dtype == "uint8"
    if model.input_shape[1:] == (28, 28) and (own or bytes_taken):
        if preparation is not None:
            raise UsageError(f"{path}: prepares its pixels itself; leave --preparation out")
        if bytes_taken:  # with an input of floats, no export of it would take our images
            return Imported(model, (), "its own", "Keras 3")
    chosen, remarks = _preparation(preparation, own=own)
    rescaling = None if own and preparation is None else KNOWN_PREPARATIONS[chosen]
    images, pixels = prepared_images(rescaling, tuple(model.input_shape[1:]), {layer.name for layer in model.layers})
    inner = model.layers if isinstance(model, keras.Sequential) else [model]
    for layer in inner:
        pixels = layer(pixels)
    shape = ", ".join(map(str, model.input_shape[1:]))
    remarks.append(f"its input ({shape}) became uint8 (N, 28, 28)")
    return Imported(keras.Model(images, pixels, name=f"{model.name}-imported"), tuple(remarks), chosen, "Keras 3")


def _after_preparation(model: keras.Model) -> keras.Model:
    """Cut the preparation off one of our architectures: it then takes prepared pixels, float32 (N, 28, 28)."""
    # Of the calls of this layer only the last one belongs to the model: the others built a part of it.
    prepared = model.get_layer("prepare")._inbound_nodes[-1].outputs[0]
    return keras.Model(prepared, model.outputs[0], name=model.name)


def _arrays_by_layer(store: Store, root: str) -> dict[str, list[NDArray[Any]]]:
    """Return the arrays of each layer that has a group, in the file's order."""
    prefix = f"{root}/" if root else ""
    arrays: dict[str, list[NDArray[Any]]] = {}
    for name in store.names(root, "layer_names"):
        group = prefix + name
        if group not in store.groups or name in arrays:
            refuse(f"the weights of layer {shown(name)} are missing or named twice")
        arrays[name] = [store.array(f"{group}/{weight}") for weight in store.names(group, "weight_names")]
    if not arrays:
        refuse("it lists no layers with weights; expected a file that Keras has written")
    return arrays


def _arrays_by_place(store: Store, description: dict[str, Any]) -> dict[str, list[NDArray[Any]]]:
    """Return each layer's arrays as ``.keras`` files store them: by class, numbered in the order of the layers."""
    counts: dict[str, int] = {}
    arrays: dict[str, list[NDArray[Any]]] = {}
    for layer in mapping(description["config"], "the model's config")["layers"]:
        kind = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", layer["class_name"])).lower()
        group = f"layers/{kind}_{counts[kind]}/vars" if kind in counts else f"layers/{kind}/vars"
        counts[kind] = counts.get(kind, 0) + 1
        count = len(store.groups[group]) if group in store.groups else 0
        arrays[layer["config"].get("name", layer.get("name"))] = [
            store.array(f"{group}/{number}") for number in range(count)
        ]
    return arrays


def _backend_of(store: Store, root: str, requested: str | None, *, channels_first: bool) -> tuple[str, list[str]]:
    """Return the backend that the weights were trained on, and remarks about it."""
    named = [text for text in (store.text(group, "backend") for group in dict.fromkeys(("", root))) if text]
    if requested is not None:
        remark = f"the kernels are taken to be {requested}'s, as requested"
        return requested, [remark] if set(named) != {requested} else []
    if len(set(named)) > 1:
        return "tensorflow", [
            f"the file names two backends ({' and '.join(shown(name) for name in named)}), so kernels were not "
            "rotated; --backend theano rotates them"
        ]
    if named:
        return named[0].lower(), []
    guess = "theano" if channels_first else "tensorflow"
    reason = "channels_first was Theano's order" if channels_first else "channels_last was TensorFlow's order"
    return guess, [f"the file does not name its backend; taken to be {guess} ({reason}); --backend names another"]


def _version(store: Store, root: str) -> str:
    """Return the version of Keras that wrote the file; "1" if it is not recorded, as by the first versions."""
    return next((text for text in (store.text(group, "keras_version") for group in ("", root)) if text), "1")[:20]


def _preparation(requested: str | None, *, own: bool) -> tuple[str, list[str]]:
    chosen = requested or (AS_IT_IS if own else UNIT)
    if requested:
        return chosen, [f"the preparation {chosen} was added before the network, as requested"]
    if own:
        return chosen, ["pixels enter the network as 0…255: it begins with its own Rescaling"]
    return chosen, [
        f"the preparation {chosen} was added before the network: the file does not record how pixels were scaled; "
        "--preparation names another"
    ]


def _own_preparation(model: keras.Model, requested: str | None, architecture: str) -> tuple[str, list[str]]:
    """Keep the preparation that our architecture contains, or replace it with ``requested``."""
    from digitlab.models.layers import preparation_of

    own = preparation_of(model)
    if requested in (None, own):
        return own, [f"the preparation is that of {architecture}, {own}"]
    layer = model.get_layer("prepare")
    layer.scale, layer.offset = KNOWN_PREPARATIONS[str(requested)]
    return str(requested), [f"the preparation became {requested}, as requested"]


def _stored_outputs_first(layer: Any, arrays: list[NDArray[Any]]) -> bool:
    """Return whether a kernel's shape fits only the order of Keras 1 with channels_first: (out, in, rows, columns)."""
    shape, expected = arrays[0].shape, tuple(layer.weights[0].shape)
    return len(shape) == 4 and shape != expected and tuple(np.array(shape)[[2, 3, 1, 0]]) == expected


def _orders_after_flattening(model: keras.Model) -> dict[str, tuple[int, ...]]:
    """Map the first layer with weights after each Flatten to the (channels, rows, columns) that was flattened."""
    orders: dict[str, tuple[int, ...]] = {}
    order = None
    for layer in model.layers:
        if type(layer).__name__ == "Flatten" and len(layer.input.shape) == 4:
            rows, columns, channels = layer.input.shape[1:]
            order = (channels, rows, columns)
        elif layer.weights and order is not None:
            orders[layer.name] = order
            order = order if type(layer).__name__ == "BatchNormalization" else None
    return orders


def _renamings(notes: Notes) -> list[str]:
    if not notes.renamed:
        return []
    return ["renamed for Keras 3: " + ", ".join(f"{old} → {new}" for old, new in notes.renamed.items())]


def _of_form(description: Description) -> list[str]:
    shape = ", ".join(map(str, description.input_shape))
    return [f"its input (N, {shape}) became uint8 (N, 28, 28)"]


def _of_arrays(layout: Layout, channels_first: bool) -> list[str]:
    remarks = []
    if layout.turned_layers:
        count = len(layout.turned_layers)
        remarks.append(
            f"{count} convolution kernel{'s were' if count > 1 else ' was'} rotated by 180° "
            f"({', '.join(layout.turned_layers[:12])}): Theano computes true "
            "convolutions, TensorFlow cross-correlations"
        )
    if channels_first:
        named = f"; reordered: {', '.join(layout.reordered_layers[:12])}" if layout.reordered_layers else ""
        remarks.append(f"channels_first became channels_last{named}")
    return remarks


def _of_types(arrays: dict[str, list[NDArray[Any]]]) -> list[str]:
    types = sorted({str(array.dtype) for layer_arrays in arrays.values() for array in layer_arrays} - {"float32"})
    return [f"weights in {', '.join(types)} became float32"] if types else []
