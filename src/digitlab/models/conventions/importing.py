"""`digitlab import`: convert a model file of any framework to one of ours."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import ModelError, UsageError
from digitlab.kinds import kind_of
from digitlab.models.conventions.convention import Convention, answer_kind, probabilities_of
from digitlab.models.conventions.onnx_files import open_foreign
from digitlab.models.conventions.search import find_convention, known_digits
from digitlab.models.conventions.wrapping import wrapped
from digitlab.models.plain_onnx import run_onnx, with_card
from digitlab.network.check import check_onnx
from digitlab.network.classifier import content_of
from digitlab.storage import write_bytes
from digitlab.values import ModelCard
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import onnx
    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.models.conventions.onnx_files import ForeignOnnx
    from digitlab.models.conventions.search import ConventionSearch, Predict

__all__ = ["KERAS_ENDINGS", "ImportedModel", "import_model", "translated_model"]

KERAS_ENDINGS = (".keras", ".h5", ".hdf5", ".json")
_COMPARED = 200  # images
_ROUNDED = 0.02  # fraction of the digits that may be classified differently without the rounding to 8 bits
_TOLERANCE = 1e-4  # of a probability, between the file with its built-in convention and the original network


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A converted model.

    path: the file that was written, from uint8 (N, 28, 28) to probabilities (N, 10)
    search: how its convention was found
    changes: the differences from the original, a sentence each
    card: the file's model card
    """

    path: Path
    search: ConventionSearch
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
    """Convert a model file of any framework to one of ours; its input convention is found by trial.

    Args:
        path: a ``.keras``, ``.h5``, ``.json`` (with weights), ``.onnx``, ``.tflite`` or ``.xml`` file (OpenVINO's, its
            ``.bin`` beside it), or a SavedModel folder.
        out: the file to write, ``.onnx`` or ``.keras``; for ``.keras``, other formats are translated to Keras layers.
        architecture: one of `ARCHITECTURES`, for Keras files that hold weights only.
        backend: "theano" or "tensorflow", for Keras files that do not name the backend they were trained with.
        weights: the file with the weights of a ``.json`` file; None: the one beside it.

    Raises:
        ModelError: when it is damaged, of another kind, or no convention makes it a classifier of the ten digits.
        UsageError: for another extension of ``out``, or options that do not fit the file.
        StorageError: when it cannot be written.
    """
    if out.suffix.lower() not in (".keras", ".onnx"):
        raise UsageError(f"cannot import {path.name} to {out.name!r}; expected a name that ends in .keras or .onnx")
    if path.suffix.lower() in KERAS_ENDINGS and not path.is_dir():
        if weights is not None and path.suffix.lower() != ".json":
            raise UsageError(f"{path.name}: has its own weights; --weights is for a .json file, which has none")
        return _import_keras(path, out, architecture, backend, weights)
    options = {"--architecture": architecture, "--backend": backend, "--weights": weights}
    if named := [name for name, value in options.items() if value is not None]:
        raise UsageError(f"{path.name}: {' and '.join(named)} are for files of Keras (.h5, .json)")
    return _import_onnx(path, out)


def translated_model(path: Path) -> tuple[keras.Model, ModelCard]:
    """Open an ONNX file of ours as a Keras network; return it and its card.

    Raises:
        ModelError: when it cannot be opened, or uses operators that no Keras layer computes.
    """
    from digitlab.network.classifier import Classifier

    card = Classifier(path, threads=1).card
    network = open_foreign(content_of(path), path)
    kind = answer_kind(network.predict(Convention(network.forms[0], "0…255"), known_digits().images[:_COMPARED]))
    model, _ = _as_keras(network, Convention(network.forms[0], "0…255", answers=kind), path)
    if card is None:
        card = ModelCard(path.stem, "imported network", "x", versions=_versions())
    return model, replace(card, form="grey")  # a network for Sobel images computes them itself


def _import_keras(
    path: Path, out: Path, architecture: str | None, backend: str | None, weights: Path | None
) -> ImportedModel:
    from digitlab.models.conventions.keras_files import open_foreign_keras
    from digitlab.models.export import export_model
    from digitlab.models.saving import save_keras

    opened = open_foreign_keras(path, architecture, backend=backend, weights=weights)
    card = _card(path, opened.model.name, opened.search, opened.origin)
    if (shape := _input_in(opened.changes)) is not None:
        card.training["shape"] = shape
    if out.suffix.lower() == ".onnx":
        export_model(opened.model, out, card)
    else:
        save_keras(opened.model, out, card)
    return ImportedModel(out, opened.search, opened.changes, card)


