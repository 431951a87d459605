"""The optional parts of digitlab (the extras of `pyproject.toml`): what each is for, and how to install it here.

digitlab is on no package index, so ``pip install "digitlab[web]"`` finds nothing. Which command works depends on where
this installation came from: a checkout, a wheel, a repository. `install_command` is the only place that knows it; every
message and `digitlab doctor` use it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXTRAS", "Extra", "extra_of_module", "install_command"]


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part of digitlab.

    purpose: what it makes possible, in a few words
    packages: distribution → module whose presence shows that it is installed; the first usually serves no other purpose
    brings: further modules that come with its packages and that our code imports as well
    beside: another extra, without which it is of no use
    note: what to know before installing it
    """

    purpose: str
    packages: Mapping[str, str]
    brings: tuple[str, ...] = ()
    beside: str = ""
    note: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """Its distributions that are not installed; checked without importing anything."""
        return tuple(package for package, module in self.packages.items() if not _is_here(module))

    @property
    def asked_for(self) -> bool:
        """Whether it was installed, as far as can be told: its other packages may be present for other reasons."""
        return _is_here(next(iter(self.packages.values())))


EXTRAS: dict[str, Extra] = {
    "train": Extra(
        "training, measuring, reports, Keras models",
        {
            "keras": "keras",
            "h5py": "h5py",
            "jinja2": "jinja2",
            "lmdb": "lmdb",
            "matplotlib": "matplotlib",
            "onnx": "onnx",
            "protobuf": "google.protobuf",
            "scikit-learn": "sklearn",
            "scipy": "scipy",
            "tensorflow-cpu": "tensorflow",
            "tf2onnx": "tf2onnx",
            "threadpoolctl": "threadpoolctl",
            "tomli-w": "tomli_w",
        },
        brings=("google",),
    ),
    "export": Extra("OpenVINO and LiteRT files", {"ai-edge-litert": "ai_edge_litert", "openvino": "openvino"}),
    "heif": Extra("HEIC pictures, as telephones take them", {"pillow-heif": "pillow_heif"}),
    "pdf": Extra("pages of PDF files", {"pypdfium2": "pypdfium2"}),
    "ray": Extra("studies and archives on a cluster, Parquet", {"ray": "ray"}, brings=("pyarrow",)),
    "sheets": Extra("tables of forms as .xlsx, lists one-to-one, promises", {"openpyxl": "openpyxl", "scipy": "scipy"}),
    "tune": Extra("digitlab tune", {"optuna": "optuna"}, beside="train"),
    "mlflow": Extra("train --log mlflow", {"mlflow-skinny": "mlflow"}, beside="train"),
    "web": Extra(
        "digitlab serve",
        {
            "fastapi": "fastapi",
            "python-multipart": "python_multipart",
            "uvicorn": "uvicorn",
            "websockets": "websockets",
        },
        brings=("pydantic", "starlette"),
    ),
    "desktop": Extra("the window of digitlab live", {"pyside6-essentials": "PySide6"}, brings=("shiboken6",)),
    "mqtt": Extra("live --mqtt", {"paho-mqtt": "paho.mqtt"}),
    "ros": Extra("ROS cameras, live --ros", {"websockets": "websockets"}),
    "ice": Extra(
        "JdeRobot's cameras over Ice",
        {"zeroc-ice": "Ice"},
        note="built from source, about five minutes; Debian's python3-zeroc-ice is ready-made, for Debian's own Python "
        "and environments of it with --system-site-packages",
    ),
}


def extra_of_module(module: str) -> str | None:
    """Return the first extra that provides a module (by its top-level name), or None.

    >>> extra_of_module("tensorflow.python"), extra_of_module("websockets"), extra_of_module("numpy")
    ('train', 'web', None)
    """
    first = module.partition(".")[0]
    for name, extra in EXTRAS.items():
        if first in extra.brings or any(first == each.partition(".")[0] for each in extra.packages.values()):
            return name
    return None


def install_command(extra: str) -> str:
    """Return the command that adds an extra to this installation, for POSIX shells and for Windows."""
    beside = EXTRAS[extra].beside
    return f"{_installer()} {_requirement(f'{beside},{extra}' if beside else extra)}"


def _is_here(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # its parent package is missing, or was set to None
        return False


def _installer() -> str:
    """Return the installer of the running Python, which need not be the shell's `pip`."""
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    if _written_down("INSTALLER").strip() == "uv":
        return f"uv pip install --python {python}"
    pip = shutil.which("pip")
    if pip is not None and Path(pip).parent == Path(sys.executable).parent:
        return "pip install"
    return f"{python} -m pip install"


def _requirement(extras: str) -> str:
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():  # running from its own source: an editable installation
        return f'-e "{"." if Path.cwd() == checkout else checkout}[{extras}]"'
    origin = json.loads(_written_down("direct_url.json") or "{}")  # PEP 610; absent if installed from an index
    url = str(origin.get("url", ""))
    if "vcs_info" in origin:
        revision = origin["vcs_info"].get("commit_id", "")
        return f'"digitlab[{extras}] @ {origin["vcs_info"]["vcs"]}+{url}@{revision}"'
    if url.startswith("file:"):
        return f'"{_local_path(url)}[{extras}]"'
    return f'"digitlab[{extras}] @ {url}"' if url else f'"digitlab[{extras}]"'


def _local_path(url: str) -> str:
    """Return the checkout or wheel that a file URL names; "." for the current folder.

    >>> _local_path("file:///home/me/my%20wheels/digitlab-0.1.0-py3-none-any.whl")
    '/home/me/my wheels/digitlab-0.1.0-py3-none-any.whl'
    """
    text = unquote(urlsplit(url).path)
    if text[2:3] == ":":  # file:///C:/…
        text = text[1:]
    return "." if Path(text) == Path.cwd() else text


def _written_down(name: str) -> str:
    """Read a file of the installation's metadata; "" if there is none."""
    try:
        return importlib.metadata.distribution("digitlab").read_text(name) or ""
    except importlib.metadata.PackageNotFoundError:
        return ""
