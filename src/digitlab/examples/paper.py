"""Handwritten digits on a sheet of paper, with their ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import UsageError, counted
from digitlab.examples.handwriting import BODY, extent, stroke
from digitlab.examples.simulated_camera import MARGIN, blank_paper, held_still, light_on, photograph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.values import Box, Digits

__all__ = ["Layout", "Page", "Sheet", "paper_page", "write_sheet"]

_PENS = {"black": (0.13, 0.125, 0.135), "blue": (0.13, 0.19, 0.50)}  # RGB reflectance of the ink
_SMALLEST = 20.0  # pixels; a smaller digit has fewer pixels than its MNIST original
_GAP = 0.4  # between digits, in digit heights
_PITCH = 1.5  # from line to line, in digit heights


@dataclass(frozen=True, slots=True)
class Layout:
    """The appearance of a page.

    size: width and height of the picture in pixels
    digit_height: in pixels; less if the digits would not fit. Default: between 80 and 115, chosen by the seed
    pen: "black" or "blue"; default: chosen by the seed
    """

    size: tuple[int, int] = (640, 480)
    digit_height: float | None = None
    pen: str | None = None

    def __post_init__(self) -> None:
        if min(self.size) < 64:
            raise UsageError(f"a page of {self.size[0]}×{self.size[1]} pixels; expected at least 64×64")
        if self.pen is not None and self.pen not in _PENS:
            raise UsageError(f"there is no {self.pen} pen; known: {', '.join(_PENS)}")


@dataclass(frozen=True, slots=True)
class Page:
    """A picture and its ground truth.

    image: uint8 (H, W, 3) RGB
    boxes: one bounding box per digit, in reading order, (x0, y0, x1, y1) in pixels, x1 and y1 exclusive
    text: the digits; lines are joined by newlines
    """

    image: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """Illuminated, written paper that extends `MARGIN` pixels beyond the picture on each side.

    surface: float32 (H + 2 MARGIN, W + 2 MARGIN, 3) RGB, 0..1
    boxes: as in `Page`, for a camera at rest
    """

    surface: NDArray[np.float32]
    boxes: tuple[Box, ...]


def paper_page(lines: Sequence[Digits], layout: Layout | None = None, *, seed: int = 0) -> Page:
    """Make a photo of digits on paper; without lines, of empty paper.

    Args:
        lines: the digits of each line, from left to right.
        layout: default: 640×480 pixels, with height and pen chosen by the seed.
        seed: determines position, pen, light, texture and noise.

    Raises:
        UsageError: when the digits do not fit.
        ShapeError: when a digit's image is empty.
    """
    layout = layout or Layout()
    sheet = write_sheet(lines, layout, seed=seed)
    image = photograph(sheet.surface, held_still(), layout.size, np.random.default_rng((seed, 2)))
    return Page(image, sheet.boxes, "\n".join("".join(map(str, line.labels)) for line in lines))


def write_sheet(lines: Sequence[Digits], layout: Layout, *, seed: int) -> Sheet:
    """Write the digits on illuminated paper.

    Raises:
        UsageError: when the digits do not fit.
        ShapeError: when a digit's image is empty.
    """
    rng = np.random.default_rng((seed, 0))
    width, height = layout.size
    shape = height + 2 * MARGIN, width + 2 * MARGIN
    surface = blank_paper(shape, rng)
    pen = np.array(_PENS[layout.pen or rng.choice(list(_PENS))], np.float32)
    boxes = []
    for coverage, x, y in _placed(lines, layout, rng):
        part = surface[y + MARGIN : y + MARGIN + coverage.shape[0], x + MARGIN : x + MARGIN + coverage.shape[1]]
        ink = coverage[:, :, None] * rng.uniform(0.9, 0.98)
        part[:] = part * (1.0 - ink) + pen * ink
        boxes.append((x, y, x + coverage.shape[1], y + coverage.shape[0]))
    return Sheet(surface * light_on(shape, rng), tuple(boxes))


def _placed(
    lines: Sequence[Digits], layout: Layout, rng: np.random.Generator
) -> list[tuple[NDArray[np.float32], int, int]]:
    """Return each digit's coverage with the x and y of its upper left corner in the picture."""
    if not lines:
        return []
    scale = _scale(lines, layout, rng)
    pitch = _PITCH * BODY * scale
    middle = layout.size[1] / 2.0 - pitch * (len(lines) - 1) / 2.0 + _slack(layout.size[1], pitch * len(lines), rng)
    placed = []
    for number, line in enumerate(lines):
        placed += _line(line, scale, layout.size[0], middle + number * pitch, rng)
    return placed


def _line(
    line: Digits, scale: float, width: int, middle: float, rng: np.random.Generator
) -> list[tuple[NDArray[np.float32], int, int]]:
    x = (width - _line_width(line) * scale) / 2.0 + _slack(width, _line_width(line) * scale, rng)
    placed = []
    for image in line.images:
        coverage = stroke(image, scale * rng.uniform(0.92, 1.0))
        y = middle - coverage.shape[0] / 2.0 + rng.uniform(-0.04, 0.04) * BODY * scale
        placed.append((coverage, round(x), round(y)))
        x += coverage.shape[1] + _GAP * BODY * scale * rng.uniform(0.8, 1.0)
    return placed


def _scale(lines: Sequence[Digits], layout: Layout, rng: np.random.Generator) -> float:
    """Return the picture's pixels per pixel of MNIST, such that the motion never moves a digit out of the picture.

    Raises:
        UsageError: when the digits would be too small.
    """
    wanted = layout.digit_height or rng.uniform(80.0, 115.0)
    room = layout.size[0] - MARGIN, layout.size[1] - MARGIN
    widest = max(_line_width(line) for line in lines)
    scale = min(wanted / BODY, room[0] / max(widest, 1.0), room[1] / (_PITCH * BODY * len(lines)))
    if scale * BODY < min(_SMALLEST, wanted):
        raise UsageError(
            f"{counted(len(lines), 'line')} of up to {counted(max(map(len, lines)), 'digit')} "
            f"do not fit on {layout.size[0]}×{layout.size[1]}"
            " pixels; give fewer digits or a larger size"
        )
    return scale


def _line_width(line: Digits) -> float:
    """Return the width of a line in pixels of MNIST, including the gaps."""
    boxes = [extent(image) for image in line.images]
    return sum(x1 - x0 for x0, _, x1, _ in boxes) + _GAP * BODY * max(0, len(boxes) - 1)


def _slack(room: float, needed: float, rng: np.random.Generator) -> float:
    """Return a random offset from the middle: at most a third of the free space on each side."""
    return rng.uniform(-1.0, 1.0) * max(0.0, room - MARGIN - needed) / 6.0
