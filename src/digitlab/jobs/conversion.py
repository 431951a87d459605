"""Models to and from other programs: export for other runtimes, import from them, join into an ensemble."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from digitlab.errors import UsageError
from digitlab.jobs.events import Work, ignore, loading
from digitlab.jobs.named_models import FORMS, keras_file, note
from digitlab.settings import Setting, checked

if TYPE_CHECKING:
    from digitlab.jobs.events import Listener
    from digitlab.models.conventions.search import Tried
    from digitlab.models.export import Exported
    from digitlab.values import ModelCard

__all__ = ["Ensemble", "ImportResult", "ensemble", "export", "import_model"]

_FORMATS = (".onnx", ".xml", ".tflite", ".keras")
_PREPARATIONS = ("x / 255", "x / 255 - 0.5", "x")


@dataclass(frozen=True, slots=True)
class Ensemble:
    """An ensemble that was written, its number of networks, and its number of weights."""

    exported: Exported
    members: int
    parameters: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A converted model.

    changes: a sentence for each change that was necessary
    tried: the input conventions that were tried, the one used in the file first; empty if it was given
    """

    path: Path
    card: ModelCard
    changes: tuple[str, ...]
    tried: tuple[Tried, ...] = ()


def export(
    model: str | Path,
    out: str | Path,
    *,
    target: Annotated[str | None, Setting(flag="--for")] = None,
    int8: bool = False,
    listener: Listener = ignore,
) -> Exported:
    """Write a trained model for ONNX Runtime (.onnx), OpenVINO (.xml), LiteRT (.tflite) or Keras (.keras).

    The file is run and compared with Keras on 1,000 images before it is kept.

    Args:
        model: a run folder, a shipped name, or a model file of any framework (.keras, .h5, .onnx, .tflite …).
        out: the file to write; its extension selects the format.
        target: a target that prescribes input and output: robotics-academy (its digit classifier), onnx-zoo
            (MNIST-12's names), web (small, with a JSON card beside), all .onnx; c (.c and .h for microcontrollers, in
            8 bits).
        int8: compute in 8 bits, calibrated on MNIST's training images (.onnx only); the accuracy is printed, too.
        listener: called with `Work`, and a `Note` for each change made to an old file.

    Raises:
        UsageError: for another extension or target, or 8 bits in another format.
        ModelError: if the model cannot be opened, or the exported file gives different answers.
        MissingExtraError: if the format's runtime is not installed.
        StorageError: if it cannot be written.
    """
    out = Path(out)
    if target is not None and int8:
        raise UsageError(
            "--int8 and --for exclude each other: C is in 8 bits anyway, and the other targets are in float32"
        )
    if target is None and out.suffix.lower() not in _FORMATS:
        raise UsageError(f"cannot export to {out.name!r}; expected a name that ends in .onnx, .xml, .tflite or .keras")
    listener(loading())
    from digitlab.models import card_of
    from digitlab.models.export import check_target, export_for, export_model
    from digitlab.models.saving import open_model

    if target is not None:
        check_target(target, out)
    path = keras_file(model, listener=listener)
    network = open_model(path, on_note=note(listener))
    listener(Work(f"writing {out.suffix} and comparing it with Keras" + (", in 8 bits" if int8 else "")))
    card = card_of(network, path)
    if target is not None:
        return export_for(target, network, out, card)
    return export_model(network, out, card, int8=int8)


