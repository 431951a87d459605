"""Synthetic out-of-distribution test images: ten kinds of shapes that are not digits.

The kinds take turns: row i shows ``SHAPES[i % 10]``. Shapes made of strokes fill a box of about 20×20 in the middle, as
MNIST's digits do, so that size and position do not reveal them; stripes and textures fill the frame. Shapes that look
like a digit are left out: rings (0), single strokes (1), letters like B, I, O, S, Z.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.transforms.batches import by_blocks
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Points = NDArray[np.float64]  # (P, 2), x to the right, y down
    Draw = Callable[[NDArray[np.uint8], np.random.Generator], None]

__all__ = ["SHAPES", "draw_shapes"]

_FINER = 4  # supersampling factor, for smooth edges
_SIDE = 28 * _FINER
_FIXED = 4  # fractional bits of OpenCV's coordinates

# Strokes in a unit box, x to the right, y down.
_LETTERS: tuple[tuple[tuple[tuple[float, float], ...], ...], ...] = (
    (((0, 1), (0.5, 0), (1, 1)), ((0.2, 0.62), (0.8, 0.62))),  # A
    (((1, 0), (0, 0), (0, 1), (1, 1)), ((0, 0.5), (0.8, 0.5))),  # E
    (((1, 0), (0, 0), (0, 1)), ((0, 0.5), (0.8, 0.5))),  # F
    (((0, 0), (0, 1)), ((1, 0), (1, 1)), ((0, 0.5), (1, 0.5))),  # H
    (((0, 0), (0, 1)), ((1, 0), (0, 0.55), (1, 1))),  # K
    (((0, 1), (0, 0), (0.5, 0.6), (1, 0), (1, 1)),),  # M
    (((0, 1), (0, 0), (1, 1), (1, 0)),),  # N
    (((0, 1), (0, 0), (0.8, 0.08), (0.8, 0.42), (0, 0.5)), ((0.3, 0.5), (1, 1))),  # R
    (((0, 0), (1, 0)), ((0.5, 0), (0.5, 1))),  # T
    (((0, 0), (0.25, 1), (0.5, 0.3), (0.75, 1), (1, 0)),),  # W
    (((0, 0), (1, 1)), ((1, 0), (0, 1))),  # X
    (((0, 0), (0.1, 0.45), (0.5, 0.6), (0.9, 0.45), (1, 0)), ((0.5, 0), (0.5, 1))),  # Ψ
)


def draw_shapes(count: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Draw shapes, light ink on dark: uint8 (count, 28, 28). Image i does not depend on ``count``.

    Raises:
        UsageError: when the count or the seed is negative.
    """
    if count < 0:
        raise UsageError(f"{count} shapes were requested; expected 0 or more")
    return by_blocks(_draw_block, np.zeros((count, 28, 28), np.uint8), seed, jobs=os.cpu_count() or 1)


def _draw_block(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw onto a block of black images; block sizes are multiples of ten, so each block begins with the first kind."""
    drawers = tuple(_DRAWERS.values())
    results = np.empty(images.shape, np.uint8)
    for row in range(len(images)):
        canvas = np.zeros((_SIDE, _SIDE), np.uint8)
        drawers[row % len(drawers)](canvas, rng)
        results[row] = cv2.resize(canvas, (28, 28), interpolation=cv2.INTER_AREA)
    return results


def _letter(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw a capital letter that does not resemble a digit, with unsteady strokes."""
    strokes = _LETTERS[rng.integers(len(_LETTERS))]
    shaky = [np.array(stroke) + rng.normal(0, 0.04, (len(stroke), 2)) for stroke in strokes]
    wide = rng.uniform(0.6, 1.0)
    _strokes(canvas, rng, [_turned(points * (wide, 1.0), rng.normal(0, 0.12)) for points in shaky])


def _grid(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw two or three lines that cross two or three others, as in a hash sign."""
    strokes = []
    for direction in (0, 1):
        for position in np.linspace(0.2, 0.8, rng.integers(2, 4)):
            ends = np.array([[0.0, position], [1.0, position]]) + rng.normal(0, 0.04, (2, 2))
            strokes.append(_turned(ends[:, ::-1] if direction else ends, 0.0))
    turn = rng.uniform(-0.5, 0.5)
    _strokes(canvas, rng, [_turned(points, turn) for points in strokes])


def _asterisk(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw five to eight rays from the centre."""
    rays = rng.integers(5, 9)
    angles = np.arange(rays) * 2 * np.pi / rays + rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.08, rays)
    reach = rng.uniform(0.7, 1.0, rays)
    ends = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None]
    _strokes(canvas, rng, [np.array([[0.0, 0.0], end]) for end in ends])


