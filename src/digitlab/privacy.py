"""Switch off what our dependencies send or leave behind by default, before any of them is imported.

`digitlab` itself imports this module first, so it takes effect in every process that imports any part of the package,
including actors on other machines; their child processes inherit the environment. (docs/privacy.md is for users.)

- ONNX Runtime writes a persistent ID into the user's cache and sends events to its vendor.
- MLflow reports to its vendor which of its functions are called.
- Ray sends usage statistics. What it does even without them is stopped in `digitlab.cluster`.
- OpenVINO's conversion writes an ID into ``~/intel`` and sends events. No variable turns that off, but it does without
  if the package that sends is missing.
- Keras and Matplotlib send nothing, but write settings and font lists into folders of their own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["describe", "keep_folders", "switch_off"]

# Variable → the value that switches telemetry off, and the library concerned.
_SWITCHES = {
    "ORT_DISABLE_TELEMETRY": ("1", "ONNX Runtime"),
    "RAY_USAGE_STATS_ENABLED": ("0", "Ray"),
    "MLFLOW_DISABLE_TELEMETRY": ("true", "MLflow"),
}
_SENDERS = {"openvino_telemetry": "OpenVINO"}  # package → library; these packages only send telemetry

# Variable → subfolder of our cache for that library's files.
_FOLDERS = {"KERAS_HOME": "keras", "MPLCONFIGDIR": "matplotlib"}


def switch_off() -> None:
    """Set the switches; a variable that the user has set is left unchanged."""
    for name, (value, _) in _SWITCHES.items():
        if not os.environ.get(name):
            os.environ[name] = value
    for package in _SENDERS:
        sys.modules.setdefault(package, None)  # type: ignore[arg-type]  # None tells Python that it is not installed


def keep_folders() -> None:
    """Make Keras and Matplotlib write into our cache, unless the user already has folders of theirs.

    Only for processes of our own: in a user's program, these libraries may be in use by the user as well.
    """
    from digitlab.storage import cache_folder

    cache = cache_folder()
    for variable, name in _FOLDERS.items():
        if not os.environ.get(variable) and not any(folder.exists() for folder in _folders_of(name)):
            os.environ[variable] = str(cache / name)


def describe() -> str:
    """Describe the state of the switches in one line."""
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
    """List the folders in which a library keeps its files by default."""
    try:
        home = Path.home()
    except RuntimeError:  # no home at all
        return []
    named = [Path(os.environ[name]) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME") if os.environ.get(name)]
    return [home / f".{library}", *(parent / library for parent in (home / ".config", home / ".cache", *named))]
