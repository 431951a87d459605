"""`digitlab import`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from digitlab.apps.cli.console import advise, say
from digitlab.apps.cli.waiting import Waiting, loading

__all__ = ["import_"]


def import_(
    old: Path,
    out: Path,
    /,
    *,
    architecture: str | None = None,
    weights: Path | None = None,
    preparation: Literal["x / 255", "x / 255 - 0.5", "x"] | None = None,
    backend: Literal["theano", "tensorflow"] | None = None,
    form: Literal["grey", "sobel"] = "grey",
) -> int:
    """Bring a model of an old Keras or of anybody else over, and say what was changed.

    Keras 1 to 3 and TF-Keras (.keras, .h5, .json with its weights), ONNX (.onnx), LiteRT (.tflite), SavedModel folders.
    How the network wants its images (scale, polarity, layout, rows and columns, size) and what its numbers are is found
    by trying on 2,000 of MNIST's images, and put inside the new file. The file is safe to open whoever made it.

    For example:
    digitlab import theirs.onnx ours.onnx
    digitlab import 2017.h5 2017.keras --form sobel
    digitlab import weights.h5 mine.keras --architecture thesis-4conv

    Args:
        old: The file or folder.
        out: The file to write: .onnx, or .keras where the old one is of Keras.
        architecture: The network, for a file that holds weights only (digitlab train --help names them).
        weights: The weights of a .json file; else the .h5 file beside it.
        preparation: How pixels 0…255 become the network's numbers; else it is found, and for Sobel images "x / 255".
        form: What it was trained on; "sobel" for Sobel images, as the networks of 2017.
        backend: What it was trained on, for a file that does not say; Theano turns kernels by 180°.
    """
    if preparation is not None or form == "sobel":
        if weights is not None:
            from digitlab.errors import UsageError

            raise UsageError("--weights belongs to a .json file, whose preparation is found; leave --preparation out")
        return _as_told(old, out, architecture, preparation, backend, form)
    with loading():
        from digitlab.models.conventions import import_model

    with Waiting() as step:
        step("translating the model, and finding how it wants its images")
        done = import_model(old, out, architecture=architecture, backend=backend, weights=weights)
    for change in done.changes:
        advise(f"- {change}")
    for place, each in zip(("it takes", "next best:"), done.found.tried, strict=False):
        advise(f"{place} {each.convention} ({100 * each.accuracy:.1f} % of {each.images:,} MNIST images right)")
    say(str(done.path))
    return 0


def _as_told(
    old: Path, out: Path, architecture: str | None, preparation: str | None, backend: str | None, form: str
) -> int:
    """A file of Keras whose preparation was named, or is that of Sobel images."""
    from digitlab.errors import UsageError

    if out.suffix.lower() != ".keras":
        raise UsageError(f"cannot import to {out.name!r}; expected a name that ends in .keras")
    with loading():
        from digitlab.models.legacy import import_legacy
        from digitlab.models.saving import save_keras, versions
        from digitlab.values import ModelCard

    with Waiting() as step:
        step("translating the model")
        found = import_legacy(old, architecture, preparation=preparation, backend=backend)
    for change in found.changes:
        advise(f"- {change}")
    training = {"imported_from": old.name, "written_by": found.origin}
    prepared = f"Sobel image, {found.preparation}" if form == "sobel" else found.preparation
    card = ModelCard(old.stem, found.model.name, prepared, form=form, training=training, versions=versions())
    save_keras(found.model, out, card)
    advise(f"{found.model.count_params():,} parameters, from (N, 28, 28) images to (N, 10) probabilities")
    say(str(out))
    return 0
