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
def export(**given: Any) -> int:
    """Write a trained model for ONNX Runtime (.onnx), OpenVINO (.xml), LiteRT (.tflite) or Keras (.keras).

    The file is run and compared with Keras on 1,000 images before it is kept.

    For example:
    digitlab export runs/2026-…-thesis-2conv digits.onnx
    digitlab export model.keras small.onnx --int8
    digitlab export model.keras digits.c --for c
    """
    with JobView() as view:
        done = jobs.export(**given, listener=view)
    _tell(done)
    say(str(done.path))
    if done.beside is not None:
        say(str(done.beside))
    return 0


def _tell(done: Exported) -> None:
    if done.ram is not None and done.flash is not None:
        advise(f"needs {done.ram:,} bytes of RAM, {done.flash:,} bytes of flash for weights and some 2 kB for code")
    size = sum(path.stat().st_size for path in (done.path, done.beside) if path is not None)
    advise(f"{size:,} bytes written")
    if done.accuracy is None or done.float_accuracy is None:
        advise(
            f"run back on {done.images:,} images: probabilities differ from Keras' by at most {done.difference:.1g} "
            f"(allowed: {done.tolerance:g})"
        )
        return
    advise(
        f"run back on {done.images:,} images: {100 * done.difference:.2g} % get another digit than in float32 "
        f"(allowed: {100 * done.tolerance:g} %)"
    )
    advise(
        f"accuracy on MNIST's test images: {100 * done.accuracy:.2f} % in int8, "
        f"{100 * done.float_accuracy:.2f} % in float32"
    )


@options_of(jobs.import_model)
def import_(**given: Any) -> int:
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
        done = jobs.import_model(**given, listener=view)
    for change in done.changes:
        advise(f"- {change}")
    for place, each in zip(("it takes", "next best:"), done.tried, strict=False):
        advise(f"{place} {each.convention} ({100 * each.accuracy:.1f} % of {each.images:,} MNIST images right)")
    say(str(done.path))
    return 0


@options_of(jobs.ensemble)
def ensemble(*members: str, **given: Any) -> int:
    """Combine trained models into an ensemble: one model whose softmax output is the mean of theirs.

    The file is run and compared with the members' Keras models on 1,000 images before it is kept.

    For example:
    digitlab ensemble runs/2026-…-seed-1 runs/2026-…-seed-2 runs/2026-…-seed-3 --out three.keras
    digitlab ensemble runs/2026-…-fast-cnn runs/2026-…-final-cnn --out two.onnx
    """
    with JobView() as view:
        found = jobs.ensemble(*members, **given, listener=view)
    done = found.exported
    advise(
        f"{found.members} members, {found.parameters:,} parameters; run back on {done.images:,} images: "
        f"probabilities differ by at most {done.difference:.1g} (allowed: {done.tolerance:g})"
    )
    say(str(done.path))
    return 0
