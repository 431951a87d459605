"""Models to and from other programs: export for other runtimes, import from old Keras."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import UsageError
from digitlab.jobs.events import Work, ignore, loading
from digitlab.jobs.named_models import keras_file, note

if TYPE_CHECKING:
    from digitlab.jobs.events import Listener
    from digitlab.models.conventions.search import Tried
    from digitlab.models.export import Exported
    from digitlab.values import ModelCard

__all__ = ["ImportResult", "export", "import_model"]

_FORMATS = (".onnx", ".xml", ".tflite", ".keras")


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A model that was brought over.

    changes: a sentence for each thing that had to be changed
    tried: the ways to feed the network that were tried, the one that is in the file first; empty where it was told
    """

    path: Path
    card: ModelCard
    changes: tuple[str, ...]
    tried: tuple[Tried, ...] = ()


def export(
    model: str | Path,
    out: str | Path,
    *,
    target: str | None = None,
    int8: bool = False,
    listener: Listener = ignore,
) -> Exported:
    """Write a trained model for ONNX Runtime (.onnx), OpenVINO (.xml), LiteRT (.tflite) or Keras (.keras).

    The file is run and compared with Keras on 1,000 images before it is kept.

    Args:
        model: a run folder, a shipped name, or a file of anybody, as `import_model` takes it.
        out: the file; its ending is the format.
        target: what the file is for, where its input and output are fixed: "robotics-academy", "onnx-zoo", "web" (all
            .onnx) or "c" (.c, a header beside it).
        int8: compute in 8 bits, calibrated on MNIST's training images (.onnx without a target; C always does).
        listener: told of `Work`, and of a `Note` for each thing that was changed in an old file.

    Raises:
        UsageError: for another ending or target, or 8 bits in another format.
        ModelError: when the model cannot be opened, or the file answers otherwise.
        MissingExtraError: when the format's runtime is not installed.
        StorageError: when it cannot be written.
    """
    out = Path(out)
    if target is not None and int8:
        raise UsageError("--int8 does not go with --for: C is in 8 bits anyway, and the other targets are in float32")
    if target is None and out.suffix.lower() not in _FORMATS:
        raise UsageError(f"cannot export to {out.name!r}; expected a name that ends in .onnx, .xml, .tflite or .keras")
    listener(loading())
    from digitlab.models import card_of
    from digitlab.models.export import check_target, export_for, export_model
    from digitlab.models.saving import open_model

    if target is not None:
        check_target(target, out)
    path = keras_file(model, listener=listener)
    network = open_model(path, tell=note(listener))
    listener(Work(f"writing {out.suffix} and comparing it with Keras" + (", in 8 bits" if int8 else "")))
    card = card_of(network, path)
    if target is not None:
        return export_for(target, network, out, card)
    return export_model(network, out, card, int8=int8)


def import_model(
    old: str | Path,
    out: str | Path,
    *,
    architecture: str | None = None,
    weights: str | Path | None = None,
    preparation: str | None = None,
    backend: str | None = None,
    form: str = "grey",
    listener: Listener = ignore,
) -> ImportResult:
    """Bring a model of an old Keras or of anybody else over. The file is safe to open whoever made it.

    How the network wants its images is found by trying on MNIST's, unless ``preparation`` tells it.

    Args:
        old: the file, or a SavedModel folder.
        out: the file to write, .onnx or .keras; what is no file of Keras is translated to its layers then.
        architecture: the network, for a file of Keras that holds weights only.
        weights: the weights of a .json file; None: the .h5 file beside it.
        preparation: how pixels 0 to 255 become the network's numbers, "x / 255", "x / 255 - 0.5" or "x".
        backend: "theano" or "tensorflow", for a file that does not say; Theano turns kernels by 180°.
        form: what it was trained on, "grey" or "sobel"; for Sobel images nothing is tried.
        listener: told of `Work`.

    Raises:
        UsageError: for another ending, or options that do not fit the file.
        ModelError: when it cannot be opened or brought over.
        StorageError: when the new file cannot be written.
    """
    old, out = Path(old), Path(out)
    if preparation is not None or form == "sobel":
        if weights is not None:
            raise UsageError(
                "weights belong to a .json file, whose preparation is found; leave preparation and form out"
            )
        return _as_told(old, out, architecture, preparation, backend, form, listener)
    listener(loading())
    from digitlab.models import conventions

    listener(Work("translating the model, and finding how it wants its images"))
    weights = None if weights is None else Path(weights)
    done = conventions.import_model(old, out, architecture=architecture, backend=backend, weights=weights)
    return ImportResult(done.path, done.card, done.changes, tuple(done.found.tried))


def _as_told(
    old: Path, out: Path, architecture: str | None, preparation: str | None, backend: str | None, form: str,
    listener: Listener,
) -> ImportResult:  # fmt: skip
    """A file of Keras whose preparation was named, or is that of Sobel images."""
    if out.suffix.lower() != ".keras":
        raise UsageError(f"cannot import to {out.name!r}; expected a name that ends in .keras")
    listener(loading())
    from digitlab.models.legacy import import_legacy
    from digitlab.models.saving import save_keras, versions
    from digitlab.values import ModelCard

    listener(Work("translating the model"))
    found = import_legacy(old, architecture, preparation=preparation, backend=backend)
    prepared = f"Sobel image, {found.preparation}" if form == "sobel" else found.preparation
    training = {"imported_from": old.name, "written_by": found.origin}
    card = ModelCard(old.stem, found.model.name, prepared, form=form, training=training, versions=versions())
    save_keras(found.model, out, card)
    return ImportResult(out, card, tuple(found.changes))
