"""`digitlab import`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from digitlab.apps.cli.console import advise, say
from digitlab.apps.cli.job_view import JobView

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
    from digitlab.jobs import import_model

    with JobView() as view:
        done = import_model(
            old, out, architecture=architecture, weights=weights, preparation=preparation, backend=backend, form=form,
            listener=view,
        )  # fmt: skip
    for change in done.changes:
        advise(f"- {change}")
    for place, each in zip(("it takes", "next best:"), done.tried, strict=False):
        advise(f"{place} {each.convention} ({100 * each.accuracy:.1f} % of {each.images:,} MNIST images right)")
    say(str(done.path))
    return 0
