"""Draw the packages of src/digitlab and their imports: docs/pictures/packages.svg.

    python tools/draw_packages.py [OUT.svg]

The arrows are the imports in the files, including those in functions and for types; a package is drawn above all
that it imports. Arrows implied by others are left out: where training imports models and models imports
datasets, none goes from training to datasets. A box's tooltip lists everything that it imports. Which packages are at
the base, and which never load Keras, is read from the contracts of import-linter (pyproject.toml).
"""

from __future__ import annotations

import ast
import sys
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

from check_circles import imports_by_module

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "digitlab"
OUT = ROOT / "docs" / "pictures" / "packages.svg"

WIDTH, ROW, HIGH, MARGIN, LEGEND = 1180, 92, 44, 16, 40  # pixels
HEAVY = {"keras", "tensorflow", "jax", "sklearn", "scipy", "matplotlib"}
# Okabe and Ito's colours, lightened; for the arrows, the same ones darkened.
COLOURS = {"live": ("#d6ebf7", "#0072b2"), "heavy": ("#fde3cf", "#c25400"), "other": ("#eceef1", "#6b7280")}
LEGENDS = {
    "live": "live: never loads Keras",
    "heavy": "imports Keras, scikit-learn, SciPy or matplotlib, late",
    "other": "neither",
}


@dataclass(frozen=True)
class Package:
    """A package or module directly in src/digitlab."""

    name: str
    files: int
    lines: int
    imports: frozenset[str]
    kind: str


def layers_and_light() -> tuple[list[list[str]], set[str]]:
    """Read the contract's layers, top to bottom, and the packages that must stay light."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["containers"] == ["digitlab"])
    light = next(each["source_modules"] for each in contracts if "matplotlib" in each.get("forbidden_modules", ()))
    return [layer.split(" | ") for layer in layers], {name.removeprefix("digitlab.") for name in light}


def packages(names: set[str], light: set[str]) -> dict[str, Package]:
    """Describe each package: its size and what it imports."""
    imports = imports_by_module()
    described = {}
    for name in names:
        path = SOURCE / name
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        texts = [file.read_text("utf-8") for file in files]
        reached = {_room(other) for module, others in imports.items() if _room(module) == name for other in others}
        heavy = name not in light and any(HEAVY & _outside(text) for text in texts)
        kind = "live" if name in light else "heavy" if heavy else "other"
        lines = sum(text.count("\n") for text in texts)
        described[name] = Package(name, len(files), lines, frozenset((reached & names) - {name}), kind)
    return described


def _room(module: str) -> str:
    return f"{module}.".split(".")[1]


def _outside(text: str) -> set[str]:
    """Return the packages that a file imports anywhere, and Keras if it is imported through our only gateway to it."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add("keras" if node.module == "digitlab.models.backend" else node.module.partition(".")[0])
    return names


def needed(described: dict[str, Package]) -> list[tuple[str, str]]:
    """Return the arrows: every import of a package that is not implied by its other imports."""

    def reached(name: str) -> frozenset[str]:
        direct = described[name].imports
        return direct.union(*(reached(other) for other in direct))

    return [
        (name, other)
        for name, package in described.items()
        for other in package.imports
        if not any(other in reached(between) for between in package.imports - {other})
    ]


def rows_of(described: dict[str, Package], ground: list[str]) -> list[list[str]]:
    """Arrange the packages above the base, each as low as possible above all that it imports; the lowest row last."""
    height = dict.fromkeys(ground, 0)
    for _ in described:
        for name in described.keys() - set(ground):
            height[name] = 1 + max((height.get(other, 0) for other in described[name].imports), default=0)
    return [sorted(name for name in described if height[name] == row) for row in range(max(height.values()), 0, -1)]


def rects_of(rows: list[list[str]], arrows: list[tuple[str, str]]) -> dict[str, tuple[float, float, float]]:
    """Return left, top and width of each box; boxes in a row are ordered by the packages that point to them."""
    rects: dict[str, tuple[float, float, float]] = {}
    for row, names in enumerate(rows):
        above = {name: [_middle(rects[one]) for one, other in arrows if other == name] for name in names}
        order = sorted(names, key=lambda name: sum(above[name]) / (len(above[name]) or 1))
        rects |= _in_a_row(order, MARGIN + LEGEND + row * ROW)
    return rects


def _in_a_row(names: list[str], top: float) -> dict[str, tuple[float, float, float]]:
    wide = min(190.0, (WIDTH - MARGIN * (len(names) + 3)) / len(names))
    space = (WIDTH - 2 * MARGIN - wide * len(names)) / (len(names) + 1)
    return {name: (MARGIN + space + column * (wide + space), top, wide) for column, name in enumerate(names)}


def _middle(rect: tuple[float, float, float]) -> float:
    return rect[0] + rect[2] / 2