def _input_in(changes: Iterable[str]) -> list[int] | None:
    """Return the shape of one image as the Keras file takes it, parsed from the sentence about its change.

    >>> _input_in(["its input (N, 28, 28, 1) became uint8 (N, 28, 28)"])
    [28, 28, 1]
    """
    for change in changes:
        if match := re.match(r"its input \((?:N, )?([0-9, ]+)\) became ", change):
            return [int(size) for size in match[1].split(",") if size.strip()]
    return None


def _import_onnx(path: Path, out: Path) -> ImportedModel:
    """Import an ONNX file, or one that is converted to ONNX first. ONNX to ONNX loads no Keras, which takes seconds."""
    kind = kind_of(path)
    if path.is_dir() or path.suffix.lower() in (".tflite", ".lite"):
        from digitlab.models.conventions.converted import as_onnx

        content, origin = as_onnx(path)
    elif path.suffix.lower() == ".xml":
        from digitlab.models.conventions.openvino_files import openvino_as_onnx

        content, origin = openvino_as_onnx(path), "OpenVINO"
    elif kind is not None or (path.is_file() and path.suffix.lower() != ".onnx"):
        name, advice = kind if kind is not None else ("not a known kind of model", "export the network as .onnx")
        raise ModelError(f"{path}: is {name}; {advice}")
    elif not path.is_file():
        raise ModelError(f"{path}: there is no such model file")
    else:
        content, origin = content_of(path), "ONNX"
    network = open_foreign(content, path)
    try:
        search = find_convention(network.predict, network.forms, network.classes)
    except ModelError as error:
        raise type(error)(f"{path}: {error}") from error
    card = _card(path, "imported network", search, origin)
    if out.suffix.lower() == ".keras":
        from digitlab.models.saving import save_keras

        model, changes = _as_keras(network, search.best.convention, path)
        save_keras(model, out, card)
        return ImportedModel(out, search, ("its operators became layers of Keras", *changes), card)
    whole = _with_card(wrapped(network.graph, search.best.convention), card)
    _compare(whole, network.predict, search, path)
    write_bytes(out, whole)
    return ImportedModel(out, search, (), card)


def _as_keras(network: ForeignOnnx, convention: Convention, path: Path) -> tuple[keras.Model, list[str]]:
    """Translate the network to Keras layers with its convention built in, and compare it with the original."""
    from digitlab.models.conventions.keras_network import with_convention
    from digitlab.models.conventions.translation import rounds, translated
    from digitlab.models.saving import predict_probabilities

    try:
        net = translated(network.graph, convention.form, "imported")
        model, changes = with_convention(net, convention)
    except ModelError as error:
        message = f"{path}: {error}; so its layers cannot be inspected, nor can it be converted to a Keras file"
        raise ModelError(f"{message}. `digitlab import {path.name} OUT.onnx` imports it as it is") from error
    images = known_digits().images[:_COMPARED]
    expected = probabilities_of(network.predict(convention, images), convention.answers, convention.zero)
    probabilities = predict_probabilities(model, images)
    if not rounds(network.graph):
        _expect_alike(probabilities, expected, path)
        return model, changes
    differing = float((probabilities.argmax(axis=1) != expected.argmax(axis=1)).mean())
    if differing > _ROUNDED:
        raise ModelError(f"{path}: without its rounding to 8 bits, {100 * differing:.0f} % of its predictions differ")
    return model, ["its rounding to 8 bits was left out", *changes]


def _card(path: Path, architecture: str, search: ConventionSearch, origin: str) -> ModelCard:
    training = {"imported_from": path.name, "written_by": origin, **search.as_card()}
    versions = _versions(of_keras=origin != "ONNX")
    return ModelCard(
        path.stem, architecture, search.best.convention.preparation(), training=training, versions=versions
    )


def _with_card(graph: onnx.ModelProto, card: ModelCard) -> bytes:
    return with_card(graph.SerializeToString(), card)


def _compare(whole: bytes, predict: Predict, search: ConventionSearch, path: Path) -> None:
    """Check that the converted file gives the same outputs as the original network."""
    check_onnx(whole)
    images, best = known_digits().images[:_COMPARED], search.best.convention
    expected = probabilities_of(predict(best, images), best.answers, best.zero)
    _expect_alike(run_onnx(whole, images), expected, path)


def _expect_alike(actual: NDArray[np.float32], expected: NDArray[np.float32], path: Path) -> None:
    difference = float(np.abs(actual - expected).max())
    if not difference <= _TOLERANCE:
        raise ModelError(
            f"{path}: with its input convention added, its probabilities differ by {difference:.2g}; expected at most "
            f"{_TOLERANCE:g}"
        )


def _versions(*, of_keras: bool = True) -> dict[str, str]:
    if of_keras:
        from digitlab.models.saving import versions

        return versions()
    import onnx

    python = platform.python_version()
    return {"digitlab": VERSION, "python": python, "numpy": np.__version__, "onnx": onnx.__version__}
