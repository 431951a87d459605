"""`digitlab doctor`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform

from digitlab.apps.cli.console import say, table

__all__ = ["doctor"]

# Package to look for → what it makes possible.
_PARTS = {
    "onnxruntime": "reading",
    "opencv-python-headless": "reading",
    "keras": 'training: pip install "digitlab[train]"',
    "tensorflow-cpu": 'training: pip install "digitlab[train]"',
    "scikit-learn": 'evaluating: pip install "digitlab[train]"',
    "matplotlib": 'reports: pip install "digitlab[train]"',
}


def doctor() -> int:
    """Say what is installed, what is missing, and what this machine is. Ends with 1 when something is missing.

    For example:
    digitlab doctor
    """
    import digitlab
    from digitlab.storage import cache_folder

    rows = [[name, _version(name) or "missing", purpose] for name, purpose in _PARTS.items()]
    say(
        f"digitlab {digitlab.__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )
    say(f"cache: {cache_folder()}")
    say(f"bfloat16 products: {_bfloat16()}")
    say(table(["part", "version", "for"], rows))
    return 1 if any(row[1] == "missing" for row in rows) else 0


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _bfloat16() -> str:
    if importlib.util.find_spec("keras") is None:
        return "not asked (training is not installed)"
    from digitlab.training.precision import processor_multiplies_bfloat16

    if not processor_multiplies_bfloat16():
        return "no; training uses float32"
    return "yes; training uses them where a network is quicker with them"
