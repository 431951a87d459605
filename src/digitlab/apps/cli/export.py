"""`digitlab export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say
from digitlab.apps.cli.job_view import JobView

if TYPE_CHECKING:
    from digitlab.models.export import Exported

__all__ = ["export"]


def export(
    model: Path, out: Path, /, *, target: Annotated[str | None, Parameter(name="--for")] = None, int8: bool = False
) -> int:
    """Write a trained model for ONNX Runtime (.onnx), OpenVINO (.xml), LiteRT (.tflite) or Keras (.keras).

    The file is run and compared with Keras on 1,000 images before it is kept.

    For example:
    digitlab export runs/2026-…-thesis-2conv digits.onnx
    digitlab export model.keras small.onnx --int8
    digitlab export model.keras digits.c --for c

    Args:
        model: A run folder, a shipped name, or a model file of anybody (.keras, .h5, .onnx, .tflite …).
        out: The file to write.
        target: What it is for, where input and output are fixed: robotics-academy (its digit classifier), onnx-zoo
            (MNIST-12's names), web (small, with a JSON card beside), all .onnx; c (.c and .h for microcontrollers, in
            8 bits).
        int8: Compute in 8 bits, calibrated on MNIST's training images (.onnx only); the accuracy is printed beside.
    """
    from digitlab.jobs import export as export_model

    with JobView() as view:
        done = export_model(model, out, target=target, int8=int8, listener=view)
    _tell(done)
    say(str(out))
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
