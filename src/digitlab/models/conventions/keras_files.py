"""A foreign Keras file: brought over as it is, its convention found, and put into its preparation."""

from __future__ import annotations

import json
import tempfile
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.models.backend import keras
from digitlab.models.conventions.convention import ROWS, Form
from digitlab.models.conventions.search import find_convention
from digitlab.models.legacy.importing import AS_IT_IS, Imported, brought_over, import_described
from digitlab.models.legacy.network import answering_probabilities
from digitlab.models.safety.archive import CONFIG, METADATA, WEIGHTS
from digitlab.models.safety.hdf5 import open_hdf5
from digitlab.models.safety.keras_file import blaming
from digitlab.models.safety.plain import mapping, parse_json, refuse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.models.conventions.convention import Convention
    from digitlab.models.conventions.search import Found

__all__ = ["ForeignKeras", "open_foreign_keras"]

_LARGEST_JSON = 5_000_000  # bytes
_AS_SAID = "as you said"  # in a sentence of `import_legacy` on the preparation, which is found here


@dataclass(frozen=True, slots=True)
class ForeignKeras:
    """A network with its convention inside.

    model: float32, from uint8 (N, 28, 28) to probabilities (N, 10)
    found: how the convention was found
    changes: what is not as it was in the file, a sentence each
    origin: what wrote the file
    """

    model: keras.Model
    found: Found
    changes: tuple[str, ...]
    origin: str


def open_foreign_keras(
    path: Path, architecture: str | None = None, *, backend: str | None = None, weights: Path | None = None
) -> ForeignKeras:
    """Bring a ``.keras`` or ``.h5`` file over, or a ``.json`` file with its weights, and find its convention.

    Args:
        path: the file.
        architecture: one of `ARCHITECTURES`, for files that hold weights only.
        backend: "theano" or "tensorflow", for files that do not say what they were trained on.
        weights: those of a ``.json`` file; None: the HDF5 file beside it.

    Raises:
        ModelError: as `import_legacy`; or when no convention makes the network a classifier of digits.
        UsageError: for an unknown architecture or backend.
    """
    with blaming(path):
        brought, prepares = _brought_over(path, architecture, backend, weights)
        model = brought.model
        found = find_convention(_Asking(model, None if prepares else _first_rescaling(model)), [_form(prepares)], 10)
        model = _with_convention(model, found.best.convention, prepares=prepares)
        model, said = answering_probabilities(model)
    changes = tuple(change for change in brought.changes if _AS_SAID not in change or "preparation" not in change)
    return ForeignKeras(model, found, (*changes, *said), brought.origin)


def _form(prepares: bool) -> Form:
    """Brought over, every network takes (N, 28, 28): whole numbers where it prepares them itself."""
    return Form(ROWS, dtype="uint8" if prepares else "float32")


def _brought_over(
    path: Path, architecture: str | None, backend: str | None, weights: Path | None
) -> tuple[Imported, bool]:
    """The network, and whether it takes our images as they are; else a Rescaling that changes nothing is before it."""
    from digitlab.models.saving import load_keras

    if path.suffix.lower() == ".json":
        return _described(path, weights or _weights_beside(path), backend), False
    if path.suffix.lower() == ".keras" and path.is_file():
        brought = brought_over(path, architecture, None, backend)
        if brought.preparation == "its own":
            return Imported(load_keras(path), (), brought.preparation, brought.origin), True
    return brought_over(path, architecture, AS_IT_IS, backend), False


def _described(path: Path, weights: Path, backend: str | None) -> Imported:
    """A ``.json`` file's network with the weights of another file."""
    if path.stat().st_size > _LARGEST_JSON:
        refuse(f"has {path.stat().st_size:,} bytes; descriptions of networks have at most {_LARGEST_JSON:,}")
    text = path.read_text("utf-8", "replace")
    description = mapping(parse_json(text, path.name), path.name)
    if "class_name" not in description:
        refuse("describes no network of Keras; expected what model.to_json() writes")
    said = f"its weights are those of {weights.name}"
    with ExitStack() as stack:
        store = stack.enter_context(open_hdf5(weights))
        if not {"layers", "_layer_checkpoint_dependencies"} & set(store.groups):
            found = import_described(store, text, AS_IT_IS, backend)
            return Imported(found.model, (said, *found.changes), found.preparation, found.origin)
    with tempfile.TemporaryDirectory() as folder:  # as Keras 3 keeps both in one file
        whole = Path(folder) / "model.keras"
        with zipfile.ZipFile(whole, "w") as archive:
            archive.writestr(CONFIG, text)
            archive.writestr(METADATA, json.dumps({"keras_version": "3"}))
            archive.write(weights, WEIGHTS)
        found = brought_over(whole, None, AS_IT_IS, backend)
        return Imported(found.model, (said, *found.changes), found.preparation, found.origin)


def _weights_beside(path: Path) -> Path:
    names = [path.with_suffix(ending) for ending in (".weights.h5", ".h5", ".hdf5")]
    there = [each for each in names if each.is_file()] or sorted(path.parent.glob("*.h5"))
    if len(there) != 1 and not any(each.is_file() for each in names):
        refuse(
            f"is a network's description without its weights; put them beside it as {names[1].name}, or name their "
            "file: --weights FILE"
        )
    return there[0]


def _first_rescaling(model: keras.Model) -> keras.layers.Rescaling:
    """The layer that was put before the network."""
    return next(layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling))


@dataclass(frozen=True, slots=True)
class _Asking:
    """What a network answers under a convention; its first Rescaling, where it got one, is set for each."""

    model: keras.Model
    rescaling: keras.layers.Rescaling | None

    def __call__(self, convention: Convention, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self.rescaling is None:
            given = convention.prepared(images)
        else:
            self.rescaling.scale, self.rescaling.offset = (float(each[0]) for each in convention.factors())
            given = images.transpose(0, 2, 1) if convention.transposed else images
        answers = self.model(np.ascontiguousarray(given), training=False)
        return np.asarray(keras.ops.convert_to_numpy(answers), np.float32)


def _with_convention(model: keras.Model, convention: Convention, *, prepares: bool) -> keras.Model:
    times, plus = (float(each[0]) for each in convention.factors())
    if not prepares:
        rescaling = _first_rescaling(model)
        rescaling.scale, rescaling.offset = times, plus
    inverts = prepares and convention.inverted
    if not inverts and not convention.transposed:
        return model
    images = pixels = keras.Input((28, 28), dtype="uint8", name="images")
    if convention.transposed:
        pixels = keras.layers.Permute((2, 1), name="transpose")(pixels)
    if inverts:
        pixels = keras.layers.Rescaling(times, plus, name="invert")(pixels)
    return keras.Model(images, model(pixels), name=model.name)
