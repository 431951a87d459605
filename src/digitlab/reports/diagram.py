"""A network as an SVG diagram: one box per layer with its shapes, and arrows (thesis S0, figure 3.2); no Graphviz.

Boxes are in rows, each below all its inputs; an arrow that passes a row goes around its boxes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Protocol

from digitlab.reports.figures import palette
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Layer", "architecture_svg", "write_diagram"]

_LINE, _PAD, _ROW_GAP, _COLUMN_GAP = 16, 9, 30, 26  # pixels
_LETTER, _SMALL_LETTER = 7.9, 6.9  # average width of a wide letter in both sizes
_PASSING_WIDTH = 14  # width reserved for a passing arrow
_TOP, _MARGIN = 44.0, 16
_IMAGE = "image"
_STRENGTH = 0.16  # opacity of a box's colour


class Layer(Protocol):
    """The data for one box; `digitlab.inspection.LayerSummary` has it."""

    @property
    def name(self) -> str:
        """The unique name."""
        ...

    @property
    def kind(self) -> str:
        """The class."""
        ...

    @property
    def detail(self) -> str:
        """The settings, in readable form."""
        ...

    @property
    def takes(self) -> tuple[str, ...]:
        """The input layers; empty where it takes the image."""
        ...

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The input shape for one image."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The output shape for one image."""
        ...

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        ...


@dataclass
class _Box:
    """A layer, or the place where an arrow passes a row (no ``lines``). x: centre, y: top, in pixels."""

    lines: tuple[str, ...] = ()
    colour: str = ""
    above: list[str] = field(default_factory=list)
    row: int = 0
    x: float = 0.0
    y: float = 0.0
    passing: float = 0.0  # the height of the passed row

    @property
    def width(self) -> float:
        if not self.lines:
            return _PASSING_WIDTH
        first, *rest = self.lines
        return 2 * _PAD + max(_LETTER * len(first), *(_SMALL_LETTER * len(line) for line in rest))

    @property
    def height(self) -> float:
        return 2 * _PAD + _LINE * len(self.lines) - 2 if self.lines else self.passing


def write_diagram(path: Path, layers: Sequence[Layer], title: str) -> None:
    """Write `architecture_svg` to ``path``, atomically.

    Raises:
        StorageError: when it cannot be written.
    """
    write_text(path, architecture_svg(layers, title))


def architecture_svg(layers: Sequence[Layer], title: str) -> str:
    """The diagram of a network as an SVG document.

    layers: in order of computation
    """
    boxes = _boxes(layers)
    width, height = _lay_out(boxes)
    wider = max(0.0, _LETTER * 1.15 * len(title) + 2 * _MARGIN - width)
    width += wider
    for box in boxes.values():
        box.x += wider / 2
    ink, paper = palette().ink, palette().paper
    heading = 'font-size="14" font-weight="bold" text-anchor="middle"'
    shown = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="DejaVu Sans, Verdana, sans-serif" fill="{ink}">',
        f"<title>{escape(title)}</title>",
        '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0.5 8 4 0 7.5z" fill="{palette().quiet}"/></marker></defs>',
        f'<rect width="100%" height="100%" fill="{paper}"/>',
        f'<text x="{width / 2:.0f}" y="24" {heading}>{escape(title)}</text>',
        *(_arrow(boxes, box, source) for box in boxes.values() for source in box.above),
        *(_drawn(box) for box in boxes.values() if box.lines),
        "</svg>",
    ]
    return "\n".join(shown) + "\n"


def _boxes(layers: Sequence[Layer]) -> dict[str, _Box]:
    """A box for the image, for each layer, and for every row that an arrow passes."""
    image = _IMAGE
    while any(layer.name == image for layer in layers):
        image += " "
    shape = next((layer.input_shape for layer in layers if not layer.takes), ())
    boxes = {image: _Box((_IMAGE, _shape(shape)), palette().quiet)}
    for layer in layers:
        box = _Box(_lines(layer), _colour(layer.kind))
        sources = list(layer.takes) or [image]
        box.row = 1 + max(boxes[name].row for name in sources)
        boxes[layer.name] = box
        for name in sources:
            previous = name
            for row in range(boxes[name].row + 1, box.row):
                passing = f"{name} → {layer.name}, row {row}"
                boxes[passing] = _Box(above=[previous], row=row)
                previous = passing
            box.above.append(previous)
    return boxes