@checked
def import_model(
    old: str | Path,
    out: str | Path,
    *,
    architecture: str | None = None,
    weights: str | Path | None = None,
    preparation: Annotated[str | None, Setting(choices=_PREPARATIONS)] = None,
    backend: Annotated[str | None, Setting(choices=("theano", "tensorflow"))] = None,
    form: Annotated[str, Setting(choices=FORMS)] = "grey",
    listener: Listener = ignore,
) -> ImportResult:
    """Convert a model from an old Keras version or another framework. The file is opened safely, whoever made it.

    How the network expects its images is found by trial on MNIST's, unless ``preparation`` says.

    Args:
        old: the file, or a SavedModel folder.
        out: the file to write, .onnx or .keras; other frameworks' models are translated to Keras layers for the latter.
        architecture: the network, for a Keras file that holds only weights (digitlab train --help lists the names).
        weights: the weights of a .json file; default: the .h5 file beside it.
        preparation: how pixels 0 to 255 are converted to the network's input; by default, it is found by trial, and for
            Sobel images it is "x / 255".
        backend: the backend it was trained with, if the file does not say; Theano rotates kernels by 180°.
        form: the images that it was trained on; "sobel" for Sobel images, as for the networks of 2017.
        listener: called with `Work`.

    Raises:
        UsageError: for another extension, or options that do not fit the file.
        ModelError: if it cannot be opened or converted.
        StorageError: if the new file cannot be written.
    """
    old, out = Path(old), Path(out)
    if preparation is not None or form == "sobel":
        if weights is not None:
            raise UsageError(
                "weights are for a .json file, whose preparation is found by trying; leave out preparation and form"
            )
        return _import_as_specified(old, out, architecture, preparation, backend, form, listener)
    listener(loading())
    from digitlab.models import conventions

    listener(Work("converting the model, and finding its input convention"))
    weights = None if weights is None else Path(weights)
    imported = conventions.import_model(old, out, architecture=architecture, backend=backend, weights=weights)
    return ImportResult(imported.path, imported.card, imported.changes, tuple(imported.search.tried))


def _import_as_specified(
    old: Path, out: Path, architecture: str | None, preparation: str | None, backend: str | None, form: str,
    listener: Listener,
) -> ImportResult:  # fmt: skip
    """Import a Keras file whose preprocessing was given, or is that for Sobel images."""
    if out.suffix.lower() != ".keras":
        raise UsageError(f"cannot import to {out.name!r}; expected a name that ends in .keras")
    listener(loading())
    from digitlab.models.legacy import import_legacy
    from digitlab.models.saving import save_keras, versions
    from digitlab.values import ModelCard

    listener(Work("translating the model"))
    imported = import_legacy(old, architecture, preparation=preparation, backend=backend)
    prepared = f"Sobel image, {imported.preparation}" if form == "sobel" else imported.preparation
    training = {"imported_from": old.name, "written_by": imported.origin}
    card = ModelCard(old.stem, imported.model.name, prepared, form=form, training=training, versions=versions())
    save_keras(imported.model, out, card)
    return ImportResult(out, card, tuple(imported.changes))


def ensemble(*members: str | Path, out: Path, listener: Listener = ignore) -> Ensemble:
    """Combine trained models into an ensemble: one model whose softmax output is the mean of theirs.

    The file is run and compared with the members' Keras models on 1,000 images before it is kept.

    Args:
        members: two or more run folders or model files of any framework (.keras, .h5, .onnx, .tflite …); all for grey
            images, or all for Sobel images.
        out: the file to write: .keras, .onnx, .xml (OpenVINO) or .tflite (LiteRT).
        listener: called with `Work`, and a `Note` for each change made to an old file.

    Raises:
        UsageError: for fewer than two members, or another extension.
        ModelError: if a member cannot be opened, their inputs differ, or the file gives different answers.
        StorageError: if it cannot be written.
    """
    if len(members) < 2:
        raise UsageError(f"expected two or more models, {len(members)} given, e.g. digitlab ensemble A B --out C.keras")
    if out.suffix.lower() not in _FORMATS:
        raise UsageError(f"cannot write {out.name!r}; expected a name that ends in .keras, .onnx, .xml or .tflite")
    listener(loading())
    from digitlab import models
    from digitlab.models.ensemble import ensemble as combine

    paths = [keras_file(each, listener=listener) for each in members]
    opened = [models.open_model(path, on_note=note(listener)) for path in paths]
    cards = [models.card_of(model, path) for model, path in zip(opened, paths, strict=True)]
    card = models.ensemble_card(out.stem, cards)
    combined = combine(opened)
    listener(Work(f"writing {out.suffix} and comparing it with the members"))
    return Ensemble(models.export_model(combined, out, card), len(members), combined.count_params())
