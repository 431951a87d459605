"""What an import may cost: the live half of the house never wakes the offline half."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("keras", "tensorflow", "jax", "torch", "sklearn", "matplotlib", "h5py", "tf2onnx")


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def every_module_of(*packages: str) -> str:
    return f"""
import importlib, pkgutil
for package in {packages!r}:
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not found.name.endswith(("__main__", "training_view")):
            importlib.import_module(found.name)
"""


def test_the_live_rooms_and_the_views_import_nothing_heavy() -> None:
    loaded = modules_after(every_module_of("digitlab.reading", "digitlab.camera", "digitlab.live", "digitlab.apps"))
    assert not loaded.intersection(HEAVY)


def test_importing_the_package_imports_nothing_at_all() -> None:
    assert not modules_after("import digitlab").intersection(
        (*HEAVY, "numpy", "cv2", "onnxruntime", "rich", "cyclopts")
    )


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_imports_no_numbers(arguments: list[str]) -> None:
    code = f"from digitlab.apps.cli import run\nrun({arguments!r})"
    assert not modules_after(code).intersection((*HEAVY, "numpy", "cv2", "onnxruntime"))
