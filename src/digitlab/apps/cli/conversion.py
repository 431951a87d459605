"""`digitlab export`, `digitlab import` and `digitlab ensemble`: export, import and combine models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.jobs import conversion as jobs

if TYPE_CHECKING:
    from digitlab.models.export import Exported

__all__ = ["ensemble", "export", "import_"]


@options_of(jobs.export)
def export(**options: Any) -> int:
    """Write a trained model for ONNX Runtime (.onnx), OpenVINO (.xml), LiteRT (.tflite) or Keras (.keras).

    The file is run and compared with Keras on 1,000 images before it is kept.

    For example:
    digitlab export runs/2026-…-thesis-2conv digits.onnx
    digitlab export model.keras small.onnx --int8
    digitlab export model.keras digits.c --for c
    """
    with JobView() as view:
        exported = jobs.export(**options, listener=view)
    _report(exported)
    say(str(exported.path))
    if exported.beside is not None:
        say(str(exported.beside))
    return 0


def _report(exported: Exported) -> None:
    if exported.ram is not None and exported.flash is not None:
        advise(
            f"needs {exported.ram:,} bytes of RAM, {exported.flash:,} bytes of flash for weights and some 2 kB for code"
        )
    size = sum(path.stat().st_size for path in (exported.path, exported.beside) if path is not None)
    advise(f"{size:,} bytes written")
    if exported.accuracy is None or exported.float_accuracy is None:
        advise(
            f"checked on {exported.images:,} images: probabilities differ from Keras' by at most "
            f"{exported.difference:.1g} (allowed: {exported.tolerance:g})"
        )
        return
    advise(
        f"checked on {exported.images:,} images: {100 * exported.difference:.2g} % get another digit than in float32 "
        f"(allowed: {100 * exported.tolerance:g} %)"
    )
    advise(
        f"accuracy on MNIST's test images: {100 * exported.accuracy:.2f} % in int8, "
        f"{100 * exported.float_accuracy:.2f} % in float32"
    )


@options_of(jobs.import_model)
def import_(**options: Any) -> int:
    """Convert a model from an old Keras version or another framework, and report what was changed.

    Keras 1 to 3 and TF-Keras (.keras, .h5, .json with its weights), ONNX (.onnx), LiteRT (.tflite), OpenVINO (.xml with
    its .bin), SavedModel folders. Every other verb takes such a file as it is, too.
    What input the network expects (scale, polarity, layout, rows and columns, size) and what its outputs mean is found
    by trying on 2,000 of MNIST's images, and stored in the new file. Files from untrusted sources are safe to open.

    For example:
    digitlab import theirs.onnx ours.onnx
    digitlab import theirs.onnx layers.keras
    digitlab import 2017.h5 2017.keras --form sobel
    digitlab import weights.h5 mine.keras --architecture thesis-4conv
    """
    with JobView() as view:
        result = jobs.import_model(**options, listener=view)
    for change in result.changes:
        advise(f"- {change}")
    for label, candidate in zip(("it takes", "next best:"), result.tried, strict=False):
        accuracy = f"{100 * candidate.accuracy:.1f} % of {candidate.images:,} MNIST images right"
        advise(f"{label} {candidate.convention} ({accuracy})")
    say(str(result.path))
    return 0


@options_of(jobs.ensemble)
def ensemble(*members: str, **options: Any) -> int:
    """Combine trained models into an ensemble: one model whose softmax output is the mean of theirs.

    The file is run and compared with the members' Keras models on 1,000 images before it is kept.

    For example:
    digitlab ensemble runs/2026-…-seed-1 runs/2026-…-seed-2 runs/2026-…-seed-3 --out three.keras
    digitlab ensemble runs/2026-…-fast-cnn runs/2026-…-final-cnn --out two.onnx
    """
    with JobView() as view:
        result = jobs.ensemble(*members, **options, listener=view)
    exported = result.exported
    advise(
        f"{result.members} members, {result.parameters:,} parameters; checked on {exported.images:,} images: "
        f"probabilities differ by at most {exported.difference:.1g} (allowed: {exported.tolerance:g})"
    )
    say(str(exported.path))
    return 0
