"""An ONNX file of other habits, wherever a verb takes a model."""

from __future__ import annotations

from pathlib import Path

from digitlab.apps.cli.console import advise
from digitlab.apps.cli.waiting import Waiting, loading

__all__ = ["own_onnx_of"]


def own_onnx_of(path: Path) -> Path:
    """``path`` where it takes our images or cannot be read, else the same network with its convention inside."""
    from digitlab.network.classifier import takes_our_images

    try:
        if takes_our_images(path.read_bytes()):
            return path
    except OSError:
        return path  # whoever opens it next names the reason
    with loading():
        from digitlab.models.conventions import own_onnx

    with Waiting() as step:
        step("finding how the model wants its images, once")
        return own_onnx(path, tell=advise)