def _polygon(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw the outline of a triangle, a quadrilateral or a star; more corners would look like a ring, a 0."""
    _strokes(canvas, rng, [_closed(_corners(rng))])


def _filled(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw a filled shape of the same kinds, or a filled ellipse."""
    if rng.random() < 0.4:
        angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        points = _turned(np.stack([np.cos(angles), rng.uniform(0.5, 1) * np.sin(angles)], axis=1), rng.uniform(0, 3.2))
    else:
        points = _corners(rng)
    (placed,) = _framed([points], 20.0)
    cv2.fillPoly(canvas, [_fixed(placed)], _ink(rng), cv2.LINE_AA, _FIXED)


def _scribble(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw one curve that crosses itself many times."""
    time = np.linspace(0, 2 * np.pi, 150)
    waves = rng.integers(2, 7, (2, 3))
    sizes, phases = rng.uniform(0.4, 1, (2, 3)), rng.uniform(0, 2 * np.pi, (2, 3))
    waved = sizes[:, :, None] * np.sin(waves[:, :, None] * time + phases[:, :, None])
    _strokes(canvas, rng, [waved.sum(axis=1).T], thin=True)


def _wave(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw a zigzag or sine wave of three or more periods."""
    time, periods = np.linspace(0, 1, 200), rng.uniform(3, 5)
    phase = 2 * np.pi * periods * time + rng.uniform(0, 2 * np.pi)
    height = np.sin(phase) if rng.random() < 0.5 else 2 / np.pi * np.arcsin(np.sin(phase))
    points = np.stack([2 * time, rng.uniform(0.2, 0.6) * height], axis=1)
    _strokes(canvas, rng, [_turned(points, rng.uniform(-0.5, 0.5))], thin=True)  # upright, it would look like a 3


def _dots(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw five to fourteen dots."""
    (centres,) = _framed([rng.uniform(-1, 1, (rng.integers(5, 15), 2))], 18.0)
    for (x, y), radius in zip(centres.tolist(), rng.uniform(0.9, 2.0, len(centres)).tolist(), strict=True):
        middle = (round(x * 2**_FIXED), round(y * 2**_FIXED))
        cv2.circle(canvas, middle, round(radius * _FINER * 2**_FIXED), _ink(rng), cv2.FILLED, cv2.LINE_AA, _FIXED)


def _stripes(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw stripes or a chessboard over the whole frame, sharp or smooth."""
    angle, period, phase = rng.uniform(0, np.pi), rng.uniform(4, 10) * _FINER, rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:_SIDE, :_SIDE]
    light = np.sin(2 * np.pi / period * (x * np.cos(angle) + y * np.sin(angle)) + phase)
    if rng.random() < 0.5:
        light *= np.sin(2 * np.pi / period * (y * np.cos(angle) - x * np.sin(angle)) + phase)
    canvas[...] = np.clip(127.5 + rng.uniform(150, 900) * light, 0, 255)


def _texture(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw noise over the whole frame, from fine to coarse."""
    grain = float(rng.uniform(0.5, 4) * _FINER)
    noise = cv2.GaussianBlur(rng.standard_normal((_SIDE, _SIDE), np.float32), (0, 0), grain)
    light = noise / max(float(noise.std()), 1e-6)
    canvas[...] = np.clip(rng.uniform(20, 140) + rng.uniform(60, 160) * light, 0, 255)


_DRAWERS: dict[str, Draw] = {
    "letter": _letter,
    "grid": _grid,
    "asterisk": _asterisk,
    "polygon": _polygon,
    "filled": _filled,
    "scribble": _scribble,
    "wave": _wave,
    "dots": _dots,
    "stripes": _stripes,
    "texture": _texture,
}
SHAPES = tuple(_DRAWERS)


def _corners(rng: np.random.Generator) -> Points:
    """Return the corners of a triangle, a quadrilateral or a five-pointed star, around (0, 0)."""
    count = rng.choice([3, 4, 10])
    angles = (np.arange(count) + rng.uniform(-0.2, 0.2, count)) * 2 * np.pi / count + rng.uniform(0, 2 * np.pi)
    reach = rng.uniform(0.75, 1.0, count) * np.where((np.arange(count) % 2 == 1) & (count == 10), 0.45, 1.0)
    return np.asarray(np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None])


def _strokes(
    canvas: NDArray[np.uint8], rng: np.random.Generator, strokes: Sequence[Points], *, thin: bool = False
) -> None:
    """Draw lines through points, scaled to MNIST's box, with a pen of 1.5 to 3 pixels, or 1 to 2 if ``thin``."""
    width = rng.uniform(1.0, 2.0) if thin else rng.uniform(1.5, 3.0)
    ink = _ink(rng)
    for points in _framed(strokes, 20.0 - width):
        cv2.polylines(canvas, [_fixed(points)], False, ink, round(width * _FINER), cv2.LINE_AA, _FIXED)


def _framed(strokes: Sequence[Points], side: float) -> list[Points]:
    """Convert points to centred canvas pixels; the longer side of their bounding box is ``side`` image pixels."""
    together = np.concatenate(strokes)
    low, high = together.min(axis=0), together.max(axis=0)
    scale = side * _FINER / max(float((high - low).max()), 1e-6)
    return [(points - (low + high) / 2) * scale + (_SIDE - 1) / 2 for points in strokes]


def _turned(points: Points, angle: float) -> Points:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(points @ turn.T)


def _closed(points: Points) -> Points:
    return np.concatenate([points, points[:1]])


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.asarray(np.rint(points * 2**_FIXED), np.int32)


def _ink(rng: np.random.Generator) -> int:
    return int(rng.integers(190, 256))
