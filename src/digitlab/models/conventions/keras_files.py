"""Foreign Keras files: converted unchanged; then their convention is found and built into the preparation."""

from __future__ import annotations

import json
import tempfile
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.kinds import JSON, kind_of
from digitlab.models.backend import keras
from digitlab.models.conventions.convention import forms_of
from digitlab.models.conventions.keras_network import with_convention
from digitlab.models.conventions.search import find_convention
from digitlab.models.legacy.importing import AS_IT_IS, Imported, brought_over, import_described, not_used
from digitlab.models.safety.archive import CONFIG, METADATA, WEIGHTS
from digitlab.models.safety.hdf5 import open_hdf5
from digitlab.models.safety.keras_file import blaming
from digitlab.models.safety.plain import mapping, parse_json, refuse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.models.conventions.convention import Convention
    from digitlab.models.conventions.search import ConventionSearch, Predict

__all__ = ["ForeignKeras", "open_foreign_keras", "predictor", "weights_beside"]

_LARGEST_JSON = 5_000_000  # bytes


@dataclass(frozen=True, slots=True)
class ForeignKeras:
    """A network with its convention built in.

    model: float32, from uint8 (N, 28, 28) to probabilities (N, 10)
    search: how the convention was found
    changes: the differences from the file, a sentence each
    origin: what wrote the file
    """

    model: keras.Model
    search: ConventionSearch
    changes: tuple[str, ...]
    origin: str


def open_foreign_keras(
    path: Path, architecture: str | None = None, *, backend: str | None = None, weights: Path | None = None
) -> ForeignKeras:
    """Convert a ``.keras`` or ``.h5`` file, or a ``.json`` file with its weights, and find its convention.

    Args:
        path: the file.
        architecture: one of `ARCHITECTURES`, for files that hold weights only.
        backend: "theano" or "tensorflow", for files that do not name the backend they were trained with.
        weights: the weights of a ``.json`` file; None: the HDF5 file beside it.

    Raises:
        NoConventionError: when no convention makes the network a classifier of digits.
        ModelError: as `import_legacy`.
        UsageError: for an unknown architecture or backend.
    """
    with blaming(path):
        brought = _brought_over(path, architecture, backend, weights)
        net = brought.model
        dtype = str(net.inputs[0].dtype)
        forms = forms_of(tuple(net.input_shape), dtype if "int" in dtype else "float32")
        search = find_convention(predictor(net), forms, net.output_shape[-1])
        model, more_changes = with_convention(net, search.best.convention)
    changes = list(brought.changes)
    if len(net.input_shape) != 3 and not any("its input" in change for change in changes):
        changes.append(f"its input ({', '.join(map(str, net.input_shape[1:]))}) became uint8 (N, 28, 28)")
    return ForeignKeras(model, search, (*changes, *more_changes), brought.origin)


def _brought_over(path: Path, architecture: str | None, backend: str | None, weights: Path | None) -> Imported:
    """Return the network with its original input instead of ours."""
    if path.suffix.lower() == ".json" and path.is_file():
        if (kind := kind_of(path)) not in (JSON, None):
            refuse(f"is {kind.what}; {kind.as_model}")
        imported = _described(path, weights or weights_beside(path), backend)
        return not_used(imported, architecture=architecture)
    return brought_over(path, architecture, AS_IT_IS, backend, raw=True)


def predictor(net: keras.Model) -> Predict:
    """Return a function that gives the outputs of a Keras network under a convention."""

    def predict(convention: Convention, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        answers = net(convention.prepared(images), training=False)
        return np.asarray(keras.ops.convert_to_numpy(answers), np.float32)

    return predict


def _described(path: Path, weights: Path, backend: str | None) -> Imported:
    """Build the network of a ``.json`` file with the weights of another file."""
    if path.stat().st_size > _LARGEST_JSON:
        refuse(f"has {path.stat().st_size:,} bytes; descriptions of networks have at most {_LARGEST_JSON:,}")
    text = path.read_text("utf-8", "replace")
    description = mapping(parse_json(text, path.name), path.name)
    if "class_name" not in description:
        refuse("does not describe a Keras network; expected what model.to_json() writes")
    if not weights.is_file():
        refuse(f"there is no weights file {weights}")
    change = f"its weights are those of {weights.name}"
    with ExitStack() as stack:
        store = stack.enter_context(open_hdf5(weights))
        if not {"layers", "_layer_checkpoint_dependencies"} & set(store.groups):
            imported = import_described(store, text, AS_IT_IS, backend, raw=True)
            return Imported(imported.model, (change, *imported.changes), imported.preparation, imported.origin)
    with tempfile.TemporaryDirectory() as folder:  # pack both into one file, as Keras 3 does
        whole = Path(folder) / "model.keras"
        with zipfile.ZipFile(whole, "w") as archive:
            archive.writestr(CONFIG, text)
            archive.writestr(METADATA, json.dumps({"keras_version": "3"}))
            archive.write(weights, WEIGHTS)
        imported = brought_over(whole, None, AS_IT_IS, backend, raw=True)
        return Imported(imported.model, (change, *imported.changes), imported.preparation, imported.origin)


def weights_beside(path: Path) -> Path:
    """Return the weights file of a ``.json`` file: that of its name, or the only HDF5 file of its folder.

    Raises:
        ModelError: when there are none, or several.
    """
    names = [path.with_suffix(ending) for ending in (".weights.h5", ".h5", ".hdf5")]
    files = [each for each in names if each.is_file()] or sorted(path.parent.glob("*.h5"))
    if len(files) != 1 and not any(each.is_file() for each in names):
        refuse(
            f"is a network's description without its weights; put them beside it as {names[1].name}, or give their "
            "file: --weights FILE"
        )
    return files[0]
