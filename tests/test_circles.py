import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parent.parent / "tools" / "check_circles.py"


def checked(tmp_path: Path, **modules: str) -> subprocess.CompletedProcess[str]:
    """The tool, copied beside a package with these modules."""
    package = tmp_path / "src" / "room"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for name, text in modules.items():
        (package / f"{name}.py").write_text(text)
    tool = tmp_path / "tools" / TOOL.name
    tool.parent.mkdir()
    tool.write_text(TOOL.read_text())
    return subprocess.run([sys.executable, tool], capture_output=True, text=True)


def test_late_and_type_only_imports_close_a_circle(tmp_path: Path) -> None:
    late = "def f():\n    from room.second import x\n"
    for_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import third\n"
    done = checked(tmp_path, first=late, second=for_types, third="import room.first", apart="import room.first")
    assert done.returncode == 1
    assert "room.first imports room.second\n" in done.stderr
    assert "room.second imports room.third\n" in done.stderr
    assert "apart" not in done.stderr


def test_imports_that_go_down_only_are_well(tmp_path: Path) -> None:
    done = checked(tmp_path, first="from room import second", second="from room.third import x", third="import ast")
    assert (done.returncode, done.stderr) == (0, "")
