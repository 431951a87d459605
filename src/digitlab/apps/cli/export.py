"""`digitlab export`."""

from __future__ import annotations

from pathlib import Path

from digitlab.apps.cli.console import advise, say

__all__ = ["export"]


def export(model: Path, out: Path, /) -> int:
    """Write a trained model for ONNX Runtime (.onnx) or Keras (.keras).

    An ONNX file is run and compared with Keras before it is kept.

    Example: digitlab export runs/2026-…-thesis-2conv digits.onnx

    Args:
        model: A run folder or a .keras file.
        out: The file to write.
    """
    from digitlab.errors import UsageError
    from digitlab.runs import Run

    if out.suffix not in (".onnx", ".keras"):
        raise UsageError(f"cannot export to {out.name!r}; expected a name that ends in .onnx or .keras")
    advise("loading the network library …")
    from digitlab.models import card_of, export_onnx, load_keras, save_keras

    path = Run.open(model).keras if model.is_dir() else model
    network = load_keras(path)
    card = card_of(network, path)
    if out.suffix == ".onnx":
        export_onnx(network, out, card)
    else:
        save_keras(network, out, card)
    say(str(out))
    return 0
