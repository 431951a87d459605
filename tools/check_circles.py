"""Check that src/digitlab has no import cycles: imports in functions and under TYPE_CHECKING count like all others.

    python tools/check_circles.py       # names each cycle; exit code 1 if there is one

The implicit import of a package when one of its modules is imported does not count: it always happens first.
"""

from __future__ import annotations

import ast
import sys
from importlib.util import resolve_name
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"


def imports_by_module(source: Path = SOURCE) -> dict[str, set[str]]:
    """Map each module below ``source`` to the modules below ``source`` that it imports anywhere in its file."""
    files = {_name(file.relative_to(source)): file for file in sorted(source.rglob("*.py"))}
    return {
        name: {other for other in _imported(name, file, set(files)) if other != name} for name, file in files.items()
    }


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Find groups of two or more modules that all import each other, directly or indirectly."""
    reached = {name: _reached(name, imports) for name in imports}
    groups = {tuple(sorted(other for other in reached[name] if name in reached[other])) for name in imports}
    return [list(group) for group in sorted(groups) if len(group) > 1]


def _name(file: Path) -> str:
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def _imported(name: str, file: Path, modules: set[str]) -> list[str]:
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    names = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            whole = [f"{origin}.{alias.name}" for alias in node.names]
            names += [module if module in modules else origin for module in whole]
    return [module for module in names if module in modules]


def _reached(name: str, imports: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        new = imports[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached


if __name__ == "__main__":
    known = imports_by_module()
    lines = []
    for group in circles(known):
        lines += ["a circle of modules; move what they share into a module below them:"]
        lines += [f"  {name} imports {', '.join(sorted(known[name] & set(group)))}" for name in group]
    sys.exit("\n".join(lines) or 0)
