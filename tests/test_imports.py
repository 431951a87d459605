"""What an import may cost: the live half of the house never wakes the offline half."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import digitlab

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
    loaded = modules_after(
        every_module_of(*(f"digitlab.{package}" for package in ("reading", "camera", "camera_server", "live", "apps")))
    )
    assert not loaded.intersection(HEAVY)


def test_importing_the_package_imports_nothing_at_all() -> None:
    assert not modules_after("import digitlab").intersection(
        (*HEAVY, "numpy", "cv2", "onnxruntime", "rich", "cyclopts")
    )


ONLY_POSIX = frozenset({"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"})


def _imported(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.ImportFrom):
        return [statement.module or ""]
    return [each.name for each in statement.names] if isinstance(statement, ast.Import) else []


def test_no_module_needs_what_windows_lacks_when_it_is_imported() -> None:
    """Imports inside functions are guarded where they stand."""
    source = Path(digitlab.__file__).parent
    found = [
        f"{path.relative_to(source)}: {name}"
        for path in sorted(source.rglob("*.py"))
        for statement in ast.parse(path.read_text("utf-8")).body
        for name in _imported(statement)
        if name.partition(".")[0] in ONLY_POSIX
    ]
    assert found == []


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_imports_no_numbers(arguments: list[str]) -> None:
    code = f"from digitlab.apps.cli import run\nrun({arguments!r})"
    assert not modules_after(code).intersection((*HEAVY, "numpy", "cv2", "onnxruntime"))