def drawn(layers: list[list[str]], described: dict[str, Package]) -> str:
    """Draw the picture as SVG."""
    below = next(number for number, layer in enumerate(layers) if "network" in layer) + 1
    ground = [name for layer in layers[below:] for name in layer]
    rows = rows_of(described, ground)
    entrances = [name for (name,) in rows[: rows.index(["apps"]) + 1]]  # these import nearly every package
    arrows = [(one, other) for one, other in needed(described) if other not in ground and one not in entrances]
    rects = rects_of(rows, arrows)
    rects |= {name: (MARGIN, rects[name][1], WIDTH - 2 * MARGIN) for name in entrances}
    top = MARGIN + LEGEND + len(rows) * ROW - HIGH // 2
    half = (len(ground) + 1) // 2
    rects |= _in_a_row(ground[:half], top + 34) | _in_a_row(ground[half:], top + 34 + HIGH + MARGIN)
    height = top + 34 + 2 * HIGH + 3 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#6b7280"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>',
        *_legend(),
        f'<rect x="{MARGIN}" y="{top}" width="{WIDTH - 2 * MARGIN}" height="{height - top - MARGIN}" rx="8" '
        'fill="none" stroke="#6b7280" stroke-dasharray="5 4"/>',
        f'<text x="{2 * MARGIN}" y="{top + 22}" font-size="14" fill="#1d2129">'
        f"the ground: every package above may import these, and {' and '.join(entrances)} every package "
        "(no arrows drawn for either)</text>",
        *(_arrow(one, other, rects, arrows, described[one].kind) for one, other in sorted(arrows)),
        *(_box(package, rects[name]) for name, package in sorted(described.items())),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend() -> list[str]:
    parts = []
    for column, (kind, text) in enumerate(LEGENDS.items()):
        x, (fill, line) = MARGIN + column * 290 + (column == 2) * 130, COLOURS[kind]
        parts.append(f'<rect x="{x}" y="14" width="22" height="16" rx="4" fill="{fill}" stroke="{line}"/>')
        parts.append(f'<text x="{x + 30}" y="27" font-size="14" fill="#1d2129">{escape(text)}</text>')
    return parts


def _arrow(
    one: str, other: str, at: dict[str, tuple[float, float, float]], arrows: list[tuple[str, str]], kind: str
) -> str:
    """Draw an arrow from the lower edge of a box to the upper edge of another; ends at the same box are spread out."""
    x0 = _end(one, other, at, [below for above, below in arrows if above == one])
    x1 = _end(other, one, at, [above for above, below in arrows if below == other])
    y0, y1 = at[one][1] + HIGH, at[other][1]
    bend = (y1 - y0) * 0.45
    curve = f"M{x0:.0f} {y0} C{x0:.0f} {y0 + bend:.0f} {x1:.0f} {y1 - bend:.0f} {x1:.0f} {y1}"
    line = COLOURS[kind][1]
    return f'<path d="{curve}" fill="none" stroke="{line}" stroke-opacity=".7" marker-end="url(#tip)"/>'


def _end(name: str, towards: str, at: dict[str, tuple[float, float, float]], all_of: list[str]) -> float:
    order = sorted(all_of, key=lambda each: _middle(at[each]))
    left, _, wide = at[name]
    return left + wide * (order.index(towards) + 1) / (len(order) + 1)


def _box(package: Package, rect: tuple[float, float, float]) -> str:
    (x, y, wide), (fill, line) = rect, COLOURS[package.kind]
    files = "1 file" if package.files == 1 else f"{package.files} files"
    return (
        f"<g><title>{escape(package.name)} imports "
        f"{escape(', '.join(sorted(package.imports)) or 'nothing of ours')}</title>"
        f'<rect x="{x:.0f}" y="{y}" width="{wide:.0f}" height="{HIGH}" rx="6" fill="{fill}" stroke="{line}"/>'
        f'<text x="{x + wide / 2:.0f}" y="{y + 19}" font-size="15" font-weight="600" text-anchor="middle" '
        f'fill="#1d2129">{escape(package.name)}</text>'
        f'<text x="{x + wide / 2:.0f}" y="{y + 36}" font-size="12" text-anchor="middle" '
        f'fill="#4b5563">{files}, {package.lines:,} lines</text></g>'
    )


def main() -> None:
    """Draw the picture; fail if a package is in no layer."""
    layers, light = layers_and_light()
    in_layers = {name for layer in layers for name in layer}
    existing = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    if missing := sorted(existing - in_layers - {"__init__", "__main__"}):
        sys.exit(f"pyproject.toml: no layer has {', '.join(missing)}")
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.write_text(drawn(layers, packages(in_layers, light)), "utf-8")


if __name__ == "__main__":
    main()
