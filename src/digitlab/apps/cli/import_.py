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
    preparation: Literal["x / 255", "x / 255 - 0.5", "x"] | None = None,
    backend: Literal["theano", "tensorflow"] | None = None,
    form: Literal["grey", "sobel"] = "grey",
) -> int:
    """Bring a model of an old Keras (.h5) or of someone else (.keras) over, and say what was changed.

    Keras 1, Keras 2 and TF-Keras, trained on Theano or TensorFlow. The file is safe to open whoever made it.

    For example:
    digitlab import 2017.h5 2017.keras --form sobel
    digitlab import weights.h5 mine.keras --architecture thesis-4conv

    Args:
        old: The file.
        out: The .keras file to write.
        architecture: The network, for a file that holds weights only (digitlab train --help names them).
        preparation: How pixels 0…255 become the network's numbers, which old files do not say; else "x / 255".
        form: What it was trained on; "sobel" for Sobel images, as the networks of 2017.
        backend: What it was trained on, for a file that does not say; Theano turns kernels by 180°.
    """
    from digitlab.jobs import import_model

    with JobView() as view:
        found = import_model(
            old, out, architecture=architecture, preparation=preparation, backend=backend, form=form, listener=view
        )
    for change in found.changes:
        advise(f"- {change}")
    advise(f"{found.parameters:,} parameters, from (N, 28, 28) images to (N, 10) probabilities")
    say(str(out))
    return 0
