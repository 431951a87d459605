"""`digitlab import`: a model file of anybody as one of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import ModelError, UsageError
from digitlab.kinds import kind_of
from digitlab.models.conventions.convention import probabilities_of
from digitlab.models.conventions.onnx_files import open_foreign
from digitlab.models.conventions.search import find_convention, known_digits
from digitlab.models.conventions.wrapping import wrapped
from digitlab.network.check import check_onnx
from digitlab.network.classifier import takes_our_images
from digitlab.network.kept import kept_place
from digitlab.storage import write_bytes
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import onnx

    from digitlab.models.conventions.search import Ask, Found

__all__ = ["ImportedModel", "import_model", "own_onnx"]

KERAS_ENDINGS = (".keras", ".h5", ".hdf5", ".json")
_LARGEST_FILE = 200_000_000  # bytes, as of every ONNX file here
_COMPARED = 200  # images
_TOLERANCE = 1e-4  # of a probability, between the file with its convention inside and the network that was asked


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A model that was brought over.

    path: the file that was written, from uint8 (N, 28, 28) to probabilities (N, 10)
    found: how its convention was found
    changes: what is not as it was, a sentence each
    card: what the file says of itself
    """

    path: Path
    found: Found
    changes: tuple[str, ...]
    card: ModelCard


def import_model(
    path: Path,
    out: Path,
    *,
    architecture: str | None = None,
    backend: str | None = None,
    weights: Path | None = None,
) -> ImportedModel:
    """Make a model file of anybody one of ours; how it wants its images is found by trying.

    Args:
        path: a ``.keras``, ``.h5``, ``.json`` (with weights), ``.onnx`` or ``.tflite`` file, or a SavedModel folder.
        out: the file to write: ``.onnx``, or ``.keras`` where ``path`` is a file of Keras.
        architecture: one of `ARCHITECTURES`, for files of Keras that hold weights only.
        backend: "theano" or "tensorflow", for files of Keras that do not say what they were trained on.
        weights: the file with the weights of a ``.json`` file; None: the one beside it.

    Raises:
        ModelError: when it is damaged, of another kind, or no convention makes it a classifier of the ten digits.
        UsageError: for another ending of ``out``, or options that do not fit the file.
        StorageError: when it cannot be written.
    """
    of_keras = path.suffix.lower() in KERAS_ENDINGS and not path.is_dir()
    if out.suffix.lower() not in ((".keras", ".onnx") if of_keras else (".onnx",)):
        expected = ".keras or .onnx" if of_keras else ".onnx (only a model of Keras can become a .keras file)"
        raise UsageError(f"cannot import {path.name} to {out.name!r}; expected a name that ends in {expected}")
    if of_keras:
        return _import_keras(path, out, architecture, backend, weights)
    given = {"--architecture": architecture, "--backend": backend, "--weights": weights}
    if named := [name for name, value in given.items() if value is not None]:
        raise UsageError(f"{path.name}: {' and '.join(named)} belong to files of Keras (.h5, .json)")
    return _import_onnx(path, out)


def own_onnx(path: Path, *, tell: Callable[[str], None] = lambda _: None) -> Path:
    """``path`` itself where it takes our images, else the same network with its convention inside, from the cache.

    It is found once for each file, known by its content.

    Args:
        path: an ONNX file.
        tell: gets a sentence on the convention when it is found.

    Raises:
        ModelError: as `import_model`.
    """
    content = _content(path)
    if takes_our_images(content):
        return path
    kept = kept_place(path, convention=True)
    if not kept.is_file():
        done = _import_onnx(path, kept)
        best = done.found.best
        tell(f"{path}: takes {best.convention} ({100 * best.accuracy:.1f} % of {best.images:,} MNIST images right)")
    return kept


def _import_keras(
    path: Path, out: Path, architecture: str | None, backend: str | None, weights: Path | None
) -> ImportedModel:
    from digitlab.models.conventions.keras_files import open_foreign_keras
    from digitlab.models.export import export_model
    from digitlab.models.saving import save_keras

    opened = open_foreign_keras(path, architecture, backend=backend, weights=weights)
    card = _card(path, opened.model.name, opened.found, opened.origin)
    if (shape := _input_in(opened.changes)) is not None:
        card.training["shape"] = shape
    if out.suffix.lower() == ".onnx":
        export_model(opened.model, out, card)
    else:
        save_keras(opened.model, out, card)
    return ImportedModel(out, opened.found, opened.changes, card)


def _input_in(changes: Iterable[str]) -> list[int] | None:
    """The shape of one image as the file of Keras takes it, of the sentence that says what became of it.

    >>> _input_in(["its input (N, 28, 28, 1) became uint8 (N, 28, 28)"])
    [28, 28, 1]
    """
    for change in changes:
        if found := re.match(r"its input \((?:N, )?([0-9, ]+)\) became ", change):
            return [int(size) for size in found[1].split(",") if size.strip()]
    return None


def _import_onnx(path: Path, out: Path) -> ImportedModel:
    """An ONNX file, or what is one after a conversion."""
    kind = kind_of(path)
    if path.is_dir() or path.suffix.lower() in (".tflite", ".lite"):
        from digitlab.models.conventions.converted import as_onnx

        content, origin = as_onnx(path)
    elif kind is not None or (path.is_file() and path.suffix.lower() != ".onnx"):
        what, do = kind if kind is not None else ("no model that is known here", "export the network as .onnx")
        raise ModelError(f"{path}: is {what}; {do}")
    else:
        content, origin = _content(path), "ONNX"
    network = open_foreign(content, path)
    try:
        found = find_convention(network.ask, network.forms, network.classes)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    card = _card(path, "imported network", found, origin)
    whole = _with_card(wrapped(network.graph, found.best.convention), card)
    _compare(whole, network.ask, found, path)
    write_bytes(out, whole)
    return ImportedModel(out, found, (), card)


def _content(path: Path) -> bytes:
    """The file's bytes, measured first."""
    try:
        if not path.is_file():
            raise ModelError(f"{path}: there is no such model file")
        if path.stat().st_size > _LARGEST_FILE:
            raise ModelError(f"{path}: has {path.stat().st_size:,} bytes; models have at most {_LARGEST_FILE:,}")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if not content:
        raise ModelError(f"{path}: is empty (0 bytes); expected an ONNX model")
    return content


def _card(path: Path, architecture: str, found: Found, origin: str) -> ModelCard:
    from digitlab.models.saving import versions

    training = {"imported_from": path.name, "written_by": origin, **found.as_card()}
    return ModelCard(
        path.stem, architecture, found.best.convention.preparation(), training=training, versions=versions()
    )


def _with_card(graph: onnx.ModelProto, card: ModelCard) -> bytes:
    from digitlab.models.export.onnx import with_card

    return with_card(graph.SerializeToString(), card)


def _compare(whole: bytes, ask: Ask, found: Found, path: Path) -> None:
    """The written file answers as the network that was asked."""
    from digitlab.models.export.onnx import run_onnx

    check_onnx(whole)
    images, best = known_digits().images[:_COMPARED], found.best.convention
    expected = probabilities_of(ask(best, images), best.answers, best.zero)
    difference = float(np.abs(run_onnx(whole, images) - expected).max())
    if not difference <= _TOLERANCE:
        raise ModelError(
            f"{path}: with its convention inside, its probabilities differ by {difference:.2g}; expected at most "
            f"{_TOLERANCE:g}"
        )
