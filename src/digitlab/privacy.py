"""What the libraries below us send or leave behind unless told otherwise: switched off before any of them is loaded.

`digitlab` itself imports this module first. So it holds in every process that imports any part of the package, actors
on other machines among them, and what such a process starts inherits the environment. (docs/privacy.md is for users.)

- ONNX Runtime writes an ID that lasts into the user's cache and sends events to its maker.
- MLflow sends what is called of it to its maker.
- Ray sends statistics of its use. What it does even without them, `digitlab.cluster` ends.
- OpenVINO's conversion writes an ID into ``~/intel`` and sends events. It has no variable for that, and goes without
  where the package that sends is missing.
- Keras and Matplotlib send nothing, but write settings and lists of fonts into folders of their own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["describe", "keep_folders", "switch_off"]

# Variable → the value that switches off, and what it silences.
_SWITCHES = {
    "ORT_DISABLE_TELEMETRY": ("1", "ONNX Runtime"),
    "RAY_USAGE_STATS_ENABLED": ("0", "Ray"),
    "MLFLOW_DISABLE_TELEMETRY": ("true", "MLflow"),
}
_SENDERS = {"openvino_telemetry": "OpenVINO"}  # packages that do nothing else

# Variable → where that library's files go, in our cache.
_FOLDERS = {"KERAS_HOME": "keras", "MPLCONFIGDIR": "matplotlib"}


def switch_off() -> None:
    """Set the switches. A variable that the user has set stays as it is."""
    for name, (value, _) in _SWITCHES.items():
        if not os.environ.get(name):
            os.environ[name] = value
    for package in _SENDERS:
        sys.modules.setdefault(package, None)  # type: ignore[arg-type]  # None is how Python is told "not installed"


def keep_folders() -> None:
    """Let Keras and Matplotlib write into our cache, where the user has no folder of theirs already.

    For processes that are ours alone: in a user's own program these libraries may be the user's as well.
    """
    from digitlab.storage import cache_folder

    cache = cache_folder()
    for variable, name in _FOLDERS.items():
        if not os.environ.get(variable) and not any(folder.exists() for folder in _folders_of(name)):
            os.environ[variable] = str(cache / name)


def describe() -> str:
    """The state of the switches in one line."""
    off = [maker for name, (value, maker) in _SWITCHES.items() if os.environ.get(name) == value]
    off += [maker for package, maker in _SENDERS.items() if sys.modules.get(package) is None]
    said = [f"nothing is sent by {', '.join(off)}"] if off else []
    said += [
        f"{name}={os.environ.get(name, '')} is set, so {maker} may send"
        for name, (value, maker) in _SWITCHES.items()
        if os.environ.get(name) != value
    ]
    said += [
        f"{maker} was loaded before digitlab, and may send"
        for package, maker in _SENDERS.items()
        if sys.modules.get(package) is not None
    ]
    return "; ".join(said)


def _folders_of(library: str) -> list[Path]:
    """Where a library keeps its files unless told otherwise."""
    try:
        home = Path.home()
    except RuntimeError:  # no home at all
        return []
    named = [Path(os.environ[name]) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME") if os.environ.get(name)]
    return [home / f".{library}", *(parent / library for parent in (home / ".config", home / ".cache", *named))]
