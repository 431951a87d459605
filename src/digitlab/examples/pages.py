"""Pages as people photograph them: ruled and squared paper, shadows, whiteboards, touching digits, a table around."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import UsageError, counted
from digitlab.examples.handwriting import PITCH, write_lines
from digitlab.examples.paper import Page
from digitlab.examples.simulated_camera import blank_paper, light_on, photograph

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitlab.values import Digits

    Surface = NDArray[np.float32]  # (H, W, 3) RGB, 0..1
    Draw = Callable[[Surface, float, np.random.Generator], None]  # the second argument is the height of the digits

__all__ = ["KINDS", "page_of"]

_SIZE = (1500, 1000)
_PENS = ((0.13, 0.125, 0.135), (0.13, 0.19, 0.50), (0.20, 0.20, 0.22), (0.55, 0.12, 0.14))  # black, blue, pencil, red
_CHALK = ((0.92, 0.92, 0.9), (0.95, 0.88, 0.5))
_MARKERS = ((0.05, 0.05, 0.07), (0.08, 0.15, 0.55), (0.65, 0.08, 0.08), (0.05, 0.4, 0.15))


def page_of(kind: str, lines: Sequence[Digits], *, seed: int = 0, size: tuple[int, int] = _SIZE) -> Page:
    """Make a photo of a page of this kind with these lines of digits, and their ground truth.

    Args:
        kind: one of `KINDS`.
        lines: the digits of each line, from left to right.
        seed: determines everything else.
        size: width and height of the picture in pixels.

    Raises:
        UsageError: for an unknown kind, or when the digits do not fit.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no paper of kind {kind!r}; known: {', '.join(KINDS)}")
    rng = np.random.default_rng((seed, list(KINDS).index(kind)))
    width, height = size
    tall = min(rng.uniform(46.0, 84.0), height / (max(PITCH) * len(lines) + 1.0))
    tall = min(tall, width / (1.35 * max(map(len, lines)) + 2.0))
    if tall < 16.0:
        raise UsageError(
            f"{counted(len(lines), 'line')} of up to {counted(max(map(len, lines)), 'digit')} "
            f"do not fit on {width}×{height}"
        )
    surface = _ground(kind, (height, width), rng)
    for draw in KINDS[kind]:
        draw(surface, tall, rng)
    written = write_lines(lines, tall, size, touching=kind == "touching", broken=kind == "broken", rng=rng)
    inks = _CHALK if kind == "dark" else _MARKERS if kind == "whiteboard" else _PENS
    pen = np.array(inks[rng.integers(len(inks))], np.float32)
    for digit in (digit for line in written for digit in line):
        x0, y0, x1, y1 = digit.box
        amount = digit.coverage[:, :, None] * np.float32(rng.uniform(0.85, 0.98))
        surface[y0:y1, x0:x1] = surface[y0:y1, x0:x1] * (1.0 - amount) + pen * amount
    if kind != "screenshot":
        surface *= _light(kind, (height, width), rng)
        image = photograph(surface, np.array([[1.0, 0, 0], [0, 1, 0]]), size, rng)
    else:
        image = np.asarray(np.rint(np.clip(surface, 0, 1) * 255.0), np.uint8)
    boxes = tuple(digit.box for line in written for digit in line)
    return Page(image, boxes, "\n".join("".join(map(str, line.labels)) for line in lines))


