"""docs/architecture.md and the glossary name what is there."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "digitlab"


def packages() -> set[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["containers"] == ["digitlab"])
    return {package for layer in layers for package in layer.split(" | ")}


def test_every_module_has_a_layer_and_a_row_of_the_table() -> None:
    there = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert packages() == there - {"__init__", "__main__"}
    table = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "architecture.md").read_text("utf-8"), re.MULTILINE)
    described = {name.removesuffix("/").removesuffix(".py") for row in table for name in re.findall(r"`(.*?)`", row)}
    assert packages() == described


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/reading.md", "docs/diagnosis.md", "CONTRIBUTING.md"])
def test_every_file_that_is_named_is_there(page: str) -> None:
    named = set(re.findall(r"`([a-z_]+(?:/[a-z0-9_-]+)*(?:/|\.(?:py|toml|md|svg)))`", (ROOT / page).read_text("utf-8")))
    missing = {name for name in named if not any((folder / name).exists() for folder in (SOURCE, ROOT))}
    assert {
        name for name in missing if not any(SOURCE.rglob(name.rstrip("/")))
    } == set()  # some are named in their package


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    tool, out = ROOT / "tools" / "draw_packages.py", tmp_path / "packages.svg"
    subprocess.run([sys.executable, tool, out], check=True)
    assert all(f">{package}</text>" in out.read_text("utf-8") for package in packages())