def _lines(layer: Layer) -> tuple[str, ...]:
    lines = [f"{layer.name}: {layer.kind}", f"{_shape(layer.input_shape)} → {_shape(layer.shape)}"]
    if layer.detail:
        lines.insert(1, layer.detail)
    if layer.parameters:
        lines.append(f"{layer.parameters:,} parameters")
    return tuple(lines)


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "1"


def _colour(kind: str) -> str:
    colours = palette()
    if "Conv" in kind:
        return colours.orange
    if "Pooling" in kind:
        return colours.green
    if kind == "Dense":
        return colours.blue
    return colours.amber if "Normalization" in kind else colours.quiet


def _lay_out(boxes: Mapping[str, _Box]) -> tuple[float, float]:
    """Place every box below the middle of its inputs, where there is room; returns the total size."""
    rows: list[list[_Box]] = [[] for _ in range(1 + max(box.row for box in boxes.values()))]
    for box in boxes.values():
        rows[box.row].append(box)
    top = _TOP
    for row in rows:
        wished = {id(box): sum(boxes[name].x for name in box.above) / max(1, len(box.above)) for box in row}
        row.sort(key=lambda box: wished[id(box)])  # stable: boxes with the same inputs stay in order
        _spread(row, [wished[id(box)] for box in row])
        tall = max(box.height for box in row)
        for box in row:
            box.passing = tall
            box.y = top + (tall - box.height) / 2
        top += tall + _ROW_GAP
    left = min(box.x - box.width / 2 for box in boxes.values()) - _MARGIN
    for box in boxes.values():
        box.x -= left
    return max(box.x + box.width / 2 for box in boxes.values()) + _MARGIN, top - _ROW_GAP + _MARGIN


def _spread(row: list[_Box], wished: list[float]) -> None:
    """Place boxes side by side without overlap, as near to their preferred positions as possible."""
    right = float("-inf")
    for box, wish in zip(row, wished, strict=True):
        box.x = max(wish, right + box.width / 2)
        right = box.x + box.width / 2 + _COLUMN_GAP
    off = sum(box.x - wish for box, wish in zip(row, wished, strict=True)) / len(row)
    for box in row:
        box.x -= off


def _arrow(boxes: Mapping[str, _Box], box: _Box, source: str) -> str:
    start = boxes[source]
    x0, y0, x1, y1 = start.x, start.y + start.height, box.x, box.y
    bend = (y1 - y0) / 2
    onward = ' marker-end="url(#end)"' if box.lines else ""
    down = "" if box.lines else f"V{y1 + box.height:.1f}"
    return (
        f'<path d="M{x0:.1f} {y0:.1f}C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}{down}" '
        f'fill="none" stroke="{palette().quiet}" stroke-width="1.2"{onward}/>'
    )


def _drawn(box: _Box) -> str:
    left = box.x - box.width / 2
    shown = [
        f'<rect x="{left:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5" '
        f'fill="{palette().paper}"/>',
        f'<rect x="{left:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5" '
        f'fill="{box.colour}" fill-opacity="{_STRENGTH}" stroke="{box.colour}"/>',
    ]
    for number, line in enumerate(box.lines):
        style = 'font-size="12" font-weight="bold"' if number == 0 else f'font-size="11" fill="{palette().quiet}"'
        y = box.y + _PAD + _LINE * number + 10
        shown.append(f'<text x="{box.x:.1f}" y="{y:.1f}" text-anchor="middle" {style}>{escape(line)}</text>')
    return "\n".join(shown)