def _ground(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> Surface:
    if kind == "dark":
        return np.asarray(blank_paper(shape, rng) * rng.uniform(0.1, 0.28), np.float32)
    if kind == "whiteboard":
        return np.asarray(0.93 + 0.03 * blank_paper(shape, rng), np.float32)
    if kind == "screenshot":
        return np.ones((*shape, 3), np.float32)
    if kind == "coloured":
        tint = np.array([(1.0, 0.95, 0.55), (0.75, 0.9, 1.0), (1.0, 0.75, 0.8), (0.75, 0.95, 0.7)][rng.integers(4)])
        return np.asarray(blank_paper(shape, rng) * tint, np.float32)
    return blank_paper(shape, rng)


def _light(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Render the illumination: float32 (H, W, 1)."""
    light = light_on(shape, rng)
    height, width = shape
    if kind == "shadow":  # the sharp-edged shadow of a hand or a book, and dark corners
        edge = rng.uniform(0.3, 0.7)
        slope = rng.uniform(-0.4, 0.4)
        ys, xs = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
        inside = cv2.GaussianBlur(((xs + slope * ys) > edge).astype(np.float32), (0, 0), rng.uniform(4.0, 25.0))
        corners = 1.0 - rng.uniform(0.1, 0.25) * ((2 * xs - 1) ** 2 + (2 * ys - 1) ** 2)
        light = light * ((1.0 - rng.uniform(0.3, 0.5) * inside) * corners)[:, :, None]
    if kind == "whiteboard":  # the reflection of a lamp
        x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        near = np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * (0.12 * width) ** 2))
        light = light * (1.0 + 0.25 * near)[:, :, None]
    return np.asarray(light, np.float32)


def _draw_lines(
    surface: Surface, pitch: float, colour: NDArray[np.float32], rng: np.random.Generator, *, upright: bool
) -> None:
    """Draw parallel lines, slightly rotated and bent, as on paper that is not flat."""
    if upright:
        surface = surface.transpose(1, 0, 2)
    height, width = surface.shape[:2]
    amount = np.zeros((height, width), np.float32)
    slope, bend = rng.uniform(-0.02, 0.02), rng.uniform(-0.006, 0.006) * height
    xs = np.linspace(0, width, 25)
    y = rng.uniform(0.2, 1.0) * pitch
    thickness = int(rng.integers(1, 4))
    while y < height:
        ys = y + slope * (xs - width / 2) + bend * ((2 * xs / width - 1) ** 2)
        points = np.rint(np.stack([xs, ys], axis=1) * 16).astype(np.int32)
        cv2.polylines(amount, [points], False, 1.0, thickness, cv2.LINE_AA, 4)
        y += pitch
    surface *= 1.0 - amount[:, :, None] * (1.0 - colour)


def _line_colour(rng: np.random.Generator) -> NDArray[np.float32]:
    tint = np.array(
        [(0.55, 0.7, 0.95), (0.6, 0.6, 0.62), (0.5, 0.75, 0.6), (0.9, 0.6, 0.6)][rng.integers(4)], np.float32
    )
    return np.asarray(tint ** np.float32(rng.uniform(0.6, 1.8)), np.float32)


def _ruled(surface: Surface, tall: float, rng: np.random.Generator) -> None:
    colour = _line_colour(rng)
    _draw_lines(surface, tall * rng.uniform(1.1, 2.0), colour, rng, upright=False)
    x = round(rng.uniform(0.03, 0.05) * surface.shape[1])
    surface[:, x : x + 3] *= np.array([0.95, 0.5, 0.55], np.float32)  # the margin


def _squared(surface: Surface, tall: float, rng: np.random.Generator) -> None:
    colour, pitch = _line_colour(rng), tall * rng.uniform(0.5, 1.1)
    _draw_lines(surface, pitch, colour, rng, upright=False)
    _draw_lines(surface, pitch, colour, rng, upright=True)


def _clutter(surface: Surface, _: float, rng: np.random.Generator) -> None:
    """Draw specks, folds, the holes of a ring binder, and the table that the sheet lies on."""
    height, width = surface.shape[:2]
    for _ in range(int(rng.integers(10, 40))):
        place = int(rng.integers(width)), int(rng.integers(height))
        cv2.circle(surface, place, int(rng.integers(1, 3)), (0.4, 0.4, 0.4), -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(1, 4))):
        ends = [(int(rng.integers(width)), int(rng.integers(height))) for _ in range(2)]
        fold = np.zeros((height, width), np.float32)
        cv2.line(fold, ends[0], ends[1], 1.0, 2, cv2.LINE_AA)
        surface *= 1.0 - 0.05 * cv2.GaussianBlur(fold, (0, 0), 2.0)[:, :, None]
    for share in (0.3, 0.7):
        cv2.circle(
            surface,
            (round(0.025 * width), round(share * height)),
            round(0.012 * width),
            (0.2, 0.15, 0.12),
            -1,
            cv2.LINE_AA,
        )
    _table(surface, rng)


def _table(surface: Surface, rng: np.random.Generator) -> None:
    """Draw dark wood beyond an edge that is not quite straight."""
    height, width = surface.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None]
    grain = np.sin(rows / rng.uniform(3.0, 9.0) + 3.0 * np.sin(np.arange(width) / 90.0)) * 0.03
    wood = (np.array([0.32, 0.22, 0.15], np.float32) + grain[:, :, None]).astype(np.float32)
    edge = 0.965 * width + rng.uniform(-0.02, 0.02) * rows
    beyond = np.arange(width)[None, :] > edge
    lower = rows + 0.02 * np.arange(width)[None, :] > 0.975 * height
    surface[:] = np.where((beyond | lower)[:, :, None], wood, surface)


KINDS: dict[str, tuple[Draw, ...]] = {
    "plain": (),
    "ruled": (_ruled,),
    "squared": (_squared,),
    "shadow": (),
    "touching": (),
    "broken": (),
    "clutter": (_clutter,),
    "whiteboard": (),
    "dark": (),
    "coloured": (),
    "screenshot": (),
}
